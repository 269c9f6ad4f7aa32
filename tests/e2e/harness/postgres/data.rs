//! The data folder of a server, and who may own it.

use std::{
    fs::{self, File},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::Write as _,
    os::unix::{fs::chown, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use nix::unistd::User;
use rustix::process::geteuid;
use tempfile::TempDir;

const SQL: &str = "\
    ALTER ROLE postgres PASSWORD 'p@ss:word'\n\
    CREATE ROLE htgate LOGIN PASSWORD 'p@ss:word'\n\
    CREATE ROLE nodes LOGIN PASSWORD 'p@ss:word'\n\
    CREATE DATABASE htgate OWNER htgate\n";

const INITDB: [&str; 9] = [
    "--username=postgres",
    "--auth-local=trust",
    "--auth-host=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C.UTF-8",
    "--wal-segsize=1",
    "--no-sync",
    "--no-instructions",
    "--pgdata",
];

/// A data folder as it is copied for each server, made once for all tests.
pub(super) fn template() -> PathBuf {
    let mut hasher = DefaultHasher::new();
    (programs(), INITDB, SQL, is_root()).hash(&mut hasher);
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let template = kept.join(format!("postgres-{:016x}", hasher.finish()));
    let lock = File::create(kept.join("postgres.lock")).unwrap();
    lock.lock().unwrap();
    if !template.exists() {
        // Not made there: its owner need not get there.
        let folder = folder();
        let data = folder.path().join("data");
        run(
            by_owner("initdb", folder.path()).args(INITDB).arg(&data),
            "",
        );
        let mut single = by_owner("postgres", folder.path());
        run(
            single.args(["--single", "-D"]).arg(&data).arg("postgres"),
            SQL,
        );
        let unfinished = kept.join("postgres-unfinished");
        let _ = fs::remove_dir_all(&unfinished);
        copy(&data, &unfinished);
        fs::rename(&unfinished, &template).unwrap();
    }
    template
}

/// The programs of the newest version that is here.
pub(super) fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let versions = versions.filter_map(|version| {
        let folder = version.ok()?.path();
        let number: u32 = folder.file_name()?.to_str()?.parse().ok()?;
        let programs = folder.join("bin");
        programs
            .join("postgres")
            .exists()
            .then_some((number, programs))
    });
    let newest = versions.max();
    newest
        .expect("PostgreSQL is not there; tests/setup installs it")
        .1
}

fn is_root() -> bool {
    geteuid().is_root()
}

/// A program of PostgreSQL, run by whoever may.
pub(super) fn by_owner(program: &str, folder: &Path) -> Command {
    let mut command = Command::new(programs().join(program));
    command.current_dir(folder).env("LC_ALL", "C.UTF-8");
    if is_root() {
        let owner = owner();
        command.uid(owner.uid.as_raw()).gid(owner.gid.as_raw());
    }
    command
}

fn owner() -> User {
    let owner = User::from_name("postgres").unwrap();
    owner.expect("the user postgres comes with the package")
}

/// A folder that belongs to whoever runs PostgreSQL.
pub(super) fn folder() -> TempDir {
    let folder = tempfile::Builder::new().prefix("pg").tempdir().unwrap();
    give(folder.path());
    folder
}

pub(super) fn give(path: &Path) {
    if is_root() {
        let owner = owner();
        chown(path, Some(owner.uid.as_raw()), Some(owner.gid.as_raw())).unwrap();
    }
}

pub(super) fn copy(from: &Path, to: &Path) {
    run(Command::new("cp").arg("-a").args([from, to]), "");
}

/// Runs a program that has to succeed, and gives its output.
pub(super) fn run(command: &mut Command, input: &str) -> String {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    let Output {
        status,
        stdout,
        stderr,
    } = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{command:?}: {status}\n{errors}");
    String::from_utf8(stdout).unwrap()
}
