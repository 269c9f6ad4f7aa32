//! The program behind real proxies, with the files of `nginx/` and `deploy/` as shipped.
//!
//! Each test starts what it needs on free ports of the loopback and stops it at its end. A tool
//! that is missing fails a test, it never passes quietly; `tests/setup` installs them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a test that cannot go on has failed"
)]

mod advisories;
mod attacks;
mod browser;
mod caddy;
mod captures;
mod clock;
mod compose;
mod doctor;
mod every_proxy;
mod harness;
mod moving;
mod nginx;
mod snippet;
mod traefik;
mod vectors;
