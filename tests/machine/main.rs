//! The program as an administrator runs it: the shipped units under a real systemd, on a machine
//! made for the test. Needs root, for the namespaces that the machine is made of.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a test that cannot go on has failed"
)]

#[path = "../e2e/harness/mod.rs"]
#[allow(dead_code, reason = "shared with the other tests, which use all of it")]
mod harness;
mod load;
mod machine;
mod units;
