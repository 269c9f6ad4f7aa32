//! Commands that change users, killed.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::PathBuf,
};

use htgate::{identity::Password, password_hash::WeakFormats, store::Htpasswd};
use zeroize::Zeroizing;

use super::{Change, Ended, Killer, any, keys::CONFIGURATION};
use crate::{harness::program::Htgate, trial::Trial};

const USERS: &str = "# ours\nalice:$2y$04$1qx3YCQL7yvBRUsHr7n4i.i10hdGAjwkLOKM96tSud4GZrA3ILBOK\n\
    bob:$2y$04$lAnlYDEIq5jcC.W3aAeMrujdsAyZGX1vphYlBhphKb7Ge/La/YUTS\nno user\n";
const NAMES: [&str; 4] = ["alice", "bob", "carol", "dave"];
const PASSWORD: &str = "correct horse";
/// An unusual one, so that it shows if it isn't kept.
const MODE: u32 = 0o604;
/// Somebody else, where the tests may give files away.
const OWNER: u32 = 12_345;
/// Where an edit is prepared.
const BESIDE: &str = ".users.htpasswd.htgate";

#[test]
fn commands_of_users_are_done_whole_or_not_at_all() {
    let mut trial = Trial::begin("kill -9 of user commands");
    let rounds = trial.times(12, 2_000);
    let file = Users::new();
    let mut killer = Killer::default();
    let mut left_behind = 0;
    for round in 0..rounds {
        let before = file.read();
        let name = *any(&NAMES);
        let is_there = line_of(&before, name).is_some();
        let removing = is_there && round % 2 == 0;
        let (kind, command) = if removing {
            ("remove user", "remove")
        } else {
            ("set user", "set")
        };
        let arguments = ["user", command, "--realm", "intranet", name];
        let ended = killer.kill(kind, file.htgate.spawn(&arguments), PASSWORD);
        let after = file.read();
        let change = change(&before, &after, name, removing);
        killer.count(&ended, change);
        if ended.status == Some(0) && !removing {
            assert!(verifies(&after, name), "{name} can't log in");
        }
        left_behind += u64::from(file.left_behind(&ended));
        trial.progress(round, rounds);
    }
    let tried = killer.tried();
    trial.end(
        &format!("{rounds} kills of set and remove: {tried}"),
        &format!(
            "the file always the old one or the new one to the byte, owner and mode kept; \
             {left_behind} times a file was left beside it, closed to whom the first is closed \
             to, and gone with the next edit"
        ),
    );
}

struct Users {
    htgate: Htgate,
    path: PathBuf,
    owner: (u32, u32),
}

impl Users {
    fn new() -> Self {
        let htgate = Htgate::prepare(CONFIGURATION, &[("users.htpasswd", USERS)]);
        let path = htgate.path("users.htpasswd");
        if nix::unistd::geteuid().is_root() {
            chown(&path, Some(OWNER), Some(OWNER)).unwrap();
        }
        fs::set_permissions(&path, Permissions::from_mode(MODE)).unwrap();
        let found = fs::metadata(&path).unwrap();
        let owner = (found.uid(), found.gid());
        Self {
            htgate,
            path,
            owner,
        }
    }

    fn read(&self) -> String {
        let found = fs::metadata(&self.path).unwrap();
        assert_eq!(
            (found.mode() & 0o7777, (found.uid(), found.gid())),
            (MODE, self.owner)
        );
        fs::read_to_string(&self.path).unwrap()
    }

    /// Whether there is anything that a killed command has left.
    fn left_behind(&self, ended: &Ended) -> bool {
        let folder = fs::read_dir(self.htgate.path("")).unwrap();
        let names = folder.map(|entry| entry.unwrap().file_name());
        let names: Vec<_> = names
            .filter(|name| name.to_string_lossy().starts_with('.'))
            .collect();
        if names.is_empty() {
            return false;
        }
        assert_eq!((&*names, ended.status), (&[BESIDE.into()][..], None));
        let mode = fs::metadata(self.htgate.path(BESIDE)).unwrap().mode() & 0o7777;
        assert!([0o600, MODE].contains(&mode), "{mode:o}");
        true
    }
}

fn line_of<'f>(file: &'f str, name: &str) -> Option<&'f str> {
    let mut lines = file.split_inclusive('\n');
    lines.find(|line| line.split(':').next() == Some(name))
}

/// What became of a command; all other lines must be as they were.
fn change(before: &str, after: &str, name: &str, removing: bool) -> Change {
    if before == after {
        return Change::Nothing;
    }
    let (old, new) = (line_of(before, name), line_of(after, name));
    let whole = match (old, new) {
        (Some(old), None) if removing => before.replace(old, ""),
        (Some(old), Some(new)) if !removing => before.replace(old, new),
        (None, Some(new)) if !removing => before.to_owned() + new,
        _ => panic!("{name}: from {before}\nto {after}"),
    };
    assert_eq!(after, whole, "{name}");
    Change::Whole
}

fn verifies(file: &str, name: &str) -> bool {
    let file = Htpasswd::parse(file.as_bytes(), WeakFormats::NONE).unwrap();
    let password = Password::new(Zeroizing::new(PASSWORD.into()));
    let entry = file.get(name.as_bytes()).unwrap();
    entry.hash().unwrap().verify(&password)
}
