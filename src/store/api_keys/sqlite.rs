//! The SQLite file, opened: finding a key in it, and noticing that it changed.
//!
//! One file in WAL mode, so that the service reads while a command writes. Commits are synced
//! to the disk before they return.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};

use super::error::{PepperFault, StoreError};
use super::open::{FileId, connect, create_if_missing};
use super::rows;
use crate::identity::ApiKeyRecord;
use crate::identity::{ApiKeyDigest, Pepper};

/// How long a change waits for another process's change.
pub(super) const WRITE_PATIENCE: Duration = Duration::from_secs(5);

/// The keys in one SQLite file.
///
/// Here it is opened and asked; how it is changed is in `commands.rs`.
pub struct SqliteStore {
    pub(super) path: PathBuf,
    pub(super) conn: Connection,
    pub(super) pepper: Option<Pepper>,
    file: FileId,
    patience: Duration,
}

/// Where [`SqliteStore::follow`] has led.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Followed {
    SameFile,
    ToAnotherFile,
}

impl SqliteStore {
    /// Opens the file, or makes it: with mode 0600 and, when made by root, owned by the owner
    /// of its folder, so that a service that runs as that user can use it.
    ///
    /// # Errors
    /// [`StoreError`], naming the file and what to do.
    pub fn open(path: &Path, pepper: Option<Pepper>) -> Result<Self, StoreError> {
        create_if_missing(path)?;
        let (file, mut conn) = connect(path, WRITE_PATIENCE)?;
        agree_on_pepper(&mut conn, path, pepper.as_ref())?;
        Ok(Self {
            path: path.to_owned(),
            conn,
            pepper,
            file,
            patience: WRITE_PATIENCE,
        })
    }

    /// Looks for the key with this digest, by its current secret or a rotated one.
    ///
    /// # Errors
    /// [`StoreError`] when the file can't be read or its content makes no sense.
    pub fn find(&self, digest: &ApiKeyDigest) -> Result<Option<ApiKeyRecord>, StoreError> {
        let index = digest.index(self.pepper.as_ref());
        rows::by_secret(&self.conn, &index).map_err(|fault| self.fault(fault))
    }

    /// A number that is another one after every change but of the last uses.
    pub(super) fn stamp(&self) -> Result<i64, StoreError> {
        self.conn
            .prepare_cached("SELECT stamp FROM store")
            .and_then(|mut query| query.query_row([], |row| row.get(0)))
            .map_err(|fault| self.fault(fault))
    }

    /// Opens the file again if the path leads to another one by now, as after a restored
    /// backup. The old one would go on answering, with keys that were revoked since.
    pub(super) fn follow(&mut self) -> Result<Followed, StoreError> {
        if FileId::of(&self.path)? == self.file {
            return Ok(Followed::SameFile);
        }
        let (file, mut conn) = connect(&self.path, self.patience)?;
        agree_on_pepper(&mut conn, &self.path, self.pepper.as_ref())?;
        (self.file, self.conn) = (file, conn);
        Ok(Followed::ToAnotherFile)
    }

    /// How long to wait for another process that holds a lock.
    pub(super) fn wait_at_most(&mut self, patience: Duration) -> Result<(), StoreError> {
        self.patience = patience;
        self.conn
            .busy_timeout(patience)
            .map_err(|fault| self.fault(fault))
    }

    pub(super) fn fault(&self, fault: rusqlite::Error) -> StoreError {
        StoreError::sqlite(&self.path, fault)
    }
}

/// Keys stored under one pepper are never found under another. Better said than puzzled over.
fn agree_on_pepper(
    conn: &mut Connection,
    path: &Path,
    pepper: Option<&Pepper>,
) -> Result<(), StoreError> {
    let fault = |fault| StoreError::sqlite(path, fault);
    let configured = pepper.map(Pepper::fingerprint);
    let stored = |conn: &Connection| {
        conn.query_row("SELECT pepper FROM store", [], |row| {
            row.get::<_, Option<String>>(0)
        })
    };
    if stored(conn).map_err(fault)? == configured {
        return Ok(());
    }
    let change = conn
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(fault)?;
    let found = stored(&change).map_err(fault)?;
    let any_key = change
        .query_row("SELECT 1 FROM keys LIMIT 1", [], |_| Ok(()))
        .optional()
        .map_err(fault)?
        .is_some();
    if any_key && found != configured {
        let fault = match (found, configured) {
            (Some(_), None) => PepperFault::Missing,
            (None, _) => PepperFault::Unexpected,
            (Some(_), Some(_)) => PepperFault::Other,
        };
        let path = path.to_owned();
        return Err(StoreError::Pepper { path, fault });
    }
    change
        .execute("UPDATE store SET pepper = ?1", [configured])
        .and_then(|_| change.commit())
        .map_err(fault)
}
