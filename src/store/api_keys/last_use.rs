//! When keys were last used, gathered in memory and written now and then.

use std::collections::HashMap;
use std::mem;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{PoisonError, RwLock};

use rusqlite::{Connection, TransactionBehavior};

use super::error::StoreError;
use super::open::connect;
use super::sqlite::WRITE_PATIENCE;
use crate::identity::ApiKeyId;

const MINUTE_MS: i64 = 60_000;

/// Uses that are not written yet, in milliseconds.
#[derive(Default)]
pub(super) struct LastUses(RwLock<HashMap<ApiKeyId, AtomicI64>>);

impl LastUses {
    /// Keeps the latest time of each key. Uses of the same key don't wait for each other.
    pub(super) fn note(&self, id: ApiKeyId, at: i64) {
        {
            let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(latest) = known.get(&id) {
                latest.fetch_max(at, Ordering::Relaxed);
                return;
            }
        }
        let mut uses = self.0.write().unwrap_or_else(PoisonError::into_inner);
        uses.entry(id).or_default().fetch_max(at, Ordering::Relaxed);
    }

    /// Writes what was noted. What can't be written is kept for the next time.
    pub(super) fn flush(&self, path: &Path) -> Result<(), StoreError> {
        let uses = mem::take(&mut *self.0.write().unwrap_or_else(PoisonError::into_inner));
        if uses.is_empty() {
            return Ok(());
        }
        let uses: Vec<_> = uses
            .into_iter()
            .map(|(id, at)| (id, at.into_inner()))
            .collect();
        // A connection of its own: look-ups don't wait for the disk.
        let written = connect(path, WRITE_PATIENCE).and_then(|(_, mut conn)| {
            write(&mut conn, &uses).map_err(|fault| StoreError::sqlite(path, fault))
        });
        if written.is_err() {
            for (id, at) in uses {
                self.note(id, at);
            }
        }
        written
    }
}

/// Writes when keys were last used, in milliseconds: a key at most once per minute, never an
/// earlier time over a later one. Keys that are gone are passed over.
pub(super) fn write(conn: &mut Connection, uses: &[(ApiKeyId, i64)]) -> rusqlite::Result<()> {
    let change = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut update = change.prepare(
            "UPDATE keys SET last_used = ?2
             WHERE id = ?1 AND (last_used IS NULL OR last_used < ?3)",
        )?;
        for (id, at) in uses {
            let minute = at - at.rem_euclid(MINUTE_MS);
            update.execute((id.as_str(), at, minute))?;
        }
    }
    change.commit()
}
