//! From a path to a connection: making the file, knowing it, refusing what is not ours.
//!
//! The format's number is SQLite's `user_version`.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, MAIN_DB, OpenFlags, TransactionBehavior};

use super::fault::fault;
use crate::store::api_keys::Place;
use crate::store::api_keys::error::StoreError;

/// The steps from an empty file to the present format, each with the format it makes.
const STEPS: [(i64, &str); 2] = [
    (1, include_str!("schema.sql")),
    (FORMAT, include_str!("moved.sql")),
];

/// The present format.
const FORMAT: i64 = 2;

/// SQLite's `application_id`: "htgk".
const APPLICATION_ID: i64 = 0x6874_676b;

/// Which file a path leads to, as long as that file is open.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    pub(super) fn of(path: &Path) -> Result<Self, StoreError> {
        let found = fs::metadata(path).map_err(|source| StoreError::Access {
            place: Place::Sqlite(path.to_owned()),
            source,
        })?;
        if !found.is_file() {
            return Err(StoreError::NoFile {
                place: Place::Sqlite(path.to_owned()),
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
    let fault = |source| fault(path, source);
    let mut conn = Connection::open_with_flags(path, flags).map_err(fault)?;
    conn.busy_timeout(patience).map_err(fault)?;
    // Else SQLite plans a query again for every value it is asked with: 15 µs in place of 2.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map_err(fault)?;
    refuse_others(&conn, path)?;
    use_wal(&conn, patience).map_err(fault)?;
    conn.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON")
        .map_err(fault)?;
    migrate(&mut conn).map_err(fault)?;
    Ok((file, conn))
}

/// Makes an empty file, complete in mode and owner before it has its name.
pub(in crate::store::api_keys) fn create_if_missing(path: &Path) -> Result<(), StoreError> {
    let access = |source| StoreError::Access {
        place: Place::Sqlite(path.to_owned()),
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
                place: Place::Sqlite(path.to_owned()),
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
    let fault = |source| fault(path, source);
    let place = Place::Sqlite(path.to_owned());
    // One look at all three: another process may be making the file at this moment.
    let look = conn.unchecked_transaction().map_err(fault)?;
    let application = pragma(conn, "application_id").map_err(fault)?;
    let found = pragma(conn, "user_version").map_err(fault)?;
    let tables: i64 = conn
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(fault)?;
    look.finish().map_err(fault)?;
    let fresh = application == 0 && found == 0 && tables == 0;
    if !fresh && application != APPLICATION_ID {
        return Err(StoreError::Foreign {
            place,
            what: "this database",
        });
    }
    if found > FORMAT {
        return Err(StoreError::Newer {
            place,
            found,
            known: FORMAT,
        });
    }
    if conn.is_readonly(MAIN_DB).map_err(fault)? {
        let source = io::ErrorKind::PermissionDenied.into();
        return Err(StoreError::Access { place, source });
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
