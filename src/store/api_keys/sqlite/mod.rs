//! Keys in one SQLite file, in WAL mode, so that the service reads while a command writes.
//! Commits are synced to the disk before they return.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};

mod fault;
mod live;
mod open;
mod rows;

pub(super) use live::Reader;
pub(super) use open::create_if_missing;

use super::backend::{Backend, Rows, Work};
use super::error::{KeyError, StoreError};
use crate::identity::ApiKeyId;
use fault::fault;
use open::{FileId, connect};
use rows::FileRows;

/// How long a change waits for another process's change.
pub(super) const WRITE_PATIENCE: Duration = Duration::from_secs(5);

/// A minute, in milliseconds.
const MINUTE: i64 = 60_000;

/// The file, opened.
pub(super) struct SqliteFile {
    path: PathBuf,
    pub(super) conn: Connection,
    file: FileId,
    /// Another process had the file open already.
    shared: bool,
}

impl SqliteFile {
    /// Opens a file that is there, and brings it to the present format.
    ///
    /// `patience` is how long to wait for another process that holds a lock.
    pub(super) fn connect(path: &Path, patience: Duration) -> Result<Self, StoreError> {
        // SQLite keeps this file as long as any process has the other one open.
        let mut index = path.as_os_str().to_owned();
        index.push("-shm");
        let shared = Path::new(&index).exists();
        let (file, conn) = connect(path, patience)?;
        Ok(Self {
            path: path.to_owned(),
            conn,
            file,
            shared,
        })
    }

    fn told<T>(&self, outcome: rusqlite::Result<T>) -> Result<T, StoreError> {
        outcome.map_err(|source| fault(&self.path, source))
    }
}

impl Backend for SqliteFile {
    fn rows(&mut self) -> Box<dyn Rows + '_> {
        Box::new(FileRows {
            conn: &self.conn,
            path: &self.path,
        })
    }

    fn change(&mut self, work: &mut Work<'_>) -> Result<(), KeyError> {
        let path = &self.path;
        let told = |source| fault(path, source);
        let change = self
            .conn
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(told)?;
        work(&mut FileRows {
            conn: &change,
            path,
        })?;
        Ok(change.commit().map_err(told)?)
    }

    fn write_last_used(&mut self, uses: &[(ApiKeyId, i64)]) -> Result<(), StoreError> {
        let written = write_last_used(&mut self.conn, uses);
        self.told(written)
    }

    fn is_shared(&mut self) -> bool {
        self.shared
    }
}

fn write_last_used(conn: &mut Connection, uses: &[(ApiKeyId, i64)]) -> rusqlite::Result<()> {
    let change = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut update = change.prepare(
            "UPDATE keys SET last_used = ?2
             WHERE id = ?1 AND (last_used IS NULL OR last_used < ?3)",
        )?;
        for (id, at) in uses {
            let minute = at - at.rem_euclid(MINUTE);
            update.execute((id.as_str(), at, minute))?;
        }
    }
    change.commit()
}
