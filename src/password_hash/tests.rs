use std::time::{Duration, Instant};

use base64::{Engine, engine::general_purpose::STANDARD};
use proptest::prelude::*;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::*;

#[derive(Deserialize)]
struct Vectors {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    format: String,
    hash_b64: String,
    password_b64: String,
    expect: Option<bool>,
}

fn all_formats() -> WeakFormats {
    [WeakFormat::Des, WeakFormat::Plain].into_iter().collect()
}

fn password(bytes: &[u8]) -> Password {
    Password::new(Zeroizing::new(bytes.to_vec()))
}

fn verify(text: &[u8], presented: &[u8]) -> bool {
    PasswordHash::parse(text, all_formats()).is_ok_and(|hash| hash.verify(&password(presented)))
}

#[test]
fn every_vector_gets_its_answer_in_time() {
    let vectors: Vectors =
        serde_json::from_str(include_str!("../../tests/data/vectors/htpasswd.json")).unwrap();
    let bound = Duration::from_secs(if cfg!(debug_assertions) { 60 } else { 5 });
    let mut wrong = Vec::new();
    for case in &vectors.cases {
        let hash = STANDARD.decode(&case.hash_b64).unwrap();
        let presented = STANDARD.decode(&case.password_b64).unwrap();
        let start = Instant::now();
        let answer = verify(&hash, &presented);
        let took = start.elapsed();
        if case.expect.is_some_and(|expect| expect != answer) || took > bound {
            wrong.push((&case.id, &case.format, answer, took));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(vectors.cases.len() > 400);
}

#[test]
fn no_reason_shows_a_part_of_the_stored_text() {
    for text in [
        "hunter2",
        "$hunter2$hunter2",
        "{hunter2}hunter2",
        "$2y$hunter2",
        "!hunter2",
        "$argon2hunter2$",
        "_hunter2",
        "$6$rounds=1000$hunter2",
    ] {
        let reason = PasswordHash::parse(text.as_bytes(), all_formats()).unwrap_err();
        assert!(
            !format!("{reason} {reason:?}").contains("hunter2"),
            "{text}"
        );
    }
}

#[test]
fn unusable_hashes_say_what_is_wrong() {
    use Unusable::{
        Empty, Locked, Malformed, OverCap, TooLong, Unknown, Unsupported, WeakNotAllowed,
    };
    let long = format!("{{PLAIN}}{}", "x".repeat(MAX_HASH_LEN));
    let digest = ["."; 43].concat();
    let costly = [
        format!("$5$rounds=1000001$salt${digest}"),
        format!("$5$rounds=99999999999$salt${digest}"),
        format!("$y$jDT$saltsalt${digest}"),
        format!("$y$jzzzzT$saltsalt${digest}"),
        format!("$y$j9T.1$saltsalt${digest}"),
        format!("$y$j9T/F$saltsalt${digest}"),
        format!("$y$j9T.0.$saltsalt${digest}"),
        format!("$y$/9T$saltsalt${digest}"),
    ];
    for (text, reason) in [
        ("", Empty),
        ("!", Locked),
        ("!!", Locked),
        ("*0", Locked),
        ("x", Locked),
        ("!$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0", Locked),
        (&long, TooLong),
        ("secret", Unknown),
        ("xy", Unknown),
        ("$9$abc$def", Unknown),
        ("{sha}5en6G6MezRroT3XKqkdPOmY/BfQ=", Unknown),
        ("$gy$j9T$salt$digest", Unsupported("gost-yescrypt ($gy$)")),
        ("_J9..XXXXvlzQGqpPPdk", Unsupported("BSDi extended DES (_)")),
        ("$2y$10$short", Malformed("bcrypt")),
        (
            "$2y$03$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW",
            Malformed("bcrypt"),
        ),
        (
            "$2y$18$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW",
            OverCap(Cap::Bcrypt),
        ),
        (&costly[0], OverCap(Cap::ShaCrypt)),
        (&costly[1], OverCap(Cap::ShaCrypt)),
        (&costly[2], OverCap(Cap::Yescrypt)),
        (&costly[3], Malformed("yescrypt")),
        (&costly[4], OverCap(Cap::Yescrypt)),
        (&costly[5], OverCap(Cap::Yescrypt)),
        (&costly[6], Malformed("yescrypt")),
        (&costly[7], Malformed("yescrypt")),
        (
            "$argon2id$v=19$m=262145,t=1,p=1$c29tZXNhbHQ$AJFIsNZTMKTAewB4+ETN1A",
            OverCap(Cap::Argon2),
        ),
        (
            "$argon2id$v=19$m=64,t=17,p=1$c29tZXNhbHQ$AJFIsNZTMKTAewB4+ETN1A",
            OverCap(Cap::Argon2),
        ),
        (
            "$argon2id$v=19$m=640,t=1,p=17$c29tZXNhbHQ$AJFIsNZTMKTAewB4+ETN1A",
            OverCap(Cap::Argon2),
        ),
        (
            "$argon2id$v=19$m=64,t=0,p=1$c29tZXNhbHQ$AJFIsNZTMKTAewB4+ETN1A",
            Malformed("argon2"),
        ),
        (
            "$argon2id$m=64,t=1,p=1$c29tZXNhbHQ$AJFIsNZTMKTAewB4+ETN1A",
            Malformed("argon2"),
        ),
        ("abNANd1rDfiNc", WeakNotAllowed(WeakFormat::Des)),
        ("{PLAIN}secret", WeakNotAllowed(WeakFormat::Plain)),
        ("{PLAIN}", Malformed("{PLAIN}")),
    ] {
        let parsed = PasswordHash::parse(text.as_bytes(), WeakFormats::NONE);
        assert_eq!(parsed, Err(reason), "{text}");
    }
}

#[test]
fn a_weak_format_is_verified_only_where_its_own_word_allows_it() {
    for (text, format) in [
        (&b"abNANd1rDfiNc"[..], WeakFormat::Des),
        (b"{PLAIN}secret", WeakFormat::Plain),
    ] {
        let other = match format {
            WeakFormat::Des => WeakFormat::Plain,
            WeakFormat::Plain => WeakFormat::Des,
        };
        let parse = |allowed| PasswordHash::parse(text, [allowed].into_iter().collect());
        assert_eq!(parse(other), Err(Unusable::WeakNotAllowed(format)));
        assert_eq!(parse(format).unwrap().kind().weak_format(), Some(format));
    }
}

#[test]
fn costs_up_to_the_cap_are_taken() {
    for (text, kind) in [
        (
            "$2y$17$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW",
            "bcrypt cost 17",
        ),
        (
            "$5$rounds=1000000$saltsalt$eKLZU9t9OoPWrqOQsoTIKG0aYkZ5rGOoOQhiIvoSWX2",
            "sha256-crypt rounds 1000000",
        ),
        (
            "$y$jBT$LdJMENpBABJJ3hIHjB1Bi.$pLOAA.GWfQElzJMkN.JqzcItGXS.DsOZsBOX0fO4NDC",
            "yescrypt N 2^14 r 32 p 1 t 0",
        ),
        (
            "$argon2id$v=19$m=262144,t=16,p=16$c29tZXNhbHQ$AJFIsNZTMKTAewB4+ETN1A",
            "argon2id m 262144 t 16 p 16",
        ),
    ] {
        let hash = PasswordHash::parse(text.as_bytes(), WeakFormats::NONE).unwrap();
        assert_eq!(hash.kind().to_string(), kind);
        assert!(!hash.is_cheap());
    }
}

#[test]
fn nul_and_overlong_passwords_never_match() {
    let longest = "x".repeat(MAX_PASSWORD_LEN);
    let overlong = "x".repeat(MAX_PASSWORD_LEN + 1);
    let bcrypt = ::bcrypt::hash_with_salt(&longest, 4, [1; 16])
        .unwrap()
        .to_string();
    for (text, presented, answer) in [
        (&*bcrypt, &*longest, true),
        // bcrypt itself looks at 72 bytes only.
        (&bcrypt, &overlong, false),
        ("{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "secret", true),
        ("{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "secret\0", false),
        ("{PLAIN}secret\0", "secret\0", false),
    ] {
        assert_eq!(verify(text.as_bytes(), presented.as_bytes()), answer);
    }
}

#[test]
fn a_hash_made_here_is_htpasswds_and_verifies() {
    for secret in [&b"secret"[..], b" ", b"caf\xe9", &[b'a'; 100]] {
        let text = hash_bcrypt(&password(secret), 4).unwrap();
        assert!(text.starts_with("$2y$04$"), "{text}");
        assert!(verify(text.as_bytes(), secret));
        assert!(!verify(text.as_bytes(), b"Secret"));
    }
    let twice = [(); 2].map(|()| hash_bcrypt(&password(b"secret"), 4).unwrap());
    assert_ne!(twice[0], twice[1]);
}

#[test]
fn a_hash_that_would_never_verify_is_not_made() {
    for (secret, cost, reason) in [
        (&b""[..], 4, "the password is empty"),
        (b"a\0b", 4, "the password has a NUL byte in it"),
        (&[b'a'; 513], 4, "the password is longer than 512 bytes"),
        (b"secret", 3, "the bcrypt cost is 3, not between 4 and 17"),
        (b"secret", 18, "the bcrypt cost is 18, not between 4 and 17"),
    ] {
        let error = hash_bcrypt(&password(secret), cost).unwrap_err();
        assert_eq!(error.to_string(), reason);
    }
}

/// One kind of each sort, at low cost.
fn kinds() -> impl Iterator<Item = Kind> {
    let argon2 = |variant| Kind::Argon2 {
        variant,
        memory_kib: 64,
        passes: 2,
        lanes: 2,
    };
    let yescrypt = |n_log2, r, p, t| Kind::Yescrypt { n_log2, r, p, t };
    [
        Kind::Bcrypt { cost: 4 },
        Kind::Apr1,
        Kind::Md5Crypt,
        Kind::Sha256Crypt { rounds: 1000 },
        Kind::Sha256Crypt { rounds: 5000 },
        Kind::Sha512Crypt { rounds: 1234 },
        Kind::Sha1,
        Kind::SaltedSha1,
        Kind::Des,
        Kind::Plain,
        yescrypt(5, 8, 1, 0),
        yescrypt(6, 2, 3, 5),
        argon2(Argon2Variant::D),
        argon2(Argon2Variant::I),
        argon2(Argon2Variant::Id),
    ]
    .into_iter()
}

#[test]
fn a_stand_in_is_a_real_hash_of_its_kind_that_nothing_matches() {
    for kind in kinds() {
        let [one, other] = [(); 2].map(|()| stand_in(kind));
        let again = PasswordHash::parse(one.text(), all_formats());
        assert_eq!(again.unwrap().kind(), kind);
        assert_ne!(one.text(), other.text(), "{kind}");
        for presented in [&b""[..], b"secret", one.text()] {
            assert!(!one.verify(&password(presented)), "{kind}");
        }
    }
}

#[test]
fn checking_a_stand_in_does_the_work_of_its_kind() {
    // That it is no shortcut shows with costs far apart; equality is the load test's matter.
    let time = |kind| {
        let hash = stand_in(kind);
        let once = |_| {
            let start = Instant::now();
            assert!(!hash.verify(&password(b"secret")));
            start.elapsed()
        };
        // The shortest of some: a busy machine only ever adds.
        (0..5).map(once).min().unwrap()
    };
    assert!(time(Kind::Bcrypt { cost: 9 }) > 4 * time(Kind::Bcrypt { cost: 4 }));
    let rounds = |rounds| Kind::Sha256Crypt { rounds };
    assert!(time(rounds(40_000)) > 4 * time(rounds(1000)));
}

#[test]
fn small_yescrypt_parameters_are_answered() {
    for n_log2 in 1..=8 {
        for (r, p, t) in [(1, 1, 0), (2, 1, 0), (1, 4, 2), (8, 2, 16), (3, 3, 1)] {
            let kind = Kind::Yescrypt { n_log2, r, p, t };
            let text = stand_in(kind);
            let _ = verify(text.text(), b"secret");
        }
    }
}

#[test]
fn the_cheap_kinds_are_those_of_microseconds() {
    let cheap: Vec<String> = kinds()
        .filter(|k| k.is_cheap())
        .map(|k| k.to_string())
        .collect();
    assert_eq!(cheap, ["{SHA}", "{SSHA}", "DES crypt", "{PLAIN}"]);
}

#[test]
fn debug_shows_the_kind_alone() {
    let hash = PasswordHash::parse(b"{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", WeakFormats::NONE);
    assert_eq!(format!("{hash:?}"), "Ok(PasswordHash({SHA}))");
}

proptest! {
    #[test]
    fn no_bytes_make_parsing_panic(text in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = PasswordHash::parse(&text, all_formats());
    }

    /// Bytes close to a hash, with one place changed, checked where that is quick.
    #[test]
    fn no_altered_hash_makes_checking_panic(
        kind in prop::sample::select(kinds().collect::<Vec<_>>()),
        at in any::<prop::sample::Index>(),
        byte in prop_oneof![
            prop::sample::select(b"$./0129Aaz=,:+-".to_vec()),
            any::<u8>(),
        ],
        insert in any::<bool>(),
    ) {
        let mut text = stand_in(kind).text().to_vec();
        let at = at.index(text.len());
        if insert { text.insert(at, byte) } else { text[at] = byte }
        if let Ok(hash) = PasswordHash::parse(&text, all_formats()) {
            let quick = match hash.kind() {
                Kind::Bcrypt { cost } => cost < 7,
                Kind::Sha256Crypt { rounds } | Kind::Sha512Crypt { rounds } => rounds < 10_000,
                Kind::Yescrypt { n_log2, r, t, .. } => n_log2 < 8 && r < 64 && t < 8,
                Kind::Argon2 { memory_kib, .. } => memory_kib < 1000,
                _ => true,
            };
            if quick {
                let _ = hash.verify(&password(b"secret"));
            }
        }
    }
}
