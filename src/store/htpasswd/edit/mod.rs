//! Changing an htpasswd file on disk: one user set or removed, everything else kept.
//!
//! The new file is written beside the old one and renamed over it, so a reader sees the one
//! or the other and a crash leaves one of them whole. Comments, order, other lines with
//! their line ends, owner and mode stay; of other users' lines not a byte changes.
//!
//! Two edits at once wait for each other, by an advisory lock on the folder. (On the folder
//! since the file itself is another one after each edit, and may not be there yet.)

#[cfg(test)]
mod tests;

use std::{
    fs::{self, File, Metadata, Permissions},
    io::{self, Read, Write},
    iter,
    ops::Range,
    os::unix::fs::{MetadataExt, PermissionsExt, fchown},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use crate::{
    identity::Username,
    store::{
        BYTE_ORDER_MARK, FileTooLarge, MAX_FILE_LEN,
        htpasswd::line::{self, Line},
        trim_blanks,
    },
};

/// Owner reads and writes, group (the server's) reads.
const MODE_OF_NEW_FILE: u32 = 0o640;

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
    /// Nothing that could be read back.
    #[error("{}: {source}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// By how much one may.
        source: FileTooLarge,
    },
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
        if user.is_some_and(|(user, _)| user == *name) {
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

type User = (Username, Range<usize>);

/// The lines with their ends, each with the user it is for and where the hash stands. A byte
/// order mark comes as a line of its own.
fn lines(file: &[u8]) -> impl Iterator<Item = (&[u8], Option<User>)> {
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
            Some((user, at)) if user == *name => {
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

/// A file to be replaced, whose folder is locked until this is dropped.
struct Target {
    path: PathBuf,
    folder: PathBuf,
    /// Holds the lock.
    lock: File,
}

impl Target {
    fn lock(path: &Path) -> Result<Self, EditError> {
        let path = resolve(path).map_err(failed("find", path))?;
        let folder = path.parent().unwrap_or(Path::new("/")).to_path_buf();
        let lock = File::open(&folder).map_err(failed("open", &folder))?;
        lock.lock().map_err(failed("lock", &folder))?;
        Ok(Self { path, folder, lock })
    }

    /// The file as it is, if it is there.
    fn read(&self) -> Result<Option<Vec<u8>>, EditError> {
        let failed = || failed("read", &self.path);
        let Some(metadata) = self.metadata()? else {
            return Ok(None);
        };
        if !metadata.is_file() {
            return Err(EditError::NotAFile(self.path.clone()));
        }
        let mut old = Vec::new();
        let file = File::open(&self.path).map_err(failed())?;
        file.take(MAX_FILE_LEN as u64 + 1)
            .read_to_end(&mut old)
            .map_err(failed())?;
        self.fits(&old)?;
        Ok(Some(old))
    }

    fn fits(&self, content: &[u8]) -> Result<(), EditError> {
        let result = crate::store::content(content).map(drop);
        result.map_err(|source| EditError::TooLarge {
            path: self.path.clone(),
            source,
        })
    }

    fn metadata(&self) -> Result<Option<Metadata>, EditError> {
        match fs::metadata(&self.path) {
            Ok(metadata) => Ok(Some(metadata)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("read", &self.path)(error)),
        }
    }

    /// Puts the new content in the file's place, for good.
    fn replace(&self, content: &[u8]) -> Result<(), EditError> {
        self.fits(content)?;
        let failed = |step| failed(step, &self.path);
        let mut new = NamedTempFile::new_in(&self.folder).map_err(failed("write beside"))?;
        new.write_all(content).map_err(failed("write beside"))?;
        self.dress(new.as_file())?;
        new.as_file().sync_all().map_err(failed("write beside"))?;
        new.persist(&self.path)
            .map_err(|error| failed("replace")(error.error))?;
        // The rename itself is on disk only when the folder is.
        self.lock.sync_all().map_err(failed("make durable"))
    }

    /// Owner and mode of the old file; a new one is the folder's owner's, if root makes it.
    fn dress(&self, new: &File) -> Result<(), EditError> {
        let old = self.metadata()?;
        let mode = old.as_ref().map_or(MODE_OF_NEW_FILE, Metadata::mode);
        let like = match old {
            None if !nix::unistd::geteuid().is_root() => None,
            None => Some(fs::metadata(&self.folder).map_err(failed("read", &self.folder))?),
            old => old,
        };
        // The owner first: changing it clears bits of the mode.
        if let Some(like) = like {
            let now = new.metadata().map_err(failed("write beside", &self.path))?;
            if (now.uid(), now.gid()) != (like.uid(), like.gid()) {
                fchown(new, Some(like.uid()), Some(like.gid()))
                    .map_err(failed("keep the owner of", &self.path))?;
            }
        }
        new.set_permissions(Permissions::from_mode(mode & 0o7777))
            .map_err(failed("set the mode of", &self.path))
    }
}

/// The file itself, where the path is a link to it: the link stays and its target is changed.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && !path.is_symlink() => {
            let folder = match path.parent() {
                Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
                Some(folder) => folder,
                None => return Err(error),
            };
            let name = path.file_name().ok_or(error)?;
            Ok(fs::canonicalize(folder)?.join(name))
        }
        result => result,
    }
}

fn failed(step: &'static str, path: &Path) -> impl FnOnce(io::Error) -> EditError {
    let path = path.to_path_buf();
    move |source| EditError::Io { step, path, source }
}
