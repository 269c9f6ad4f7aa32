//! Several machines, one set of keys: services of their own before one real PostgreSQL, which is
//! killed, paused, restored and cut off.
//!
//! Each test has a server and nodes for itself, on free ports of the loopback.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a test that cannot go on has failed"
)]

mod access;
mod away;
mod changes;
mod equal;
#[path = "../e2e/harness/mod.rs"]
#[allow(dead_code, reason = "shared with the other tests, which use all of it")]
mod harness;
mod lookups;
mod migrations;
mod moving;
mod notices;
mod reloading;
mod tls;

use std::time::Duration;

use self::harness::eventually;

/// What every change and every return of the database is promised in.
const SECOND: Duration = Duration::from_secs(1);

/// Asks until it is so, which must not take longer than this.
fn within(limit: Duration, what: &str, done: impl FnMut() -> bool) {
    assert!(eventually(limit, done), "{what}: not within {limit:?}");
}
