//! A disk whose power may be cut: of each file it keeps what was synced, and any sectors of what
//! was written since; of the folder, the names as they were at any time since it was synced.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
};

use super::any;

/// What a disk writes whole.
const SECTOR: usize = 512;

/// What a command did to the disk.
pub(super) enum Step {
    Open {
        fd: u64,
        name: String,
        made: bool,
    },
    Write {
        fd: u64,
        at: Option<usize>,
        bytes: Vec<u8>,
    },
    Length {
        fd: u64,
        len: usize,
    },
    Sync {
        fd: u64,
    },
    Rename {
        from: String,
        to: String,
    },
    Remove {
        name: String,
    },
}

/// Which file each name leads to.
type Names = BTreeMap<String, usize>;

/// A folder, with what of it is synced and what is not.
#[derive(Clone)]
pub(super) struct Disk {
    files: Vec<File>,
    /// As they are, and as they were at any time since they were synced; oldest first.
    names: Vec<Names>,
    open: HashMap<u64, Opened>,
    /// Whether anything was printed.
    pub(super) told: bool,
}

#[derive(Clone, Default)]
struct File {
    synced: Vec<u8>,
    since: Vec<Unsynced>,
}

#[derive(Clone)]
enum Unsynced {
    Write(usize, Vec<u8>),
    Length(usize),
}

#[derive(Clone, Copy)]
enum Opened {
    Folder,
    File { number: usize, position: usize },
}

impl Disk {
    /// Everything is synced.
    pub(super) fn of(folder: &Path) -> Self {
        let (mut files, mut names) = (Vec::new(), Names::new());
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_file() {
                names.insert(entry.file_name().into_string().unwrap(), files.len());
                files.push(File {
                    synced: fs::read(entry.path()).unwrap(),
                    since: Vec::new(),
                });
            }
        }
        Self {
            files,
            names: vec![names],
            open: HashMap::new(),
            told: false,
        }
    }

    pub(super) fn take(&mut self, step: &Step) {
        let mut names = self.names.last().unwrap().clone();
        match step {
            Step::Open { fd, name, .. } if name.is_empty() => {
                self.open.insert(*fd, Opened::Folder);
            }
            Step::Open { fd, name, made } => {
                let number = *names.entry(name.clone()).or_insert(self.files.len());
                if number == self.files.len() {
                    assert!(made, "{name}");
                    self.files.push(File::default());
                    self.names.push(names);
                }
                let position = 0;
                self.open.insert(*fd, Opened::File { number, position });
            }
            Step::Write { fd: 1, .. } => self.told = true,
            Step::Write { fd, at, bytes } => {
                if let Some(Opened::File { number, position }) = self.open.get_mut(fd) {
                    let at = at.unwrap_or(*position);
                    *position = at + bytes.len();
                    let write = Unsynced::Write(at, bytes.clone());
                    self.files[*number].since.push(write);
                }
            }
            Step::Length { fd, len } => {
                if let Some(Opened::File { number, .. }) = self.open.get(fd) {
                    self.files[*number].since.push(Unsynced::Length(*len));
                }
            }
            Step::Sync { fd } => match self.open.get(fd) {
                Some(Opened::Folder) => self.names = vec![names],
                Some(Opened::File { number, .. }) => {
                    let file = &mut self.files[*number];
                    file.synced = file.content(|| true);
                    file.since.clear();
                }
                None => {}
            },
            Step::Rename { from, to } => {
                let number = names.remove(from).unwrap();
                names.insert(to.clone(), number);
                self.names.push(names);
            }
            Step::Remove { name } => {
                names.remove(name);
                self.names.push(names);
            }
        }
    }

    /// One of the disks that a cut may leave now. The index of the store, which only ever lives
    /// in memory, is not on it.
    pub(super) fn write_to(&self, folder: &Path) {
        fs::remove_dir_all(folder).unwrap();
        fs::create_dir(folder).unwrap();
        let names = any(&self.names).iter();
        for (name, number) in names.filter(|(name, _)| !name.ends_with("-shm")) {
            let content = self.files[*number].content(|| fastrand::f64() < 0.5);
            fs::write(folder.join(name), content).unwrap();
        }
    }
}

impl File {
    /// What was synced, and of what was done since the sectors that `survives` says.
    fn content(&self, survives: impl Fn() -> bool) -> Vec<u8> {
        let mut content = self.synced.clone();
        for step in &self.since {
            match step {
                Unsynced::Length(len) if survives() => content.resize(*len, 0),
                Unsynced::Length(_) => {}
                Unsynced::Write(at, bytes) => {
                    let mut from = 0;
                    while from < bytes.len() {
                        let next = bytes.len().min(((at + from) / SECTOR + 1) * SECTOR - at);
                        if survives() {
                            content.resize(content.len().max(at + next), 0);
                            content[at + from..at + next].copy_from_slice(&bytes[from..next]);
                        }
                        from = next;
                    }
                }
            }
        }
        content
    }
}
