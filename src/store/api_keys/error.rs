//! What goes wrong with the store, and what the store refuses.

use std::io;
use std::sync::Arc;

use super::place::Place;
use crate::identity::Label;
use crate::identity::{ApiKeyId, NoRandomness};

/// The store can't answer. Never a reason to allow anything.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The operating system gives no random bytes.
    #[error("the operating system gives no random bytes: {0}")]
    Random(#[from] getrandom::Error),
    /// The folder of the file doesn't exist.
    #[error("{place}: the folder doesn't exist; create it, or change `store` in [api_keys]")]
    NoFolder {
        /// The file that was asked for.
        place: Place,
    },
    /// The path leads to something that is no file.
    #[error("{place}: this is no file; `store` in [api_keys] names the file itself")]
    NoFile {
        /// What was asked for.
        place: Place,
    },
    /// This user may not write here.
    #[error(
        "{place}: can't be opened for writing; htgate must be able to write the file and its \
         folder: see who owns them, and whether the disk is read-only"
    )]
    Access {
        /// The store.
        place: Place,
        /// What was said.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("{place}: this is no SQLite database; move it away, or change `store` in [api_keys]")]
    NotADatabase {
        /// The store.
        place: Place,
    },
    /// A database of another program.
    #[error("{place}: {what} belongs to another program; change `store` in [api_keys]")]
    Foreign {
        /// The store.
        place: Place,
        /// What it is of theirs.
        what: &'static str,
    },
    /// Made by a later version.
    #[error(
        "{place}: written by a newer htgate (format {found}, this one knows {known}); use that version"
    )]
    Newer {
        /// The store.
        place: Place,
        /// The format's number in the file.
        found: i64,
        /// The last one known here.
        known: i64,
    },
    /// The keys were stored under a pepper, or under none, other than the configured one.
    #[error("{place}: {fault}")]
    Pepper {
        /// The store.
        place: Place,
        /// How they differ.
        fault: PepperFault,
    },
    /// What the file holds makes no sense.
    #[error("{place}: damaged ({what}); restore it from a backup")]
    Damaged {
        /// The store.
        place: Place,
        /// Where it was noticed.
        what: String,
    },
    /// Someone else keeps writing.
    #[error("{place}: another process keeps it locked; try again")]
    Busy {
        /// The store.
        place: Place,
    },
    /// There is no room for the change.
    #[error("{place}: the disk is full; make room, nothing was changed")]
    DiskFull {
        /// The store.
        place: Place,
    },
    /// The store has not answered for so long that what is remembered of it counts no more.
    #[error("{place}: no answer for {seconds} s, longer than `offline_ttl` in [cache] allows")]
    Offline {
        /// The store.
        place: Place,
        /// Since the last answer.
        seconds: u64,
    },
    /// The database server can't be had, or doesn't answer. It may come back by itself.
    #[error("{place}: {why}")]
    Away {
        /// The store.
        place: Place,
        /// What was noticed.
        why: Arc<str>,
    },
    /// The database server is there and doesn't let us in, or not do this.
    #[error("{place}: {why}")]
    Refused {
        /// The store.
        place: Place,
        /// What it said, and what to do.
        why: String,
    },
    /// The database server was lost at the very end of a change.
    #[error(
        "{place}: lost while the change was being made ({why}); it may have been made or not: look \
         with `htgate key show`"
    )]
    Unsure {
        /// The store.
        place: Place,
        /// What was noticed.
        why: Arc<str>,
    },
    /// More look-ups wait than will be answered in time.
    #[error("{place}: too many keys are being looked up")]
    Overloaded {
        /// The store.
        place: Place,
    },
    /// Anything else the database server says.
    #[error("{place}: {why}")]
    Postgres {
        /// The store.
        place: Place,
        /// What it said.
        why: String,
    },
    /// Anything else SQLite says.
    #[error("{place}: {source}")]
    Sqlite {
        /// The store.
        place: Place,
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
    /// The keys are kept elsewhere now.
    #[error(
        "these keys were moved to {0}; set `store` in [api_keys] to that and reload, then change them"
    )]
    Moved(String),
    /// Keys can't be moved to where others are.
    #[error(
        "{0}: there are keys already; name an empty store (if an earlier move was interrupted, \
         first remove what it left there)"
    )]
    Occupied(Place),
    /// Keys got lost on the way to another store; they are where they were.
    #[error("only {moved} of {there_are} keys were found; nothing was moved")]
    Incomplete {
        /// How many were read.
        moved: u64,
        /// How many there are.
        there_are: u64,
    },
    /// A key that was read could not be passed on.
    #[error(transparent)]
    Output(#[from] io::Error),
    /// No new secret can be made.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// The store can't do it now.
    #[error(transparent)]
    Store(#[from] StoreError),
}
