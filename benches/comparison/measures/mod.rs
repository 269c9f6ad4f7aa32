//! What is measured besides answers per second, one file for each question.

pub(crate) mod first;
pub(crate) mod flood;
pub(crate) mod instructions;
pub(crate) mod keys;
pub(crate) mod size;
pub(crate) mod start;

mod paced;

use std::time::{Duration, Instant};

use crate::{
    harness::http::{Connection, request},
    servers::gate::{DESCRIBED, ENDPOINT},
};

/// What a proxy asks for a client with these credentials.
fn question(credentials: &str) -> Vec<u8> {
    let mut headers = DESCRIBED.to_vec();
    headers.push(("Authorization", credentials));
    request("GET", ENDPOINT, &headers, b"")
}

/// Asks, and panics unless the answer is the expected one.
fn ask(connection: &mut Connection, question: &[u8], status: u16) {
    let answer = connection.ask(question).unwrap();
    assert_eq!(answer.status, status, "{answer:?}");
}

fn timed(work: impl FnOnce()) -> Duration {
    let started = Instant::now();
    work();
    started.elapsed()
}
