//! A machine whose clock jumps: what has expired stays expired, and nobody else notices.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::harness::{
    eventually,
    http::{Connection, request},
    program::{Htgate, PROGRAM},
    site::{ALICE, basic, htgate_prepared},
};

/// Debian's libfaketime, wherever this machine keeps it.
fn faketime() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").unwrap().flatten();
    let libraries = folders.map(|folder| folder.path().join("faketime/libfaketime.so.1"));
    let found = libraries.into_iter().find(|library| library.exists());
    found.expect("libfaketime is not there; tests/setup installs it")
}

/// Moves the clock of whoever looks at this file.
fn set_clock(file: &Path, offset: &str) {
    let new = file.with_extension("new");
    fs::write(&new, format!("{offset}\n")).unwrap();
    fs::rename(new, file).unwrap();
}

fn status(htgate: &Htgate, authorization: &str) -> u16 {
    let headers = [("Host", "htgate"), ("Authorization", authorization)];
    let question = request("GET", "/forward-auth/members", &headers, b"");
    Connection::open(htgate.address)
        .ask(&question)
        .unwrap()
        .status
}

#[test]
#[ignore = "needs libfaketime; tests/run installs it"]
fn a_key_that_has_expired_stays_so_and_a_clock_that_jumps_bothers_nobody_else() {
    let mut htgate = htgate_prepared();
    let create = |name, expires| {
        let what = ["key", "create", "--realm", "intranet", "--name", name];
        let key = htgate.run(&[&what[..], &["--expires", expires]].concat(), "");
        format!("Bearer {key}")
    };
    let (short, long) = (create("short", "1h"), create("long", "never"));
    let clock = htgate.path("clock");
    set_clock(&clock, "+0");
    let mut service = Command::new(PROGRAM);
    service
        .env("LD_PRELOAD", faketime())
        .env("FAKETIME_TIMESTAMP_FILE", &clock)
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    htgate.serve_by(service);
    for (offset, expected) in [
        ("+0", 200),
        ("-1d", 200),
        ("-10y", 200),
        ("+1d", 401), // it has expired, and was refused
        ("+0", 401),
        ("-10y", 401),
        ("+10y", 401),
    ] {
        set_clock(&clock, offset);
        let patience = Duration::from_secs(2);
        let reached = eventually(patience, || status(&htgate, &short) == expected);
        assert!(reached, "clock {offset}: not {expected}");
        assert_eq!(status(&htgate, &long), 200, "clock {offset}");
        assert_eq!(status(&htgate, &basic(ALICE)), 200, "clock {offset}");
        assert_eq!(status(&htgate, &basic((ALICE.0, offset))), 401);
    }
}
