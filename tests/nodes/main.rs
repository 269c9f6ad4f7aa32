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

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    time::Duration,
};

use self::harness::{eventually, nodes::Node};

/// What every change and every return of the database is promised in.
const SECOND: Duration = Duration::from_secs(1);

/// Changes a node's configuration and has it reloaded; the exit status and what is said.
fn reload(node: &Node, from: &str, to: &str) -> (Option<i32>, String) {
    let file = node.htgate.path("htgate.toml");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(&file, text.replace(from, to)).unwrap();
    let ended = node.htgate.output(&["reload"], "");
    let said = [ended.stdout, ended.stderr].concat();
    (ended.status.code(), String::from_utf8(said).unwrap())
}

/// Gives a node its pepper.
fn pepper(node: &Node, pepper: &str) {
    let file = node.htgate.path("pepper");
    fs::write(&file, pepper).unwrap();
    fs::set_permissions(file, Permissions::from_mode(0o600)).unwrap();
}

/// Asks until it is so, which must not take longer than this.
fn within(limit: Duration, what: &str, done: impl FnMut() -> bool) {
    assert!(eventually(limit, done), "{what}: not within {limit:?}");
}
