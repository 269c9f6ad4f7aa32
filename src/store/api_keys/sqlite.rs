//! The SQLite file: making it, opening it, and finding a key in it.
//!
//! One file in WAL mode, so that the service reads while a command writes. Commits are synced
//! to the disk before they return. The format's number is SQLite's `user_version`.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, MAIN_DB, OpenFlags, OptionalExtension as _, TransactionBehavior};

use super::error::{PepperFault, StoreError};
use super::rows;
use crate::identity::ApiKeyRecord;
use crate::identity::{ApiKeyDigest, Pepper};

/// The steps from an empty file to the present format, each with the format it makes.
const STEPS: [(i64, &str); 1] = [(FORMAT, include_str!("schema.sql"))];

/// The present format.
const FORMAT: i64 = 1;

/// SQLite's `application_id`: "htgk".
const APPLICATION_ID: i64 = 0x6874_676b;

/// How long a change waits for another process's change.
pub(super) const WRITE_PATIENCE: Duration = Duration::from_secs(5);

/// The keys in one SQLite file.
///
/// The changes are in [`commands`](super::commands).
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

/// Which file a path leads to, as long as that file is open.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct FileId {
    device: u64,
    inode: u64,
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

impl FileId {
    fn of(path: &Path) -> Result<Self, StoreError> {
        let found = fs::metadata(path).map_err(|source| StoreError::Access {
            path: path.to_owned(),
            source,
        })?;
        if !found.is_file() {
            return Err(StoreError::NoFile {
                path: path.to_owned(),
            });
        }
        Ok(Self {
            device: found.dev(),
            inode: found.ino(),
        })
    }
}

/// Opens a file that is there, and brings it to the present format.
pub(super) fn connect(path: &Path, patience: Duration) -> Result<(FileId, Connection), StoreError> {
    // Before it is opened: if it is replaced in between, `follow` notices.
    let file = FileId::of(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let fault = |fault| StoreError::sqlite(path, fault);
    let mut conn = Connection::open_with_flags(path, flags).map_err(fault)?;
    conn.busy_timeout(patience).map_err(fault)?;
    refuse_others(&conn, path)?;
    use_wal(&conn, patience).map_err(fault)?;
    conn.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON")
        .map_err(fault)?;
    migrate(&mut conn).map_err(fault)?;
    Ok((file, conn))
}

/// Makes an empty file, complete in mode and owner before it has its name.
fn create_if_missing(path: &Path) -> Result<(), StoreError> {
    let access = |source| StoreError::Access {
        path: path.to_owned(),
        source,
    };
    match fs::symlink_metadata(path) {
        Ok(_) => return Ok(()),
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => {}
        Err(fault) => return Err(access(fault)),
    }
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let owner = match fs::metadata(folder) {
        Ok(found) if found.is_dir() => found,
        _ => {
            return Err(StoreError::NoFolder {
                path: path.to_owned(),
            });
        }
    };
    let new = tempfile::Builder::new()
        .prefix(".htgate-keys-")
        .tempfile_in(folder)
        .map_err(access)?
        .into_temp_path();
    if nix::unistd::geteuid().is_root() {
        chown(&new, Some(owner.uid()), Some(owner.gid())).map_err(access)?;
    }
    match new.persist_noclobber(path) {
        Ok(()) => {}
        Err(fault) if fault.error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        Err(fault) => return Err(access(fault.error)),
    }
    // A key is durable only if the file's name is.
    fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(access)
}

/// Refuses, before anything is written, what is not ours or not for this version.
fn refuse_others(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    let fault = |fault| StoreError::sqlite(path, fault);
    let path = path.to_owned();
    let application = pragma(conn, "application_id").map_err(fault)?;
    let found = pragma(conn, "user_version").map_err(fault)?;
    let tables: i64 = conn
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(fault)?;
    let fresh = application == 0 && found == 0 && tables == 0;
    if !fresh && application != APPLICATION_ID {
        return Err(StoreError::Foreign { path });
    }
    if found > FORMAT {
        return Err(StoreError::Newer {
            path,
            found,
            known: FORMAT,
        });
    }
    if conn.is_readonly(MAIN_DB).map_err(fault)? {
        let source = io::ErrorKind::PermissionDenied.into();
        return Err(StoreError::Access { path, source });
    }
    Ok(())
}

/// Turns WAL mode on. SQLite doesn't wait by itself when two processes do so at once.
fn use_wal(conn: &Connection, patience: Duration) -> rusqlite::Result<()> {
    let deadline = Instant::now() + patience;
    loop {
        match conn.execute_batch("PRAGMA journal_mode = WAL") {
            Err(fault) if is_busy(&fault) && Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(5));
            }
            outcome => return outcome,
        }
    }
}

fn migrate(conn: &mut Connection) -> rusqlite::Result<()> {
    if pragma(conn, "user_version")? == FORMAT {
        return Ok(());
    }
    let change = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Again under the lock: another process may have been faster.
    let done = pragma(&change, "user_version")?;
    for (format, step) in STEPS.iter().filter(|(format, _)| *format > done) {
        change.execute_batch(step)?;
        change.pragma_update(None, "user_version", format)?;
    }
    change.pragma_update(None, "application_id", APPLICATION_ID)?;
    change.commit()
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

fn pragma(conn: &Connection, name: &str) -> rusqlite::Result<i64> {
    conn.pragma_query_value(None, name, |row| row.get(0))
}

fn is_busy(fault: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked};
    matches!(
        fault.sqlite_error_code(),
        Some(DatabaseBusy | DatabaseLocked)
    )
}
