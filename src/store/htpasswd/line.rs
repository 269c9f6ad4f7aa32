//! One line of an htpasswd file: where its name and its hash stand.
//!
//! Shared by reading and editing, so that the two can't disagree about which line is whose.

use std::ops::Range;

use crate::{
    http_auth::trim_blanks,
    identity::{InvalidUsername, Username},
};

/// The longest line that is read, in bytes without its end; Apache's buffer.
const MAX_LINE_LEN: usize = 8192;

/// What a line is.
pub(super) enum Line<'l> {
    /// Nothing, or a comment.
    Blank,
    /// `name:hash`, perhaps with more fields.
    Entry {
        name: &'l [u8],
        /// Where the hash stands in the line.
        hash: Range<usize>,
    },
    /// To be skipped, with a warning.
    Fault(Fault),
}

/// Why a line is skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It has over 8192 bytes.
    #[error("the line is longer than {MAX_LINE_LEN} bytes")]
    TooLong,
    /// Nothing separates a name from a hash.
    #[error("the line has no colon")]
    NoColon,
    /// The name is none.
    #[error(transparent)]
    Name(#[from] InvalidUsername),
}

/// Reads a line, with or without its line end.
pub(super) fn read(line: &[u8]) -> Line<'_> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let text = trim_blanks(line);
    if matches!(text, [] | [b'#', ..]) {
        return Line::Blank;
    }
    if line.len() > MAX_LINE_LEN {
        return Line::Fault(Fault::TooLong);
    }
    let mut fields = text.splitn(3, |byte| *byte == b':');
    let (Some(name), Some(hash)) = (fields.next(), fields.next()) else {
        return Line::Fault(Fault::NoColon);
    };
    let blanks = line.iter().take_while(|b| matches!(b, b' ' | b'\t'));
    let start = blanks.count() + name.len() + 1;
    match Username::check(name) {
        Ok(()) => Line::Entry {
            name,
            hash: start..start + hash.len(),
        },
        Err(why) => Line::Fault(why.into()),
    }
}
