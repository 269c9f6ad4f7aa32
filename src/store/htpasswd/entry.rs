//! What a file says about one user.

use std::fmt;

use crate::{
    identity::Shown,
    password_hash::{Kind, PasswordHash, Unusable, WeakFormats},
    store::names::Row,
};

/// What the file says about a user; borrowed from the file.
#[derive(Clone, Copy)]
pub struct Entry<'f> {
    pub(super) row: Row<'f, State>,
    pub(super) weak: WeakFormats,
}

/// What reading a hash has shown: all that a question needs to know before one is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Nobody can log in with it.
    Locked,
    /// A hash of microseconds.
    Cheap,
    /// Any other.
    Dear,
}

impl State {
    pub(super) fn of(hash: Result<Kind, Unusable>) -> Self {
        match hash {
            Err(_) => Self::Locked,
            Ok(kind) if kind.is_cheap() => Self::Cheap,
            Ok(_) => Self::Dear,
        }
    }
}

impl<'f> Entry<'f> {
    /// The user.
    #[must_use]
    pub fn name(self) -> &'f [u8] {
        self.row.name
    }

    /// Where, counted from 1.
    #[must_use]
    pub fn line(self) -> u32 {
        self.row.line
    }

    /// The hash as stored: part of the key under which a verdict is cached. Never for a log.
    #[must_use]
    pub fn text(self) -> &'f [u8] {
        self.row.text
    }

    /// Whether anybody can log in with it.
    #[must_use]
    pub fn is_live(self) -> bool {
        self.row.value != State::Locked
    }

    /// Whether a check takes microseconds: not worth a thread change or a cache entry.
    #[must_use]
    pub fn is_cheap(self) -> bool {
        self.row.value == State::Cheap
    }

    /// The hash, read from its text anew, as it was when the file was read.
    ///
    /// # Errors
    /// [`Unusable`], exactly when the entry isn't live.
    pub fn hash(self) -> Result<PasswordHash, Unusable> {
        PasswordHash::parse(self.row.text, self.weak)
    }
}

/// Without the hash.
impl fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, state) = (self.row.line, self.row.value);
        write!(
            f,
            "Entry({} in line {line}, {state:?})",
            Shown(self.row.name)
        )
    }
}
