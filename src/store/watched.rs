//! A file that is read again when it changes; a bad one never replaces a good one.
//!
//! Changes are found by looking at the file's identity, size and times a few times a second. That
//! needs no inotify, so it works on NFS, for bind mounts, and for every link on the way to the
//! file (Kubernetes swaps a `..data` link); and it sees renames, writes in place and swapped links
//! alike.
//!
//! A file that is being written in place is not read before it has been quiet for a moment: half
//! an htpasswd file would lock people out, and half a line of a group file could let somebody in.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::mem;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::MAX_FILE_LEN;

/// How long a file must be quiet before it is read.
const QUIET: Duration = Duration::from_millis(150);
/// How long an empty file must be: what rewrites a file in place empties it first, and then may
/// have to wait for its content (`fetch > users`) or for the disk.
const QUIET_EMPTY: Duration = Duration::from_millis(750);
/// How long ago a file must have been written to be read at once.
const SETTLED: Duration = Duration::from_secs(5);
/// How long whoever can't do without the file waits for that.
const PATIENCE: Duration = Duration::from_secs(3);
/// Why a file is not read that others could have written.
pub const WRITABLE: &str = "can be written by everybody on this machine; chmod o-w it";
/// Reads a file's bytes into what it means.
type Parse<T> = Box<dyn Fn(&[u8]) -> Result<T, String> + Send>;

/// A file and what it means.
pub struct Watched<T> {
    path: PathBuf,
    parse: Parse<T>,
    current: Arc<T>,
    /// What it meant before, while somebody still asks it: a large one takes milliseconds to drop,
    /// which should happen here and not on a worker.
    retired: Vec<Arc<T>>,
    /// What the file looked like when `current` was read from it, or when it was found bad.
    known: Option<Stamp>,
    /// What it looks like now, and since when.
    seen: Option<(Stamp, Instant)>,
}

/// Why a file can't be used; `current` stays as it is.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", .path.display())]
pub struct Unusable {
    /// The file.
    pub path: PathBuf,
    /// What is wrong.
    pub why: String,
}

/// What changes when a file is written or replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    file: (u64, u64),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(path: &Path) -> io::Result<Self> {
        let found = fs::metadata(path)?;
        Ok(Self {
            file: (found.dev(), found.ino()),
            size: found.size(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        })
    }

    /// How long it must look like this before it is read.
    fn pause(&self) -> Duration {
        if self.size == 0 { QUIET_EMPTY } else { QUIET }
    }

    /// Whether the file was written so long ago that nobody can still be at it, even if the clock
    /// was set since, or is another machine's.
    fn is_settled(&self) -> bool {
        let (seconds, nanos) = self.changed;
        let (Ok(seconds), Ok(nanos)) = (u64::try_from(seconds), u32::try_from(nanos)) else {
            return false;
        };
        let written = SystemTime::UNIX_EPOCH + Duration::new(seconds, nanos);
        written.elapsed().is_ok_and(|age| age >= SETTLED)
    }
}

impl<T> Watched<T> {
    /// Reads a file for the first time, as soon as it is quiet.
    ///
    /// # Errors
    /// [`Unusable`].
    pub fn open(
        path: &Path,
        parse: impl Fn(&[u8]) -> Result<T, String> + Send + 'static,
    ) -> Result<Self, Unusable> {
        let unusable = |why: String| Unusable {
            path: path.to_owned(),
            why,
        };
        let (bytes, stamp) = read_quiet(path).map_err(|error| unusable(error.to_string()))?;
        Ok(Self {
            path: path.to_owned(),
            current: Arc::new(parse(&bytes).map_err(unusable)?),
            retired: Vec::new(),
            parse: Box::new(parse),
            known: Some(stamp),
            seen: None,
        })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the file meant when it could last be used.
    #[must_use]
    pub fn current(&self) -> &Arc<T> {
        &self.current
    }

    /// Looks whether the file has changed, and reads it if it has and is quiet. True if what it
    /// means was read anew.
    ///
    /// # Errors
    /// [`Unusable`], once for every change.
    pub fn poll(&mut self) -> Result<bool, Unusable> {
        self.retired.retain(|old| Arc::strong_count(old) > 1);
        let stamp = match Stamp::of(&self.path) {
            Ok(stamp) => stamp,
            Err(error) => {
                // Told once; when the file is back, it counts as changed.
                let told = self.known.is_none() && self.seen.is_none();
                (self.known, self.seen) = (None, None);
                return if told {
                    Ok(false)
                } else {
                    Err(self.unusable(error.to_string()))
                };
            }
        };
        if self.known == Some(stamp) {
            return Ok(false);
        }
        match self.seen {
            Some((seen, since)) if seen == stamp && since.elapsed() >= stamp.pause() => {}
            Some((seen, _)) if seen == stamp => return Ok(false),
            _ => {
                self.seen = Some((stamp, Instant::now()));
                return Ok(false);
            }
        }
        let bytes = match read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) => {
                (self.known, self.seen) = (Some(stamp), None);
                return Err(self.unusable(error.to_string()));
            }
        };
        if Stamp::of(&self.path).ok() != Some(stamp) {
            return Ok(false);
        }
        self.take(&bytes, stamp)?;
        Ok(true)
    }

    /// Reads the file now, if it has changed, as soon as it is quiet.
    ///
    /// # Errors
    /// [`Unusable`], also when it is written to without a pause.
    pub fn refresh(&mut self) -> Result<(), Unusable> {
        if self.known.is_some() && Stamp::of(&self.path).ok() == self.known {
            return Ok(());
        }
        let read = read_quiet(&self.path);
        let (bytes, stamp) = read.map_err(|error| self.unusable(error.to_string()))?;
        self.take(&bytes, stamp)
    }

    fn take(&mut self, bytes: &[u8], stamp: Stamp) -> Result<(), Unusable> {
        (self.known, self.seen) = (Some(stamp), None);
        match (self.parse)(bytes) {
            Ok(meaning) => {
                let old = mem::replace(&mut self.current, Arc::new(meaning));
                self.retired.push(old);
                Ok(())
            }
            Err(why) => Err(self.unusable(why)),
        }
    }

    fn unusable(&self, why: String) -> Unusable {
        Unusable {
            path: self.path.clone(),
            why,
        }
    }
}

/// Reads a file that nobody has written to for a moment, and that doesn't change meanwhile.
fn read_quiet(path: &Path) -> io::Result<(Vec<u8>, Stamp)> {
    let started = Instant::now();
    let mut seen = (Stamp::of(path)?, started);
    loop {
        let (stamp, since) = seen;
        if stamp.is_settled() || since.elapsed() >= stamp.pause() {
            let bytes = read(path)?;
            if Stamp::of(path)? == stamp {
                return Ok((bytes, stamp));
            }
        }
        if started.elapsed() > PATIENCE {
            return Err(io::Error::other("it is being written to all the time"));
        }
        thread::sleep(Duration::from_millis(10));
        let stamp = Stamp::of(path)?;
        if stamp != seen.0 {
            seen = (stamp, Instant::now());
        }
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    // Whoever can write who may enter, may enter.
    if file.metadata()?.mode() & 0o002 != 0 {
        return Err(io::Error::other(WRITABLE));
    }
    // What is larger is refused where it is parsed; this only bounds the memory.
    let bound = MAX_FILE_LEN + 1;
    let size = usize::try_from(file.metadata()?.len()).unwrap_or(bound);
    let mut bytes = Vec::with_capacity(size.min(bound));
    file.take(bound as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::io::Write as _;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn watch(path: &Path) -> Watched<String> {
        Watched::open(path, |bytes| match bytes {
            b"bad" => Err("line 1 is bad".to_owned()),
            bytes => Ok(String::from_utf8_lossy(bytes).into_owned()),
        })
        .unwrap()
    }

    /// Polls as the watcher does, for a second.
    fn until(watched: &mut Watched<String>, wanted: &str) -> Vec<String> {
        let mut told = Vec::new();
        let started = Instant::now();
        while watched.current().as_str() != wanted && started.elapsed() < Duration::from_secs(1) {
            if let Err(error) = watched.poll() {
                told.push(error.why);
            }
            thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(watched.current().as_str(), wanted);
        told
    }

    #[test]
    fn renames_writes_in_place_and_swapped_links_are_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "one").unwrap();
        let mut watched = watch(&path);

        fs::write(&path, "two").unwrap();
        until(&mut watched, "two");

        let other = folder.path().join("other");
        fs::write(&other, "six").unwrap();
        fs::rename(&other, &path).unwrap();
        until(&mut watched, "six");

        // As Kubernetes does it: file -> ..data/file, ..data -> a folder that is swapped.
        for (version, text) in [("v1", "ten"), ("v2", "two")] {
            fs::create_dir(folder.path().join(version)).unwrap();
            fs::write(folder.path().join(version).join("file"), text).unwrap();
        }
        let data = folder.path().join("..data");
        symlink("v1", &data).unwrap();
        fs::remove_file(&path).unwrap();
        symlink("..data/file", &path).unwrap();
        until(&mut watched, "ten");
        let next = folder.path().join("..next");
        symlink("v2", &next).unwrap();
        fs::rename(&next, &data).unwrap();
        until(&mut watched, "two");
    }

    #[test]
    fn a_bad_or_missing_file_keeps_the_last_good_one_and_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "good").unwrap();
        let mut watched = watch(&path);
        until(&mut watched, "good");
        fs::write(&path, "bad").unwrap();
        let mut told = Vec::new();
        for _ in 0..30 {
            told.extend(watched.poll().err().map(|error| error.why));
            thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(told, ["line 1 is bad"]);
        assert_eq!(watched.current().as_str(), "good");
        fs::remove_file(&path).unwrap();
        assert_eq!((0..5).filter(|_| watched.poll().is_err()).count(), 1);
        fs::write(&path, "back").unwrap();
        assert!(until(&mut watched, "back").is_empty());
    }

    #[test]
    fn what_everybody_can_write_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "ours").unwrap();
        let mut watched = watch(&path);
        let permit = |mode| fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        permit(0o666);
        fs::write(&path, "theirs").unwrap();
        let mut told = Vec::new();
        for _ in 0..30 {
            told.extend(watched.poll().err().map(|error| error.why));
            thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(told, [WRITABLE]);
        assert_eq!(watched.current().as_str(), "ours");
        permit(0o664);
        until(&mut watched, "theirs");
    }

    #[test]
    fn a_file_that_is_being_written_is_not_read_by_halves() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "whole").unwrap();
        let mut watched = watch(&path);
        let mut file = File::create(&path).unwrap();
        for byte in *b"halves" {
            file.write_all(&[byte]).unwrap();
            assert!(!watched.poll().unwrap());
            thread::sleep(Duration::from_millis(40));
        }
        until(&mut watched, "halves");
    }

    #[test]
    fn a_file_that_was_emptied_gets_time_to_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "whole").unwrap();
        let mut watched = watch(&path);
        File::create(&path).unwrap();
        let emptied = Instant::now();
        while emptied.elapsed() < QUIET * 3 {
            assert!(!watched.poll().unwrap());
            thread::sleep(Duration::from_millis(20));
        }
        fs::write(&path, "new").unwrap();
        assert!(until(&mut watched, "new").is_empty());
        fs::write(&path, "").unwrap();
        watched.refresh().unwrap();
        assert_eq!(watched.current().as_str(), "");
        fs::write(&path, "old").unwrap();
        until(&mut watched, "old");
        fs::write(&path, "").unwrap();
        until(&mut watched, "");
    }

    #[test]
    fn only_what_was_written_long_ago_is_taken_for_settled() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "one").unwrap();
        let found = Stamp::of(&path).unwrap();
        for (seconds, settled) in [(-3600, true), (-10, true), (-1, false), (3600, false)] {
            let changed = (found.changed.0 + seconds, found.changed.1);
            assert_eq!(
                Stamp { changed, ..found }.is_settled(),
                settled,
                "{seconds}"
            );
        }
    }

    #[test]
    fn a_refresh_waits_for_the_file_and_reads_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "one").unwrap();
        let mut watched = watch(&path);
        fs::write(&path, "two").unwrap();
        watched.refresh().unwrap();
        assert_eq!(watched.current().as_str(), "two");
    }
}
