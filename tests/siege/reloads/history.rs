//! What a file said when: which of its versions an answer may follow from.

use std::{
    ops::RangeInclusive,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Instant,
};

/// The versions of one file, by number.
pub(super) struct History(RwLock<Vec<Version>>);

struct Version {
    /// Before the file was whole.
    visible: Instant,
    /// When it was known to be in force.
    acknowledged: Option<Instant>,
}

impl History {
    /// A file in its version 0, in force.
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self(RwLock::new(vec![Version {
            visible: now,
            acknowledged: Some(now),
        }]))
    }

    /// The number of the newest version.
    pub(super) fn newest(&self) -> usize {
        self.read().len() - 1
    }

    /// The next version is about to be whole.
    pub(super) fn publish(&self) {
        let mut versions = self.write();
        versions.push(Version {
            visible: Instant::now(),
            acknowledged: None,
        });
    }

    /// The newest version is in force. What is asked after this has returned must be answered by
    /// it.
    pub(super) fn acknowledge(&self) {
        let mut versions = self.write();
        versions.last_mut().unwrap().acknowledged = Some(Instant::now());
    }

    /// The versions in force at any time while a question was under way.
    pub(super) fn possible(&self, sent: Instant, answered: Instant) -> RangeInclusive<usize> {
        let versions = self.read();
        let acknowledged = |version: &Version| version.acknowledged.is_some_and(|at| at <= sent);
        let oldest = versions.iter().rposition(acknowledged).unwrap();
        let visible = |version: &Version| version.visible <= answered;
        oldest..=versions.iter().rposition(visible).unwrap()
    }

    fn read(&self) -> RwLockReadGuard<'_, Vec<Version>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Vec<Version>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}
