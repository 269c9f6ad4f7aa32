//! API keys in use: made here or elsewhere, presented in every way there is.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256};

use crate::helpers::{BOB, Site};
use crate::http::basic;
use crate::keys::{create, show};

#[test]
fn keys_that_were_made_elsewhere_are_taken_as_they_are() {
    let site = Site::start();
    let import = |name: &str, more: &[&str], stdin: &str| {
        let base = ["key", "import", "--realm", "intranet", "--name", name];
        site.run(&[&base[..], more].concat(), stdin)
    };
    let header = |key: &str| {
        site.ask("/auth-request/members", &[("X-API-Key", key)])
            .status
    };
    for (name, key) in [
        ("plain", "0123456789abcdef0123456789abcdef"),
        ("uuid", "6f1c2b1e-9a77-4d7e-8b1a-0c1d2e3f4a5b"),
        ("github", "ghp_16C7e42F292c6912E7710c838347Ae178B4a"),
        (
            "odd",
            "secret-token:E92FB7EB-D882-47A4-A265-A0B6135DC842%20foo",
        ),
        ("base64", "c29tZXRoaW5nIHRoYXQgaXMgbG9uZw=="),
    ] {
        assert_eq!(header(key), 401);
        let ended = import(name, &[], &format!("{key}\n"));
        assert_eq!(ended.status, 0, "{name}: {}", ended.stderr);
        assert!(!ended.stdout.contains(key), "{name}");
        assert_eq!(
            (header(key), header(&key.to_uppercase())),
            (200, 401),
            "{name}"
        );
        assert_eq!(header(&key[..key.len() - 1]), 401, "{name}");
    }
    let key = "a-key-that-only-its-owner-knows";
    let digest = sha256(key);
    assert_eq!(
        import("digest", &["--sha256"], &format!("{digest}\n")).status,
        0
    );
    assert_eq!((header(key), header(&digest)), (200, 401));
    let upper = sha256("another-key-of-good-length").to_uppercase();
    assert_eq!(import("upper", &["--sha256"], &upper).status, 0);
    assert_eq!(header("another-key-of-good-length"), 200);

    let past = import(
        "past",
        &["--expires", "2020-01-01"],
        "a-key-from-times-long-gone",
    );
    assert_eq!(past.status, 0, "{}", past.stderr);
    assert_eq!(header("a-key-from-times-long-gone"), 401);
    assert_eq!(show(&site, "past")["state"], "expired");

    for (name, more, stdin, status) in [
        ("empty", &[][..], "", 64),
        ("blank", &[], "\n", 64),
        ("no-hex", &["--sha256"], "xyz", 64),
        ("short-hex", &["--sha256"], "abcdef", 64),
        ("control", &[], "a-key-with-a\ttab-in-its-middle", 64),
        // The same key under another name could be revoked in one place and live in the other.
        ("twice", &[], "0123456789abcdef0123456789abcdef", 1),
        ("plain", &[], "another-key-with-a-name-that-is-taken", 1),
    ] {
        let ended = import(name, more, stdin);
        assert_eq!(ended.status, status, "{name}: {}", ended.stderr);
        assert!(
            ended.stdout.is_empty() && !ended.stderr.is_empty(),
            "{name}: {ended:?}"
        );
    }
}

fn sha256(text: &str) -> String {
    let bytes = Sha256::digest(text);
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

#[test]
fn a_key_counts_however_it_is_presented() {
    let site = Site::start();
    let key = create(&site, "k", &[]);
    let robot = site.done(&["key", "create", "--realm", "robots", "--name", "r"]);
    let pair = |user: &str, key: &str| basic((user, key));
    let unpadded = BASE64_STANDARD.encode(format!("apikey:{key}"));
    let unpadded = format!("Basic {}", unpadded.trim_end_matches('='));
    for (name, value, status) in [
        ("Authorization", format!("Bearer {key}"), 200),
        ("Authorization", format!("bearer {key}"), 200),
        ("Authorization", format!("BEARER   {key}"), 200),
        ("Authorization", format!("ApiKey {key}"), 200),
        ("Authorization", format!("APIKEY {key}"), 200),
        ("X-API-Key", key.clone(), 200),
        ("x-api-key", format!("  {key} "), 200),
        ("Authorization", pair("apikey", &key), 200),
        ("Authorization", unpadded, 200),
        ("Authorization", pair("APIKEY", &key), 401),
        ("Authorization", pair("k", &key), 401),
        ("Authorization", pair(&key, ""), 401),
        ("Authorization", pair(&key, "x"), 401),
        ("Authorization", format!("Token {key}"), 401),
        ("Authorization", format!("Bearer {key} x"), 401),
        ("Authorization", format!("Bearer \"{key}\""), 401),
        ("Authorization", format!("Bearer{key}"), 401),
        ("Authorization", key.clone(), 401),
        (
            "Authorization",
            format!("Bearer {}", key.to_lowercase()),
            401,
        ),
        ("Authorization", format!("Bearer {robot}"), 401),
        ("X-API-Key", format!("Bearer {key}"), 401),
        ("X-Auth-Key", key.clone(), 401),
    ] {
        for endpoint in ["/auth-request/members", "/forward-auth/members"] {
            let answer = site.ask(endpoint, &[(name, &value)]);
            assert_eq!(answer.status, status, "{endpoint} {name}: {value}");
        }
    }
    // A realm without users has nothing to hold a password against.
    let answer = site.ask("/forward-auth/robots", &[("Authorization", &basic(BOB))]);
    assert_eq!(answer.status, 401);
    let described = [("X-Original-URI", &*format!("/x?a=b&api_key={robot}&c"))];
    assert_eq!(site.ask("/auth-request/robots", &described).status, 200);
}
