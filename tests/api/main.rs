//! The program as its users meet it: over a bare socket, by its files, on the command line.
//!
//! Each test starts the program on files of its own. No proxy is needed; those are met in
//! `tests/e2e`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a test that cannot go on has failed"
)]

mod audit;
mod bodies;
mod cli;
mod containers;
mod demo;
mod disk;
mod explain;
mod helpers;
mod http;
mod key_use;
mod keys;
mod load;
mod logs;
mod manual;
mod metrics;
mod reload;
mod store;
mod traces;
mod users;
mod wire;
