//! The ways in which a file gets new content: editors', tools' and Kubernetes'.

use std::{
    fs::{self, File},
    io::Write as _,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

/// What lies untouched for longer may be taken for written: the service waits 150 ms, and 750 ms
/// where the file is empty.
const TOO_LONG: Duration = Duration::from_millis(100);
const TOO_LONG_EMPTY: Duration = Duration::from_millis(600);
/// What the slow writer writes at once, every millisecond.
const MORSEL: usize = 8;

#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    Rename,
    InPlace,
    InPlaceSlowly,
    /// The path is a link, and gets another target.
    Link,
    /// The path leads through a link to a folder, which gets another target.
    DataFolder,
    DeleteAndCreate,
}

impl Way {
    pub(super) const ALL: [Self; 6] = [
        Self::Rename,
        Self::InPlace,
        Self::InPlaceSlowly,
        Self::Link,
        Self::DataFolder,
        Self::DeleteAndCreate,
    ];

    /// Writes a file anew, calling `last` before the step that makes it whole. Says how that went:
    /// on a busy machine the writer may be held up with the file half done.
    pub(super) fn write(self, path: &Path, text: &str, last: impl FnOnce()) -> Written {
        let name = path.file_name().unwrap().to_str().unwrap();
        let beside = |name: String| path.with_file_name(name);
        let started = Instant::now();
        match self {
            Self::Rename => {
                let new = beside(format!("{name}.new"));
                fs::write(&new, text).unwrap();
                last();
                fs::rename(new, path).unwrap();
                return Written::InTime;
            }
            Self::InPlace => {
                last();
                fs::write(path, text).unwrap();
            }
            Self::InPlaceSlowly => return slowly(path, text, last),
            Self::Link => {
                let target = beside(free(path, &format!("{name}.v")));
                fs::write(&target, text).unwrap();
                let old = fs::read_link(path).ok();
                last();
                link(target.file_name().unwrap().as_ref(), path);
                forget(path, old);
                return Written::InTime;
            }
            Self::DataFolder => {
                let folder = beside(free(path, &format!("..{name}.v")));
                fs::create_dir(&folder).unwrap();
                fs::write(folder.join(name), text).unwrap();
                let data = format!("..data-{name}");
                let through = Path::new(&data).join(name);
                let old = fs::read_link(beside(data.clone())).ok();
                last();
                link(folder.file_name().unwrap().as_ref(), &beside(data));
                if fs::read_link(path).ok() != Some(through.clone()) {
                    link(&through, path);
                }
                forget(path, old);
                return Written::InTime;
            }
            Self::DeleteAndCreate => {
                fs::remove_file(path).unwrap();
                last();
                fs::write(path, text).unwrap();
            }
        }
        Written::within(started, TOO_LONG_EMPTY)
    }
}

/// How writing went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    InTime,
    HeldUp,
}

impl Written {
    fn within(since: Instant, limit: Duration) -> Self {
        if since.elapsed() < limit {
            Self::InTime
        } else {
            Self::HeldUp
        }
    }
}

/// Empties the file and writes it again, a few bytes at a time.
fn slowly(path: &Path, text: &str, last: impl FnOnce()) -> Written {
    let mut touched = Instant::now();
    let mut file = File::create(path).unwrap();
    let mut limit = TOO_LONG_EMPTY;
    let mut written = Written::InTime;
    let mut morsel = |morsel: &[u8]| {
        file.write_all(morsel).unwrap();
        if Written::within(touched, limit) == Written::HeldUp {
            written = Written::HeldUp;
        }
        (touched, limit) = (Instant::now(), TOO_LONG);
        thread::sleep(Duration::from_millis(1));
    };
    let (most, rest) = text.as_bytes().split_at(text.len() - MORSEL);
    most.chunks(MORSEL).for_each(&mut morsel);
    last();
    morsel(rest);
    written
}

/// A name beside the file that nothing has.
fn free(path: &Path, prefix: &str) -> String {
    let mut names = (0..).map(|n| format!("{prefix}{n}"));
    names
        .find(|name| !path.with_file_name(name).exists())
        .unwrap()
}

/// Makes a link, in the place of whatever is there, in one step.
fn link(target: &Path, path: &Path) {
    let new = path.with_extension("link");
    symlink(target, &new).unwrap();
    fs::rename(new, path).unwrap();
}

/// Removes what a link led to before.
fn forget(path: &Path, old: Option<PathBuf>) {
    let Some(old) = old.map(|old| path.parent().unwrap().join(old)) else {
        return;
    };
    if old.is_dir() {
        fs::remove_dir_all(old).unwrap();
    } else if old.is_file() {
        fs::remove_file(old).unwrap();
    }
}
