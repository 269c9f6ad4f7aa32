//! A client that asks at a steady pace, however fast it is answered, and times every answer.

use std::{
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use super::{ask, timed};
use crate::harness::http::Connection;

/// Kept connections, and how often each of them asks: 500 times a second in all, a load that
/// leaves the cores free.
const CONNECTIONS: u32 = 4;
const PACE: Duration = Duration::from_millis(8);

/// How long each answer took that was asked for while `goes_on`.
///
/// Timed from the moment that the request is sent: a client that wakes up late, since something
/// else had its core, has not waited for the service.
pub(crate) fn answers(
    to: SocketAddr,
    question: &[u8],
    goes_on: impl Fn() -> bool + Sync,
) -> Vec<Duration> {
    let goes_on = &goes_on;
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CONNECTIONS)
            .map(|number| scope.spawn(move || one(to, question, number, goes_on)))
            .collect();
        let times = clients.into_iter().map(|client| client.join().unwrap());
        times.flatten().collect()
    })
}

/// The same for so long.
pub(crate) fn answers_for(to: SocketAddr, question: &[u8], time: Duration) -> Vec<Duration> {
    let started = Instant::now();
    answers(to, question, || started.elapsed() < time)
}

fn one(to: SocketAddr, question: &[u8], number: u32, goes_on: impl Fn() -> bool) -> Vec<Duration> {
    let mut connection = Connection::open(to);
    let mut times = Vec::new();
    // Not all at the same moment.
    let mut due = Instant::now() + PACE * number / CONNECTIONS;
    while goes_on() {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        times.push(timed(|| ask(&mut connection, question, 200)));
        // What could not be sent in time is left out.
        due = (due + PACE).max(Instant::now());
    }
    times
}
