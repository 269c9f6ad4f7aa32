//! Changing an htpasswd file on disk: one user set or removed, everything else kept.
//!
//! The new file is written beside the old one and renamed over it, so a reader sees the one
//! or the other and a crash leaves one of them whole. Comments, order, other lines with
//! their line ends, owner and mode stay; of other users' lines not a byte changes.
//!
//! Two edits at once wait for each other, by an advisory lock on the folder. (On the folder
//! since the file itself is another one after each edit, and may not be there yet.)

mod target;

#[cfg(test)]
mod tests;

use std::{
    io, iter,
    ops::Range,
    path::{Path, PathBuf},
};

use self::target::Target;
use crate::{
    http_auth::trim_blanks,
    identity::Username,
    store::{
        BYTE_ORDER_MARK,
        htpasswd::line::{self, Line},
    },
};

/// What setting a user did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The user is new.
    Added,
    /// The user was there.
    Replaced,
}

/// Why a file stays as it was.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The system refused a step.
    #[error("can't {step} {}", path.display())]
    Io {
        /// Which.
        step: &'static str,
        /// With what.
        path: PathBuf,
        /// And why.
        source: io::Error,
    },
    /// A file that would not be read back.
    #[error("{} is larger than 256 MiB, or would be", .0.display())]
    TooLarge(PathBuf),
    /// A folder, a device or the like.
    #[error("{} is not a regular file", .0.display())]
    NotAFile(PathBuf),
    /// The line would be read as a comment, or as another name.
    #[error("a line for the user {0} would not be read back as one; choose another name")]
    Name(Username),
    /// The hash would not stay in its field.
    #[error(
        "this is no hash: it is empty or too long, or has a colon, a blank at an end or a control byte"
    )]
    Hash,
}

/// Gives the user this hash. A file that isn't there is made.
///
/// Of the user's lines the first gets the hash and keeps what else it has, since that one
/// counts; the others go, since for programs that take the last one, or once the first is
/// removed, they would bring an old password back.
///
/// # Errors
/// [`EditError`]; the file is then as it was.
pub fn set(path: &Path, name: &Username, hash: &str) -> Result<Change, EditError> {
    let text = hash.as_bytes();
    if text.is_empty()
        || text.iter().any(|b| *b == b':' || b.is_ascii_control())
        || trim_blanks(text) != text
    {
        return Err(EditError::Hash);
    }
    let entry = [name.as_bytes(), b":", text].concat();
    match line::read(&entry) {
        Line::Entry { .. } if !entry.starts_with(BYTE_ORDER_MARK) => {}
        Line::Entry { .. } | Line::Blank => return Err(EditError::Name(name.clone())),
        Line::Fault(_) => return Err(EditError::Hash),
    }
    let target = Target::lock(path)?;
    let old = target.read()?.unwrap_or_default();
    let (new, change) = with_entry(&old, name, &entry, text);
    target.replace(&new)?;
    Ok(change)
}

/// Takes the user out, with all of their lines; how many there were.
///
/// # Errors
/// [`EditError`]; the file is then as it was.
pub fn remove(path: &Path, name: &Username) -> Result<usize, EditError> {
    let target = Target::lock(path)?;
    let Some(old) = target.read()? else {
        return Ok(0);
    };
    let mut removed = 0;
    let mut new = Vec::with_capacity(old.len());
    for (line, user) in lines(&old) {
        if user.is_some_and(|(user, _)| user == name.as_bytes()) {
            removed += 1;
        } else {
            new.extend_from_slice(line);
        }
    }
    if removed > 0 {
        target.replace(&new)?;
    }
    Ok(removed)
}

type User<'f> = (&'f [u8], Range<usize>);

/// The lines with their ends, each with the user it is for and where the hash stands. A byte
/// order mark comes as a line of its own.
fn lines(file: &[u8]) -> impl Iterator<Item = (&[u8], Option<User<'_>>)> {
    let start = if file.starts_with(BYTE_ORDER_MARK) {
        BYTE_ORDER_MARK.len()
    } else {
        0
    };
    let (mark, body) = file.split_at(start);
    let lines = body.split_inclusive(|byte| *byte == b'\n').map(|line| {
        let user = match line::read(line) {
            Line::Entry { name, hash } => Some((name, hash)),
            Line::Blank | Line::Fault(_) => None,
        };
        (line, user)
    });
    iter::once((mark, None)).chain(lines)
}

fn with_entry(old: &[u8], name: &Username, entry: &[u8], hash: &[u8]) -> (Vec<u8>, Change) {
    let mut new = Vec::with_capacity(old.len() + entry.len() + 2);
    let mut change = Change::Added;
    for (line, user) in lines(old) {
        match user {
            Some((user, at)) if user == name.as_bytes() => {
                if change == Change::Added {
                    change = Change::Replaced;
                    new.extend_from_slice(line.get(..at.start).unwrap_or_default());
                    new.extend_from_slice(hash);
                    new.extend_from_slice(line.get(at.end..).unwrap_or_default());
                }
            }
            _ => new.extend_from_slice(line),
        }
    }
    if change == Change::Added {
        let first_line = old.split_inclusive(|byte| *byte == b'\n').next();
        let end: &[u8] = match first_line {
            Some([.., b'\r', b'\n']) => b"\r\n",
            _ => b"\n",
        };
        if !matches!(new.as_slice(), [] | [.., b'\n']) && new != BYTE_ORDER_MARK {
            new.extend_from_slice(end);
        }
        new.extend_from_slice(entry);
        new.extend_from_slice(end);
    }
    (new, change)
}
