//! htpasswd files: `name:hash`, a line each.
//!
//! Read leniently, as all the servers do: a line that can't be used is skipped, or locks its
//! user, and is told of; the others count. Where the servers differ the stricter reading is
//! taken. That the *first* line of a name counts, even if nobody can log in with it, is
//! Apache's and nginx's rule, by which a line put in front locks a user.
//!
//! [`edit`] changes a file on disk. Watching it and swapping whole files is done elsewhere.

pub mod edit;
mod entry;
mod line;
mod stand_ins;
mod warning;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use self::{
    entry::Entry,
    line::Fault,
    warning::{Concern, Warning},
};
use self::{entry::State, line::Line, stand_ins::StandIns};
use super::{
    FileTooLarge, MAX_WARNINGS,
    names::{Names, Place},
};
use crate::{
    identity::Username,
    password_hash::{Kind, PasswordHash, WeakFormats},
};

/// A name, a colon, 13 characters of DES and the line's end, in bytes.
const SHORTEST_LINE: usize = 16;

/// A file, read. Of its text it keeps the users' names and hashes, and nothing else.
#[derive(Debug)]
pub struct Htpasswd {
    names: Names<State>,
    /// What the hashes were read with.
    weak: WeakFormats,
    warnings: Vec<Warning>,
    stand_ins: StandIns,
}

impl Htpasswd {
    /// Reads a whole file. Lines never fail it, they give [`Htpasswd::warnings`].
    ///
    /// # Errors
    /// [`FileTooLarge`].
    pub fn parse(file: &[u8], weak: WeakFormats) -> Result<Self, FileTooLarge> {
        let file = super::content(file)?;
        let mut reader = Reader::new(file, weak);
        let mut warnings = Vec::new();
        let mut left_out = 0;
        for (number, line) in (1..).zip(lines(file)) {
            if let Some((name, what)) = reader.read(number, line) {
                if warnings.len() < MAX_WARNINGS {
                    warnings.push(Warning {
                        line: number,
                        name: name.and_then(|name| Username::parse(name).ok()),
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
        let mut names = reader.names;
        names.shrink_to_fit();
        Ok(Self {
            names,
            weak,
            warnings,
            stand_ins: StandIns::new(reader.kinds),
        })
    }

    /// The entry of a user, locked or not.
    #[must_use]
    pub fn get(&self, name: &[u8]) -> Option<Entry<'_>> {
        let row = self.names.get(name)?;
        let weak = self.weak;
        Some(Entry { row, weak })
    }

    /// All users, as they stand in the file.
    #[must_use]
    pub fn entries(&self) -> impl ExactSizeIterator<Item = Entry<'_>> {
        let weak = self.weak;
        self.names.iter().map(move |row| Entry { row, weak })
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
    pub fn stand_in_for(&self, point: u64) -> &PasswordHash {
        self.stand_ins.at(point)
    }

    /// The kinds of hashes that can be logged in with, and how many entries have each.
    pub fn kinds(&self) -> impl Iterator<Item = (Kind, usize)> {
        self.stand_ins.kinds()
    }
}

fn lines(file: &[u8]) -> impl Iterator<Item = &[u8]> {
    file.split(|byte| *byte == b'\n')
}

/// Reads the lines of one file, one after the other.
struct Reader {
    names: Names<State>,
    kinds: BTreeMap<Kind, usize>,
    weak: WeakFormats,
}

impl Reader {
    fn new(file: &[u8], weak: WeakFormats) -> Self {
        // A file of blank lines alone is no reason to make room for millions.
        let users = lines(file).count().min(file.len() / SHORTEST_LINE + 1);
        Self {
            names: Names::with_capacity(users, file.len()),
            kinds: BTreeMap::new(),
            weak,
        }
    }

    /// Takes one line in; gives what there is to warn of, and of whom.
    fn read<'l>(&mut self, number: u32, line: &'l [u8]) -> Option<(Option<&'l [u8]>, Concern)> {
        let (name, text) = match line::read(line) {
            Line::Blank => return None,
            Line::Fault(fault) => return Some((None, Concern::Skipped(fault))),
            Line::Entry { name, hash } => (name, line.get(hash).unwrap_or_default()),
        };
        let hash = Kind::of(text, self.weak);
        if let Place::Taken(first) = self.names.add(name, text, number, State::of(hash)) {
            let first = self.names.row(first)?.line;
            return Some((Some(name), Concern::Duplicate { first }));
        }
        let concern = match hash {
            Err(why) => Some(Concern::Locked(why)),
            Ok(kind) => {
                *self.kinds.entry(kind).or_default() += 1;
                kind.is_cheap().then_some(Concern::Weak(kind))
            }
        };
        concern.map(|what| (Some(name), what))
    }
}
