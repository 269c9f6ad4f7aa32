//! When keys were last used, gathered in memory and written now and then.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::error::StoreError;
use crate::identity::ApiKeyId;

/// Uses of a key that are closer together count as one.
const SECOND_MS: i64 = 1_000;

/// When one key was last used, in milliseconds; 0 if that is written already.
#[derive(Debug, Default)]
pub(super) struct LastUse(AtomicI64);

impl LastUse {
    /// Notes a use. Nobody waits, and hardly ever is anything changed that other threads read.
    pub(super) fn note(&self, now: Timestamp) {
        self.keep(now.as_millisecond());
    }

    fn keep(&self, at: i64) {
        if at - self.0.load(Ordering::Relaxed) >= SECOND_MS {
            self.0.fetch_max(at, Ordering::Relaxed);
        }
    }

    /// What is not written yet.
    fn take(&self) -> Option<i64> {
        Some(self.0.swap(0, Ordering::Relaxed)).filter(|at| *at != 0)
    }
}

/// The last uses of all keys that are remembered, and of those that were, until they are written.
#[derive(Default)]
pub(super) struct LastUses(Mutex<HashMap<ApiKeyId, Arc<LastUse>>>);

impl LastUses {
    /// Where to note the uses of a key.
    pub(super) fn of(&self, id: ApiKeyId) -> Arc<LastUse> {
        Arc::clone(self.lock().entry(id).or_default())
    }

    /// Has what was noted written. What can't be is kept for the next time.
    pub(super) fn flush(
        &self,
        write: impl FnOnce(&[(ApiKeyId, i64)]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut uses = Vec::new();
        self.lock().retain(|id, last| {
            // Asked first: what nobody else holds is not used any more.
            let remembered = Arc::get_mut(last).is_none();
            uses.extend(last.take().map(|at| (*id, at)));
            remembered
        });
        if uses.is_empty() {
            return Ok(());
        }
        let written = write(&uses);
        if written.is_err() {
            for (id, at) in uses {
                self.of(id).keep(at);
            }
        }
        written
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ApiKeyId, Arc<LastUse>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
