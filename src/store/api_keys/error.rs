//! What goes wrong with the store, and what the store refuses.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{ErrorCode, ffi};

use crate::identity::Label;
use crate::identity::{ApiKeyId, NoRandomness};

/// The store can't answer. Never a reason to allow anything.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The operating system gives no random bytes.
    #[error("the operating system gives no random bytes: {0}")]
    Random(#[from] getrandom::Error),
    /// The folder of the file doesn't exist.
    #[error("{}: the folder doesn't exist; create it, or change `store` in [api_keys]", path.display())]
    NoFolder {
        /// The file that was asked for.
        path: PathBuf,
    },
    /// The path leads to something that is no file.
    #[error("{}: this is no file; `store` in [api_keys] names the file itself", path.display())]
    NoFile {
        /// What was asked for.
        path: PathBuf,
    },
    /// This user may not write here.
    #[error(
        "{}: can't be opened for writing; htgate must be able to write the file and its folder: \
         see who owns them, and whether the disk is read-only", path.display()
    )]
    Access {
        /// The file.
        path: PathBuf,
        /// What was said.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("{}: this is no SQLite database; move it away, or change `store` in [api_keys]", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// A database of another program.
    #[error("{}: this database belongs to another program; change `store` in [api_keys]", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Made by a later version.
    #[error(
        "{}: written by a newer htgate (format {found}, this one knows {known}); use that version",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The format's number in the file.
        found: i64,
        /// The last one known here.
        known: i64,
    },
    /// The keys were stored under a pepper, or under none, other than the configured one.
    #[error("{}: {}", path.display(), fault)]
    Pepper {
        /// The file.
        path: PathBuf,
        /// How they differ.
        fault: PepperFault,
    },
    /// What the file holds makes no sense.
    #[error("{}: damaged ({what}); restore it from a backup", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where it was noticed.
        what: String,
    },
    /// Someone else keeps writing.
    #[error("{}: another process keeps it locked; try again", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// There is no room for the change.
    #[error("{}: the disk is full; make room, nothing was changed", path.display())]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// The store has not answered for so long that what is remembered of it counts no more.
    #[error("{}: no answer for {seconds} s, longer than `offline_ttl` in [cache] allows", path.display())]
    Offline {
        /// The file.
        path: PathBuf,
        /// Since the last answer.
        seconds: u64,
    },
    /// Anything else SQLite says.
    #[error("{}: {source}", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: rusqlite::Error,
    },
}

/// How the configured pepper differs from the one of the stored keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PepperFault {
    /// The keys have one, the configuration none.
    #[error("its keys were stored with a pepper; set `pepper_file` in [api_keys] to that pepper")]
    Missing,
    /// The keys have none, the configuration one.
    #[error("its keys were stored without a pepper; take `pepper_file` out of [api_keys]")]
    Unexpected,
    /// Both have one, and they differ.
    #[error(
        "its keys were stored with another pepper; set `pepper_file` in [api_keys] to that one"
    )]
    Other,
}

impl StoreError {
    pub(super) fn sqlite(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        if let rusqlite::Error::FromSqlConversionFailure(_, _, what) = &source {
            let what = what.to_string();
            return Self::Damaged { path, what };
        }
        // The index beside the file is the first to find no room, and SQLite calls that an
        // input or output error.
        if source.sqlite_error().map(|error| error.extended_code) == Some(ffi::SQLITE_IOERR_SHMSIZE)
        {
            return Self::DiskFull { path };
        }
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotADatabase { path },
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged {
                path,
                what: source.to_string(),
            },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path },
            Some(ErrorCode::DiskFull) => Self::DiskFull { path },
            Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                Self::Access {
                    path,
                    source: io::Error::other(source),
                }
            }
            _ => Self::Sqlite { path, source },
        }
    }
}

/// A key command that was not carried out. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// No key has this id or name.
    ///
    /// What was asked for is not repeated: it may be a secret, pasted by mistake.
    #[error("no key has this id or name; `htgate key list` shows them")]
    Unknown,
    /// Another key has this name.
    #[error(
        "the key {id} has the name {name} already; revoked keys keep their name, deleted don't"
    )]
    NameTaken {
        /// The name.
        name: Label,
        /// Who has it.
        id: ApiKeyId,
    },
    /// Another key has this name as its id.
    #[error("{name} is the id of another key and can't be a name")]
    NameIsId {
        /// The name.
        name: Label,
    },
    /// This secret is stored already.
    #[error("this very key is stored already, as {id} ({name})")]
    Known {
        /// The key that has it.
        id: ApiKeyId,
        /// Its name.
        name: Label,
    },
    /// A key of our own pattern with a wrong check.
    #[error("this key has a typo: its last six characters don't fit the rest; copy it again")]
    Mistyped,
    /// A plaintext so short that it could be guessed.
    #[error(
        "this key has {0} characters and could be guessed; make one of 20 or more, or import its \
         SHA-256 digest if you must"
    )]
    Guessable(usize),
    /// A new key would never count.
    #[error("a new key can't expire in the past")]
    Expired,
    /// A revoked key gets no new secret.
    #[error("the key {0} was revoked; make a new one instead")]
    Revoked(ApiKeyId),
    /// No new secret can be made.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// The store can't do it now.
    #[error(transparent)]
    Store(#[from] StoreError),
}
