use base64::{Engine, engine::general_purpose::STANDARD};
use proptest::prelude::*;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::*;
use crate::{
    identity::Password,
    password_hash::{WeakFormat, stand_in},
    store::MAX_FILE_LEN,
};

const SHA: &str = "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=";

#[derive(Deserialize)]
struct Vectors {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    #[serde(rename = "case")]
    topic: String,
    file_b64: String,
    user_b64: String,
    password_b64: String,
    expect: bool,
}

fn read(file: &[u8]) -> Htpasswd {
    let weak = [WeakFormat::Des, WeakFormat::Plain].into_iter().collect();
    Htpasswd::parse(file, weak).unwrap()
}

fn lets_in(file: &[u8], user: &[u8], password: &[u8]) -> bool {
    let password = Password::new(Zeroizing::new(password.to_vec()));
    read(file)
        .get(user)
        .and_then(|entry| entry.hash().ok())
        .is_some_and(|hash| hash.verify(&password))
}

fn warnings(file: &str, weak: WeakFormats) -> Vec<String> {
    let file = Htpasswd::parse(file.as_bytes(), weak).unwrap();
    file.warnings().iter().map(ToString::to_string).collect()
}

#[test]
fn every_vector_gets_its_answer() {
    let vectors: Vectors =
        serde_json::from_str(include_str!("../../../tests/data/vectors/htfile.json")).unwrap();
    let mut wrong = Vec::new();
    for case in &vectors.cases {
        let [file, user, password] = [&case.file_b64, &case.user_b64, &case.password_b64]
            .map(|text| STANDARD.decode(text).unwrap());
        if lets_in(&file, &user, &password) != case.expect {
            wrong.push((&case.id, &case.topic));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(vectors.cases.len() > 30);
}

#[test]
fn a_line_is_read_as_the_stricter_servers_do() {
    let long = format!("{}:{SHA}\na:{SHA}", "x".repeat(8193));
    let exact = format!("a:{SHA}:{}", "x".repeat(8192 - SHA.len() - 3));
    let over = format!("{exact}x");
    for (file, is_in) in [
        (format!("a:{SHA}"), true),
        (format!(" \ta:{SHA}\t "), true),
        (format!("a:{SHA}\r\n"), true),
        (format!("a:{SHA}:Alice:more"), true),
        (format!("\u{feff}a:{SHA}"), true),
        (format!("x\n\u{feff}a:{SHA}"), false),
        (format!("a :{SHA}"), false),
        (format!("a: {SHA}"), false),
        (format!("a:{SHA}\r\r\n"), false),
        (format!("b:x\ra:{SHA}\r"), false),
        (format!("a:!\na:{SHA}"), false),
        (format!("a:\na:{SHA}"), false),
        (format!("a,b:{SHA}\na:{SHA}"), true),
        (long, true),
        (exact, true),
        (over, false),
    ] {
        assert_eq!(
            lets_in(file.as_bytes(), b"a", b"secret"),
            is_in,
            "{file:.60}"
        );
    }
}

#[test]
fn warnings_name_line_and_user_and_never_the_hash() {
    for (file, warning) in [
        ("a:$1$saltsalt$9xy1btjgzLYfb7hivXtC//\n# b\n\n", None),
        ("hunter2", Some("line 1: skipped: the line has no colon")),
        (
            "\n:hunter2",
            Some("line 2: skipped: the user name is empty"),
        ),
        (
            "a\u{7}:hunter2",
            Some("line 1: skipped: the user name has a control character"),
        ),
        (
            "a,b:hunter2",
            Some("line 1: skipped: the user name has a comma"),
        ),
        (
            "a:$1$saltsalt$9xy1btjgzLYfb7hivXtC//\na:hunter2",
            Some("line 2: user a: skipped: line 1 has this user already, and the first one counts"),
        ),
        (
            "a:!hunter2",
            Some("line 1: user a: locked: the user is locked with a mark in place of the hash"),
        ),
        (
            "a:",
            Some("line 1: user a: locked: the hash is empty, so the user is locked"),
        ),
        (
            "a:hunter2",
            Some("line 1: user a: locked: the hash has no known format; set the password anew"),
        ),
        (
            "a:{PLAIN}hunter2",
            Some(
                "line 1: user a: locked: a weak format that is not allowed here; \
                 allow_weak = [\"plain\"] would",
            ),
        ),
        (
            "a:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
            Some(
                "line 1: user a: {SHA} protects little if the file is ever read by others; \
                 set the password anew",
            ),
        ),
    ] {
        let expected: Vec<&str> = warning.into_iter().collect();
        assert_eq!(warnings(file, WeakFormats::NONE), expected, "{file:?}");
    }
    let long = "x".repeat(9000);
    assert_eq!(
        warnings(&long, WeakFormats::NONE),
        ["line 1: skipped: the line is longer than 8192 bytes"],
    );
}

#[test]
fn an_allowed_weak_format_is_still_warned_of() {
    let allowed = [WeakFormat::Des].into_iter().collect();
    assert_eq!(
        warnings("a:abNANd1rDfiNc", allowed),
        [
            "line 1: user a: DES crypt protects little if the file is ever read by others; \
          set the password anew"
        ],
    );
}

#[test]
fn a_file_of_another_sort_gives_a_bounded_number_of_warnings() {
    let warnings = warnings(&"x\n".repeat(1002), WeakFormats::NONE);
    assert_eq!(warnings.len(), 1001);
    assert_eq!(
        warnings[1000],
        "line 1000: and 2 more warnings from here on"
    );
}

#[test]
fn a_file_over_the_bound_is_refused() {
    let mut file = vec![b'\n'; MAX_FILE_LEN];
    assert!(Htpasswd::parse(&file, WeakFormats::NONE).is_ok());
    file.push(b'\n');
    assert_eq!(
        Htpasswd::parse(&file, WeakFormats::NONE).err(),
        Some(FileTooLarge)
    );
}

#[test]
fn an_entry_says_without_its_hash_what_its_hash_would_say() {
    let dear = "$1$saltsalt$9xy1btjgzLYfb7hivXtC//";
    let text = format!("# x\n b:{dear}:more\na:!hunter2\n\nc:{SHA}\na:{SHA}\nd:{{PLAIN}}hunter2\n");
    let file = Htpasswd::parse(text.as_bytes(), WeakFormats::NONE).unwrap();
    let entries = [
        ("b", 2, dear, true, false),
        ("a", 3, "!hunter2", false, false),
        ("c", 5, SHA, true, true),
        ("d", 7, "{PLAIN}hunter2", false, false),
    ];
    assert_eq!(file.entries().len(), entries.len());
    for (entry, (name, line, text, is_live, is_cheap)) in file.entries().zip(entries) {
        assert_eq!(entry.name(), name.as_bytes());
        assert_eq!(entry.line(), line, "{name}");
        assert_eq!(entry.text(), text.as_bytes(), "{name}");
        assert_eq!(entry.is_live(), is_live, "{name}");
        assert_eq!(entry.is_cheap(), is_cheap, "{name}");
        assert_eq!(entry.hash().is_ok(), is_live, "{name}");
        assert_eq!(entry.hash().is_ok_and(|hash| hash.is_cheap()), is_cheap);
        let found = file.get(name.as_bytes()).unwrap();
        assert_eq!((found.line(), found.text()), (line, text.as_bytes()));
    }
    let shown = format!("{file:?} {:?}", file.entries().collect::<Vec<_>>());
    for secret in ["hunter2", dear, SHA] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn stand_ins_are_of_the_live_entries_kinds() {
    let file = format!("a:{SHA}\nb:{SHA}\nc:$2y$04$cut\nd:!\ne:abNANd1rDfiNc\n");
    let file = read(file.as_bytes());
    assert_eq!(
        file.kinds().collect::<Vec<_>>(),
        [(Kind::Sha1, 2), (Kind::Des, 1)]
    );
    assert_eq!(file.stand_in_for(0).kind(), Kind::Sha1);
    assert_eq!(file.stand_in_for(u64::MAX).kind(), Kind::Des);
    assert_eq!(file.entries().len(), 5);
}

#[test]
fn a_hundred_thousand_entries_are_read_in_time() {
    let hash = stand_in(Kind::Bcrypt { cost: 12 });
    let hash = String::from_utf8(hash.text().to_vec()).unwrap();
    let lines: Vec<String> = (0..100_000).map(|i| format!("user{i}:{hash}")).collect();
    let file = lines.join("\n");
    let start = std::time::Instant::now();
    assert_eq!(read(file.as_bytes()).entries().len(), 100_000);
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
}

proptest! {
    #[test]
    fn no_bytes_make_parsing_panic(file in prop::collection::vec(any::<u8>(), 0..400)) {
        read(&file);
    }

    #[test]
    fn nobody_is_let_in_whose_name_and_hash_are_not_a_line(
        file in r"([ab:#! \t\r\n]|\{PLAIN\}a){0,40}",
    ) {
        if lets_in(file.as_bytes(), b"a", b"a") {
            let has_line = file.contains("a:{PLAIN}a");
            prop_assert!(has_line);
        }
    }
}
