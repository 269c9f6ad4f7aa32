//! Files that can't be used: the last good ones answer on, and everybody is told.

use std::{
    fs::{self, File, Permissions},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
    process::Command,
    time::Duration,
};

use super::{
    questions::{CONFIGURATION, Changing, Files},
    under_load,
};
use crate::{
    harness::{
        eventually,
        program::{Htgate, PROGRAM},
    },
    trial::Trial,
};

/// How long the log may take to tell, also of 256 MiB on a busy machine.
const PATIENCE: Duration = Duration::from_secs(15);

/// A way to spoil a file, and what is said of it after its name.
type Spoil = (fn(&Path), &'static str);

/// What spoils any file of users or groups.
const FILES: [Spoil; 5] = [
    (|path| fs::remove_file(path).unwrap(), ": No such file"),
    (nothing_readable, ": Permission denied"),
    (a_folder, ": Is a directory"),
    (a_loop, ": Too many levels of symbolic links"),
    (too_large, ": the file is larger than 256 MiB"),
];

/// What spoils the configuration. Its first six lines are listeners.
const CONFIGURATIONS: [Spoil; 4] = [
    (|path| edit(path, "groups =", "gruops ="), ":10: "),
    (|path| edit(path, "group staff", "grop staff"), ":17: "),
    (
        |path| edit(path, "title = \"Example intranet\"", "title = \""),
        ":8: ",
    ),
    (|path| fs::write(path, b"\xff\0 no TOML").unwrap(), ""),
];

#[test]
fn what_can_not_be_used_changes_nothing_and_is_told() {
    let mut trial = Trial::begin("files that can't be used");
    let cycles = trial.times(1, 20);
    let users = Changing::Users.text(0);
    let groups = Changing::Groups.text(0);
    let files = [("users.htpasswd", &*users), ("users.groups", &*groups)];
    let mut htgate = Htgate::prepare(CONFIGURATION, &files);
    htgate.serve_by(without_privileges());
    let names = files.map(|(name, _)| name);
    let spoils = names
        .iter()
        .flat_map(|name| FILES.map(|spoil| (*name, spoil)));
    let spoils = spoils.chain(CONFIGURATIONS.map(|spoil| ("htgate.toml", spoil)));
    let spoils: Vec<_> = spoils.collect();
    let asked = Files::new();
    let all = cycles * spoils.len() as u64;
    under_load(&asked, htgate.address, || {
        let rounds = (0..cycles).flat_map(|_| &spoils);
        for (done, (name, spoil)) in (0..).zip(rounds) {
            spoiled(&htgate, name, *spoil);
            trial.progress(done, all);
        }
    });
    let told = asked.judge(&[]);
    trial.end(
        &format!(
            "{all} times a file was gone, unreadable, a folder, a loop of links, too large, or a \
             configuration with a mistake; {} answers",
            told.answers
        ),
        "every answer by the last good files; `htgate reload` exits with 1, it and the log name \
         file, line and reason",
    );
}

/// Spoils a file, holds what is said of it, and mends it.
fn spoiled(htgate: &Htgate, name: &str, (spoil, why): Spoil) {
    let path = htgate.path(name);
    let good = fs::read(&path).unwrap();
    let logged = htgate.log().len();
    spoil(&path);
    let told = format!("{name}{why}");
    assert!(
        eventually(PATIENCE, || htgate.log()[logged..].contains(&told)),
        "the log doesn't say: {told}"
    );
    let ended = htgate.output(&["reload"], "");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{told}: {said}");
    assert!(said.contains(&told), "{told}: {said}");
    if path.is_dir() {
        fs::remove_dir(&path).unwrap();
    } else {
        let _ = fs::remove_file(&path);
    }
    fs::write(&path, good).unwrap();
    htgate.run(&["reload"], "");
}

/// The program, as somebody to whom the modes of files apply.
fn without_privileges() -> Command {
    if !nix::unistd::geteuid().is_root() {
        return Command::new(PROGRAM);
    }
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set=-dac_override,-dac_read_search", PROGRAM]);
    command
}

fn nothing_readable(path: &Path) {
    fs::set_permissions(path, Permissions::from_mode(0o000)).unwrap();
}

fn a_folder(path: &Path) {
    fs::remove_file(path).unwrap();
    fs::create_dir(path).unwrap();
}

fn a_loop(path: &Path) {
    fs::remove_file(path).unwrap();
    symlink(path, path).unwrap();
}

fn too_large(path: &Path) {
    let file = File::options().write(true).open(path).unwrap();
    file.set_len(htgate::store::MAX_FILE_LEN as u64 + 1)
        .unwrap();
}

fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{from}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}
