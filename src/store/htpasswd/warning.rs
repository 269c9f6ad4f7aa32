//! What reading an htpasswd file has to tell its owner.

use std::fmt;

use super::line::Fault;
use crate::{
    identity::Username,
    password_hash::{Kind, Unusable},
};

/// Something about one line. `Display` gives it with line number and name, and never with
/// any part of a hash, nor of a line that isn't one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Counted from 1.
    pub line: u32,
    /// The user of the line, where it has one.
    pub name: Option<Username>,
    /// What there is to say.
    pub what: Concern,
}

/// What a warning is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Concern {
    /// The line is skipped.
    #[error("skipped: {0}")]
    Skipped(Fault),
    /// The name was there before, so this line doesn't count.
    #[error("skipped: line {first} has this user already, and the first one counts")]
    Duplicate {
        /// The line that counts.
        first: u32,
    },
    /// The user can't log in.
    #[error("locked: {0}")]
    Locked(Unusable),
    /// The user can log in, but whoever gets hold of the file has the password soon.
    #[error("{0} protects little if the file is ever read by others; set the password anew")]
    Weak(Kind),
    /// There were more warnings than anybody would read.
    #[error("and {0} more warnings from here on")]
    More(usize),
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        if let Some(name) = &self.name {
            write!(f, "user {name}: ")?;
        }
        self.what.fmt(f)
    }
}
