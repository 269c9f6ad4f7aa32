//! How far what is remembered of the store can be trusted: not longer than the store was heard of,
//! and nothing that has changed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::versions::Versions;
use crate::identity::ApiKeyId;

/// So many keys have a version of their own, more or less.
const VERSIONS: usize = 4096;

/// Shared by all who ask, and by who follows the store's changes.
pub(super) struct Freshness {
    pub(super) versions: Versions,
    started: Instant,
    /// When the store was last asked whether something has changed, and answered, in
    /// milliseconds after `started`.
    heard_ms: AtomicU64,
}

impl Freshness {
    /// Of a store that answers now.
    pub(super) fn new() -> Self {
        Self {
            versions: Versions::new(VERSIONS),
            started: Instant::now(),
            heard_ms: AtomicU64::new(0),
        }
    }

    /// The store has answered what it was asked then.
    pub(super) fn heard(&self, asked: Instant) {
        self.heard_ms
            .fetch_max(self.milliseconds(asked), Ordering::AcqRel);
    }

    /// Since the last question that the store answered.
    pub(super) fn silence(&self) -> Duration {
        let now = self.milliseconds(Instant::now());
        Duration::from_millis(now.saturating_sub(self.heard_ms.load(Ordering::Acquire)))
    }

    pub(super) fn forget(&self, key: &ApiKeyId) {
        self.versions.forget(hash(key));
    }

    fn milliseconds(&self, at: Instant) -> u64 {
        u64::try_from(at.duration_since(self.started).as_millis()).unwrap_or(u64::MAX)
    }
}

/// Spreads keys over versions. That an id can be chosen to meet another one's does no harm.
pub(super) fn hash(key: &ApiKeyId) -> u32 {
    crc32fast::hash(key.as_str().as_bytes())
}
