//! The file under edit: found, locked, read, and replaced in one step.

use std::{
    ffi::OsString,
    fs::{self, File, Metadata, Permissions},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, PermissionsExt, fchown},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use super::EditError;
use crate::store::MAX_FILE_LEN;

/// Owner reads and writes, group (the server's) reads.
const MODE_OF_NEW_FILE: u32 = 0o640;

/// A file to be replaced, whose folder is locked until this is dropped.
pub(super) struct Target {
    path: PathBuf,
    folder: PathBuf,
    /// Holds the lock.
    lock: File,
}

impl Target {
    /// Finds the file and waits for other edits in its folder to end.
    pub(super) fn lock(path: &Path) -> Result<Self, EditError> {
        let path = resolve(path).map_err(failed("find", path))?;
        let folder = path.parent().unwrap_or(Path::new("/")).to_path_buf();
        let lock = File::open(&folder).map_err(failed("open", &folder))?;
        lock.lock().map_err(failed("lock", &folder))?;
        Ok(Self { path, folder, lock })
    }

    /// The file as it is, if it is there.
    pub(super) fn read(&self) -> Result<Option<Vec<u8>>, EditError> {
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
        match content.len() {
            ..=MAX_FILE_LEN => Ok(()),
            _ => Err(EditError::TooLarge(self.path.clone())),
        }
    }

    fn metadata(&self) -> Result<Option<Metadata>, EditError> {
        match fs::metadata(&self.path) {
            Ok(metadata) => Ok(Some(metadata)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("read", &self.path)(error)),
        }
    }

    /// Puts the new content in the file's place, for good.
    pub(super) fn replace(&self, content: &[u8]) -> Result<(), EditError> {
        self.fits(content)?;
        let failed = |step| failed(step, &self.path);
        let mut new = self.beside().map_err(failed("write beside"))?;
        new.write_all(content).map_err(failed("write beside"))?;
        self.dress(new.as_file())?;
        new.as_file().sync_all().map_err(failed("write beside"))?;
        new.persist(&self.path)
            .map_err(|error| failed("replace")(error.error))?;
        // The rename itself is on disk only when the folder is.
        self.lock.sync_all().map_err(failed("make durable"))
    }

    /// A new file, seen by its owner only.
    ///
    /// Its name is always the same, so that what an edit leaves behind that was killed goes with
    /// the next one: nobody else edits while the folder is locked.
    fn beside(&self) -> io::Result<NamedTempFile> {
        let mut name = OsString::from(".");
        name.push(self.path.file_name().unwrap_or_default());
        name.push(".htgate");
        match fs::remove_file(self.folder.join(&name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => tempfile::Builder::new()
                .prefix(&name)
                .rand_bytes(0)
                .tempfile_in(&self.folder),
        }
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
