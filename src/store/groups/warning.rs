//! What reading a group file has to tell its owner.

use std::{fmt, sync::Arc};

use crate::identity::InvalidUsername;

/// Something about one line, or about the first of the lines that were joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Counted from 1.
    pub line: u32,
    /// The group of the line, where it has one.
    pub group: Option<Arc<str>>,
    /// What there is to say.
    pub what: Concern,
}

/// What a warning is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Concern {
    /// The line is skipped.
    #[error("skipped: the line has no colon")]
    NoColon,
    /// The line is skipped.
    #[error("skipped: {0}")]
    Group(InvalidGroup),
    /// The line is skipped, since it may mean names with blanks in them.
    #[error("skipped: the line has a quoted name, and names can't have blanks in a group file")]
    Quoted,
    /// One member is skipped.
    #[error("a member is skipped: {0}")]
    Member(InvalidUsername),
    /// There were more warnings than anybody would read.
    #[error("and {0} more warnings from here on")]
    More(usize),
}

/// Why some bytes name no group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidGroup {
    /// There is nothing.
    #[error("the group name is empty")]
    Empty,
    /// It is over 255 bytes.
    #[error("the group name has more than 255 bytes")]
    TooLong,
    /// It is not UTF-8.
    #[error("the group name is not UTF-8")]
    NotUtf8,
    /// It is `-`, which stands for "none" in an identity header.
    #[error("the group name is \"-\", which stands for none")]
    Hyphen,
    /// It has a comma, which would make one group look like two in a header.
    #[error("the group name has a comma")]
    Comma,
    /// It has a quote of either sort.
    #[error("the group name has a quote")]
    Quote,
    /// It has white space.
    #[error("the group name has a blank")]
    Blank,
    /// It has a control character.
    #[error("the group name has a control character")]
    Control,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        if let Some(group) = &self.group {
            write!(f, "group {group}: ")?;
        }
        self.what.fmt(f)
    }
}
