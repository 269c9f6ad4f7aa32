//! Other programs as judges: what they hash verifies here, and what is written here verifies
//! there.
//!
//! The crate htpasswd-verify is asked only where it is right: short passwords in UTF-8,
//! `$apr1$` with a salt of eight characters, `$2y$`, `{SHA}` and DES. Tests that need a
//! program are ignored by default; `tests/run` installs the programs and runs them all.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may fail by panicking"
)]

use std::{
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt,
    path::Path,
    process::{Command, Output},
};

use htgate::{
    identity::{Password, Username},
    password_hash::{PasswordHash, WeakFormat, hash_bcrypt},
    store::htpasswd::edit,
};
use zeroize::Zeroizing;

/// Empty, long, not UTF-8, looking like something else.
const PASSWORDS: [&[u8]; 17] = [
    b"",
    b"a",
    b"secret",
    b"eightch8",
    b"with space ",
    b"a:b:c",
    b"#comment",
    b"-n",
    b"tab\there",
    b"%s%n\\",
    "p\u{e4}ssw\u{f6}rd \u{1f511}".as_bytes(),
    b"\xff\xfe latin \xe9",
    b"$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0",
    b"{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
    &[b'x'; 71],
    &[b'x'; 72],
    &[b'y'; 200],
];

fn password(bytes: &[u8]) -> Password {
    Password::new(Zeroizing::new(bytes.to_vec()))
}

fn parse(text: &str) -> PasswordHash {
    let weak = [WeakFormat::Des, WeakFormat::Plain].into_iter().collect();
    PasswordHash::parse(text.as_bytes(), weak).unwrap_or_else(|why| panic!("{text}: {why}"))
}

/// The password with one bit of its first byte changed, or one byte where there was none: what
/// no format may confuse with it.
fn altered(bytes: &[u8]) -> Vec<u8> {
    match bytes {
        [] => b"x".to_vec(),
        [first, rest @ ..] => [&[first ^ 2], rest].concat(),
    }
}

/// Runs a program; one that isn't there fails the test, since nothing was proved.
fn run<S: AsRef<OsStr>>(program: &str, arguments: &[S]) -> Output {
    Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{program} can't be run ({error}); is it installed?"))
}

fn says<S: AsRef<OsStr>>(program: &str, arguments: &[S]) -> String {
    let output = run(program, arguments);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {complaint}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn holds_for(hash: &str, secret: &[u8]) {
    let parsed = parse(hash);
    let shown = secret.escape_ascii();
    assert!(parsed.verify(&password(secret)), "{hash} for {shown}");
    assert!(
        !parsed.verify(&password(&altered(secret))),
        "{hash} for {shown} altered"
    );
}

#[test]
#[ignore = "needs htpasswd"]
fn what_htpasswd_hashes_verifies_here() {
    for options in [
        &["-m"][..],
        &["-B", "-C4"],
        &["-s"],
        &["-d"],
        &["-2", "-r1000"],
        &["-5"],
    ] {
        for secret in PASSWORDS {
            let mut arguments: Vec<&OsStr> = options.iter().map(OsStr::new).collect();
            arguments.extend(["-nb", "--", "user"].map(OsStr::new));
            arguments.push(OsStr::from_bytes(secret));
            let line = says("htpasswd", &arguments);
            holds_for(line.strip_prefix("user:").unwrap(), secret);
        }
    }
}

#[test]
#[ignore = "needs openssl"]
fn what_openssl_hashes_verifies_here() {
    for scheme in ["-1", "-apr1", "-5", "-6"] {
        for salt in ["a", "saltsalt"] {
            // It takes no empty password on its command line.
            for secret in PASSWORDS.iter().filter(|secret| !secret.is_empty()) {
                let options = ["passwd", scheme, "-salt", salt, "--"].map(OsStr::new);
                let hash = says(
                    "openssl",
                    &[&options[..], &[OsStr::from_bytes(secret)]].concat(),
                );
                holds_for(&hash, secret);
            }
        }
    }
}

fn htpasswd_takes(file: &Path, user: &str, secret: &[u8]) -> bool {
    let arguments = [
        OsStr::new("-vb"),
        OsStr::new("--"),
        file.as_os_str(),
        OsStr::new(user),
        OsStr::from_bytes(secret),
    ];
    let output = run("htpasswd", &arguments);
    match output.status.code() {
        Some(0) => true,
        Some(3) => false,
        _ => panic!("htpasswd: {}", String::from_utf8_lossy(&output.stderr)),
    }
}

#[test]
#[ignore = "needs htpasswd"]
fn what_is_written_here_verifies_with_htpasswd() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users");
    // Without a third field, with which `htpasswd -v` says no (the server doesn't mind).
    fs::write(&file, "# users\r\nold:$2y$04$cut\r\nother:!\r\n").unwrap();
    for secret in PASSWORDS.iter().filter(|secret| !secret.is_empty()) {
        for user in ["old", "new"] {
            let hash = hash_bcrypt(&password(secret), 4).unwrap();
            edit::set(&file, &Username::parse(user.as_bytes()).unwrap(), &hash).unwrap();
            assert!(
                htpasswd_takes(&file, user, secret),
                "{}",
                secret.escape_ascii()
            );
            assert!(!htpasswd_takes(&file, user, &altered(secret)));
        }
    }
}

/// The crate that the format list goes back to, on its home ground.
#[cfg(target_arch = "x86_64")]
mod htpasswd_verify_crate {
    use super::*;

    /// What it can be asked about: UTF-8 without control characters, up to 84 bytes.
    fn askable() -> impl Iterator<Item = &'static str> {
        PASSWORDS
            .iter()
            .filter_map(|secret| str::from_utf8(secret).ok())
            .filter(|secret| secret.len() <= 84 && !secret.contains(char::is_control))
    }

    fn it_takes(hash: &str, secret: &str) -> bool {
        let line = format!("user:{hash}");
        htpasswd_verify::Htpasswd::from(line.as_str()).check("user", secret)
    }

    fn agree(hash: &str) {
        let ours = parse(hash);
        for secret in askable() {
            let answers = (
                ours.verify(&password(secret.as_bytes())),
                it_takes(hash, secret),
            );
            assert_eq!(answers.0, answers.1, "{hash} for {secret}");
        }
    }

    #[test]
    fn it_agrees_on_bcrypt_made_here() {
        for secret in askable().filter(|secret| !secret.is_empty()) {
            let hash = hash_bcrypt(&password(secret.as_bytes()), 4).unwrap();
            assert!(it_takes(&hash, secret), "{hash} for {secret}");
            agree(&hash);
        }
    }

    #[test]
    fn it_agrees_on_apr1_made_by_itself() {
        for secret in askable() {
            let digest = htpasswd_verify::md5::md5_apr1_encode(secret, "saltsalt");
            let hash = htpasswd_verify::md5::format_hash(&digest, "saltsalt");
            assert!(
                parse(&hash).verify(&password(secret.as_bytes())),
                "{hash} for {secret}"
            );
            agree(&hash);
        }
    }

    #[test]
    fn it_agrees_on_sha1_and_des() {
        for hash in [
            "{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk=",
            "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
            "abNANd1rDfiNc",
        ] {
            agree(hash);
        }
    }
}
