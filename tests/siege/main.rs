//! Under attack: what an attacker, a careless editor, a full disk or a crash can do, done first.
//!
//! Each trial runs small with the other tests. `tests/campaign` runs them at their full size, or
//! at any other, and makes the table of `docs/reliability.md`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a test that cannot go on has failed"
)]

mod crashes;
mod decisions;
mod equal_time;
#[path = "../e2e/harness/mod.rs"]
#[allow(dead_code, reason = "shared with the other tests, which use all of it")]
mod harness;
mod nodes;
mod paths;
mod reloads;

mod canary;
mod floods;
mod observed;
mod secrets;
mod trial;
