//! The protocol by which remembered keys stop counting, in every order in which threads can run.
//!
//! `versions.rs` is taken as it is in the program, with loom's atomics in place of the standard
//! library's. A look-up, a revocation and a request that comes after it run side by side.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a test that cannot go on has failed"
)]

use loom::sync::atomic::{AtomicBool, Ordering::SeqCst};
use loom::sync::{Arc, Mutex};
use loom::thread;

use loom::sync::atomic;

#[path = "../src/store/api_keys/versions.rs"]
mod versions;

use versions::{Version, Versions};

const KEY: u32 = 7;

/// A store with one key, what is remembered of it, and the versions between them.
struct World {
    versions: Versions,
    /// Whether the key is active, as the store has it.
    store: AtomicBool,
    /// Whether it was, as it is remembered.
    memory: Mutex<Option<(bool, Version)>>,
}

impl World {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            versions: Versions::new(1),
            store: AtomicBool::new(true),
            memory: Mutex::new(None),
        })
    }

    /// What `ApiKeys::lookup` does.
    fn lookup(&self) -> bool {
        let remembered = *self.memory.lock().unwrap();
        if let Some((active, version)) = remembered
            && self.versions.is_current(version)
        {
            return active;
        }
        let ticket = self.versions.ticket();
        let active = self.store.load(SeqCst);
        if let Some(version) = self.versions.of(KEY, ticket) {
            *self.memory.lock().unwrap() = Some((active, version));
        }
        active
    }
}

/// Revokes the key and then asks, while another thread asks too.
fn revoke(forget: fn(&Versions)) {
    loom::model(move || {
        let world = World::new();
        let other = Arc::clone(&world);
        let asking = thread::spawn(move || {
            other.lookup();
            other.lookup();
        });
        world.store.store(false, SeqCst);
        forget(&world.versions);
        assert!(!world.lookup(), "revoked, and yet let in");
        asking.join().unwrap();
        assert!(!world.lookup(), "brought back by who asked meanwhile");
    });
}

#[test]
fn a_key_that_was_forgotten_is_never_brought_back() {
    revoke(|versions| versions.forget(KEY));
}

#[test]
fn nor_is_one_of_many_that_were() {
    revoke(Versions::forget_all);
}

#[test]
fn two_changes_at_once_leave_the_later_one() {
    loom::model(|| {
        let world = World::new();
        let other = Arc::clone(&world);
        let changing = thread::spawn(move || {
            other.store.store(false, SeqCst);
            other.versions.forget(KEY);
        });
        world.versions.forget_all();
        world.lookup();
        changing.join().unwrap();
        assert!(!world.lookup());
    });
}
