//! Paths: what rules say of a path, held against what a proxy and an application make of it.
//!
//! The law: whatever policy the rules name for a path, a server behind us that reads the path in
//! its own way finds the same by what the rules mean. What it reads is nginx's own `$uri`, or the
//! target that an application received behind Traefik or Caddy, resolved in several ways.

mod browsers;
mod forwarded;
mod hostile;
mod models;
mod nginx;
mod pipeline;
mod sites;
mod tally;

/// One of these.
fn pick<'a, T: ?Sized>(random: &mut fastrand::Rng, from: &[&'a T]) -> &'a T {
    from[random.usize(..from.len())]
}
