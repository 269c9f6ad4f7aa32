//! Those who go on asking.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use super::ledger::Ledger;
use crate::harness::{Failures, nodes::Client};

/// Ends what goes on until then, also when a trial fails.
pub(super) struct Ending<'a>(pub(super) &'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Asks for keys that stay as they are until it is over, and counts.
pub(super) fn keep_asking(node: SocketAddr, keys: &[String], over: &AtomicBool) -> u64 {
    let mut client = Client::try_open(node).unwrap();
    let mut asked = 0;
    for key in keys.iter().cycle() {
        if over.load(Ordering::SeqCst) {
            break;
        }
        match client.key(key).status {
            200 => asked += 1,
            503 => {} // looked up, and not in time
            other => panic!("{other}"),
        }
        // So that the database gets its turn on a small machine: it is no flood that is tried here.
        thread::sleep(Duration::from_micros(500));
    }
    asked
}

/// What those heard who asked while everything was broken.
#[derive(Default)]
pub(super) struct Heard {
    pub(super) accepted: u64,
    pub(super) refused: u64,
    pub(super) unavailable: u64,
    pub(super) users: u64,
    pub(super) failures: Failures,
}

/// Asks for keys of the ledger, and as a user now and then, until it is over.
pub(super) fn keep_judging(
    (number, node): (usize, SocketAddr),
    ledger: &Ledger,
    over: &AtomicBool,
) -> Heard {
    let mut heard = Heard::default();
    while !over.load(Ordering::SeqCst) {
        // A node that was killed comes back.
        let Ok(mut client) = Client::try_open(node) else {
            thread::sleep(Duration::from_millis(5));
            continue;
        };
        while !over.load(Ordering::SeqCst) && ask(number, &mut client, ledger, &mut heard) {}
    }
    heard
}

/// Asks once; whether the connection is still good.
fn ask(number: usize, client: &mut Client, ledger: &Ledger, heard: &mut Heard) -> bool {
    let Some(entry) = ledger.any() else {
        return true;
    };
    let sent = ledger.now();
    let Ok(status) = client.try_key(&entry.key) else {
        return false;
    };
    if let Some(fault) = entry.fault(number, sent, status) {
        heard.failures.add(fault);
    }
    *match status {
        200 => &mut heard.accepted,
        401 => &mut heard.refused,
        _ => &mut heard.unavailable,
    } += 1;
    let asked = heard.accepted + heard.refused + heard.unavailable;
    if !asked.is_multiple_of(16) {
        return true;
    }
    match client.try_user() {
        Ok(200) => heard.users += 1,
        Ok(status) => heard
            .failures
            .add(format!("{status} for a user of node {number}")),
        Err(_) => return false,
    }
    true
}
