//! Group files, as Apache's `AuthGroupFile`: `staff: alice bob`.
//!
//! Follows httpd's `mod_authz_groupfile.c` and its line reader: several lines of one group
//! add up, a backslash at a line's end joins the next to it, `#` starts a comment line. Stricter
//! in one thing: a name that the identity headers' lists couldn't carry is no name here, and
//! quoted names, which could hold blanks, are refused by the line.

mod memberships;
mod warning;

#[cfg(test)]
mod tests;

use std::{borrow::Cow, str, sync::Arc};

use self::memberships::Memberships;
pub use self::warning::{Concern, InvalidGroup, Warning};
use super::{FileTooLarge, MAX_WARNINGS, names::Names};
use crate::http_auth::trim_blanks;
use crate::identity::{GroupNames, Username};

/// The longest name of a group, in bytes.
const MAX_GROUP_LEN: usize = 255;

/// A group file, read.
#[derive(Debug, Default)]
pub struct Groups {
    /// Each with the number of their set.
    members: Names<u32>,
    /// Every set of groups that a member is in, once.
    sets: Vec<GroupNames>,
    warnings: Vec<Warning>,
}

impl Groups {
    /// Reads a whole file. Lines never fail it, they give [`Groups::warnings`].
    ///
    /// # Errors
    /// [`FileTooLarge`].
    pub fn parse(file: &[u8]) -> Result<Self, FileTooLarge> {
        let mut reader = Reader::default();
        for (number, line) in logical_lines(super::content(file)?) {
            reader.read(number, trim_blanks(&line));
        }
        Ok(reader.finish())
    }

    /// The groups of a user, sorted; none for whom the file doesn't name.
    #[must_use]
    pub fn groups_of(&self, name: &[u8]) -> GroupNames {
        let member = self.members.get(name);
        let set = member.and_then(|member| self.sets.get(member.value as usize));
        set.cloned().unwrap_or_default()
    }

    /// Everybody named, each with the line that has the name first, in the order of the file; to
    /// be held against the users there are.
    pub fn members(&self) -> impl Iterator<Item = (&[u8], u32)> {
        self.members.iter().map(|member| (member.name, member.line))
    }

    /// The groups that somebody is in; in no order, and a group may come more than once.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.sets
            .iter()
            .flat_map(|set| set.iter().map(AsRef::as_ref))
    }

    /// What the file's owner should know, by line.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

/// Lines after joining, with the number of the first of each. The backslash and the line end
/// go, and nothing comes in their place; at the end of the file a backslash stays.
fn logical_lines(file: &[u8]) -> Vec<(u32, Cow<'_, [u8]>)> {
    let mut lines = Vec::<(u32, Cow<'_, [u8]>)>::new();
    let mut joins = false;
    for (number, line) in (1..).zip(file.split_inclusive(|byte| *byte == b'\n')) {
        let (text, ended) = match line {
            [text @ .., b'\r', b'\n'] | [text @ .., b'\n'] => (text, true),
            [text @ .., b'\r'] | text => (text, false),
        };
        let (text, joins_next) = match text {
            [text @ .., b'\\'] if ended => (text, true),
            text => (text, false),
        };
        match lines.last_mut() {
            Some((_, start)) if joins => start.to_mut().extend_from_slice(text),
            _ => lines.push((number, text.into())),
        }
        joins = joins_next;
    }
    lines
}

#[derive(Default)]
struct Reader {
    /// Who is in what.
    memberships: Memberships,
    warnings: Vec<Warning>,
    left_out: usize,
}

impl Reader {
    fn read(&mut self, number: u32, line: &[u8]) {
        if matches!(line, [] | [b'#', ..]) {
            return;
        }
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let (Some(name), Some(members)) = (parts.next(), parts.next()) else {
            return self.warn(number, None, Concern::NoColon);
        };
        let (group, name) = match group_name(trim_blanks(name)) {
            Ok(name) => self.memberships.group(name),
            Err(why) => return self.warn(number, None, Concern::Group(why)),
        };
        let words = members.split(|byte| matches!(byte, b' ' | b'\t'));
        let words = words.filter(|word| !word.is_empty());
        if words.clone().any(|word| matches!(word, [b'"' | b'\'', ..])) {
            return self.warn(number, Some(name), Concern::Quoted);
        }
        for word in words {
            match Username::check(word) {
                Ok(()) => self.memberships.add(group, word, number),
                Err(why) => self.warn(number, Some(name.clone()), Concern::Member(why)),
            }
        }
    }

    fn warn(&mut self, line: u32, group: Option<Arc<str>>, what: Concern) {
        if self.warnings.len() < MAX_WARNINGS {
            self.warnings.push(Warning { line, group, what });
        } else {
            self.left_out += 1;
        }
    }

    fn finish(self) -> Groups {
        let mut warnings = self.warnings;
        if let (Some(last), 1..) = (warnings.last(), self.left_out) {
            let line = last.line;
            let what = Concern::More(self.left_out);
            warnings.push(Warning {
                line,
                group: None,
                what,
            });
        }
        let (members, sets) = self.memberships.finish();
        Groups {
            members,
            sets,
            warnings,
        }
    }
}

fn group_name(raw: &[u8]) -> Result<&str, InvalidGroup> {
    let name = str::from_utf8(raw).map_err(|_| InvalidGroup::NotUtf8)?;
    match raw {
        [] => Err(InvalidGroup::Empty),
        _ if raw.len() > MAX_GROUP_LEN => Err(InvalidGroup::TooLong),
        [b'-'] => Err(InvalidGroup::Hyphen),
        _ if name.contains(',') => Err(InvalidGroup::Comma),
        _ if name.contains(['"', '\'']) => Err(InvalidGroup::Quote),
        _ if name.contains(char::is_whitespace) => Err(InvalidGroup::Blank),
        _ if name.contains(char::is_control) => Err(InvalidGroup::Control),
        _ => Ok(name),
    }
}
