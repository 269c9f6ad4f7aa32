//! htpasswd files: `name:hash`, a line each.
//!
//! Read leniently, as all the servers do: a line that can't be used is skipped, or locks its
//! user, and is told of; the others count. Where the servers differ the stricter reading is
//! taken. That the *first* line of a name counts, even if nobody can log in with it, is
//! Apache's and nginx's rule, by which a line put in front locks a user.
//!
//! [`edit`] changes a file on disk. Watching it and swapping whole files is done elsewhere.

pub mod edit;
mod line;
mod stand_ins;
mod warning;

#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, hash_map},
    sync::Arc,
};

pub use self::{
    line::Fault,
    warning::{Concern, Warning},
};
use self::{line::Line, stand_ins::StandIns};
use super::{FileTooLarge, MAX_WARNINGS};
use crate::{
    identity::Username,
    password_hash::{Kind, PasswordHash, Unusable, WeakFormats},
};

/// A file, read.
#[derive(Debug)]
pub struct Htpasswd {
    entries: HashMap<Username, Entry>,
    warnings: Vec<Warning>,
    stand_ins: StandIns,
}

/// What the file says about a user.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Where, counted from 1.
    pub line: u32,
    /// The hash, or why this user can't log in.
    pub hash: Result<Arc<PasswordHash>, Unusable>,
}

impl Htpasswd {
    /// Reads a whole file. Lines never fail it, they give [`Htpasswd::warnings`].
    ///
    /// # Errors
    /// [`FileTooLarge`].
    pub fn parse(file: &[u8], weak: WeakFormats) -> Result<Self, FileTooLarge> {
        let mut entries = HashMap::new();
        let mut warnings = Vec::new();
        let mut left_out = 0;
        let lines = super::content(file)?.split(|byte| *byte == b'\n');
        for (number, line) in (1..).zip(lines) {
            if let Some((name, what)) = read_line(&mut entries, number, line, weak) {
                if warnings.len() < MAX_WARNINGS {
                    warnings.push(Warning {
                        line: number,
                        name,
                        what,
                    });
                } else {
                    left_out += 1;
                }
            }
        }
        if let (Some(last), 1..) = (warnings.last(), left_out) {
            let line = last.line;
            let what = Concern::More(left_out);
            warnings.push(Warning {
                line,
                name: None,
                what,
            });
        }
        let live = entries
            .values()
            .filter_map(|entry: &Entry| entry.hash.as_ref().ok());
        let stand_ins = StandIns::new(live.map(|hash| hash.kind()));
        Ok(Self {
            entries,
            warnings,
            stand_ins,
        })
    }

    /// The entry of a user, locked or not.
    #[must_use]
    pub fn get(&self, name: &[u8]) -> Option<&Entry> {
        self.entries.get(name)
    }

    /// All users, in no order.
    #[must_use]
    pub fn entries(&self) -> impl ExactSizeIterator<Item = (&Username, &Entry)> {
        self.entries.iter()
    }

    /// What the file's owner should know, by line.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// What to check the password of an unknown or locked user against, so that it takes the
    /// time of a known one: the stand-in at `point / 2^64` of this file's mix of hashes.
    ///
    /// The point should be a keyed hash of the user's name, so that a name costs the same
    /// every time. A file that nobody can log in with has one of the default kind.
    #[must_use]
    pub fn stand_in_for(&self, point: u64) -> &Arc<PasswordHash> {
        self.stand_ins.at(point)
    }

    /// The kinds of hashes that can be logged in with, and how many entries have each.
    pub fn kinds(&self) -> impl Iterator<Item = (Kind, usize)> {
        self.stand_ins.kinds()
    }
}

/// Takes one line in; gives what there is to warn of.
fn read_line(
    entries: &mut HashMap<Username, Entry>,
    number: u32,
    line: &[u8],
    weak: WeakFormats,
) -> Option<(Option<Username>, Concern)> {
    let (name, hash) = match line::read(line) {
        Line::Blank => return None,
        Line::Fault(fault) => return Some((None, Concern::Skipped(fault))),
        Line::Entry { name, hash } => (name, line.get(hash).unwrap_or_default()),
    };
    let free = match entries.entry(name) {
        hash_map::Entry::Occupied(taken) => {
            let first = taken.get().line;
            return Some((Some(taken.key().clone()), Concern::Duplicate { first }));
        }
        hash_map::Entry::Vacant(free) => free,
    };
    let hash = PasswordHash::parse(hash, weak);
    let concern = match &hash {
        Err(why) => Some(Concern::Locked(*why)),
        Ok(hash) if hash.is_cheap() => Some(Concern::Weak(hash.kind())),
        Ok(_) => None,
    };
    let warning = concern.map(|what| (Some(free.key().clone()), what));
    free.insert(Entry {
        line: number,
        hash: hash.map(Arc::new),
    });
    warning
}
