//! Which remembered keys still count as the store has them.
//!
//! A key's record is remembered with the version it had; a change of the key makes that version
//! old. Nobody waits for anybody: there are no locks here.
//!
//! SECURITY: a look-up may have read a record just before a change and come to remember it just
//! after. So it takes a [`Ticket`] before it asks the store, and what it read is remembered under a
//! version only if nothing at all was forgotten since. `tests/interleavings.rs` tries this file in
//! every order that threads can run in.

use super::atomic::{AtomicU64, Ordering::SeqCst};

/// The versions of all keys. Several keys share one: a change of one makes the others be asked for
/// again too, which is rare and harmless.
pub(super) struct Versions {
    /// How often anything was forgotten.
    forgotten: AtomicU64,
    shared: Box<[AtomicU64]>,
}

/// The moment before a look-up.
#[derive(Clone, Copy)]
pub(super) struct Ticket(u64);

/// The version under which a record is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Version {
    place: usize,
    number: u64,
}

impl Versions {
    pub(super) fn new(count: usize) -> Self {
        Self {
            forgotten: AtomicU64::new(0),
            shared: (0..count).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// To be taken before the store is asked.
    pub(super) fn ticket(&self) -> Ticket {
        Ticket(self.forgotten.load(SeqCst))
    }

    /// The version of what was read since the ticket, if it may be remembered. `hash` is the key's.
    pub(super) fn of(&self, hash: u32, ticket: Ticket) -> Option<Version> {
        let place = self.place(hash);
        // In this order: whoever forgets takes the opposite one.
        let number = self.shared[place].load(SeqCst);
        (self.forgotten.load(SeqCst) == ticket.0).then_some(Version { place, number })
    }

    pub(super) fn is_current(&self, version: Version) -> bool {
        self.shared[version.place].load(SeqCst) == version.number
    }

    /// What was read of this key before now counts no more.
    pub(super) fn forget(&self, hash: u32) {
        self.forgotten.fetch_add(1, SeqCst);
        self.shared[self.place(hash)].fetch_add(1, SeqCst);
    }

    /// What was read before now counts no more.
    pub(super) fn forget_all(&self) {
        self.forgotten.fetch_add(1, SeqCst);
        for number in &self.shared {
            number.fetch_add(1, SeqCst);
        }
    }

    fn place(&self, hash: u32) -> usize {
        hash as usize % self.shared.len()
    }
}
