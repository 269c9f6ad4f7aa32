use std::time::Instant;

use futures_util::future::join_all;

use super::*;
use crate::password_hash::{WeakFormats, hash_bcrypt};

const LIMITS: Limits = Limits {
    ttl: Duration::from_secs(60),
    capacity: 100,
};

/// A file in which alice has this password at this cost.
fn file(password: &str, cost: u8) -> Htpasswd {
    let password = Password::new(Zeroizing::new(password.as_bytes().to_vec()));
    let hash = hash_bcrypt(&password, cost).unwrap();
    Htpasswd::parse(format!("alice:{hash}\n").as_bytes(), WeakFormats::NONE).unwrap()
}

fn name(raw: &str) -> Username {
    Username::parse(raw.as_bytes()).unwrap()
}

#[actix_rt::test]
async fn a_verified_password_skips_its_hash_until_the_entry_changes() {
    let verifier = Verifier::start(LIMITS, None).unwrap();
    let (old, new, alice) = (file("old", 11), file("new", 4), name("alice"));
    let verify = |users, password| verifier.verify("r", users, &alice, password);
    let started = Instant::now();
    assert!(verify(&old, b"old").await.unwrap());
    let first = started.elapsed();
    let started = Instant::now();
    assert!(verify(&old, b"old").await.unwrap());
    assert!(
        started.elapsed() < first / 10,
        "the second time comes from the cache"
    );
    // The file was read anew: no flush, and the old password is out all the same.
    assert!(!verify(&new, b"old").await.unwrap());
    assert!(verify(&new, b"new").await.unwrap());
    assert!(!verify(&old, b"new").await.unwrap());
}

#[actix_rt::test]
async fn equal_checks_in_flight_run_once() {
    let verifier = Verifier::start(LIMITS, None).unwrap();
    let (users, alice) = (file("secret", 11), name("alice"));
    let started = Instant::now();
    verifier
        .verify("r", &users, &alice, b"first")
        .await
        .unwrap();
    let one = started.elapsed();
    let started = Instant::now();
    let checks = (0..100).map(|_| verifier.verify("r", &users, &alice, b"secret"));
    for verdict in join_all(checks).await {
        assert!(verdict.unwrap());
    }
    assert!(
        started.elapsed() < one * 10,
        "100 checks cost one hash, not 100"
    );
}

#[actix_rt::test]
async fn too_many_checks_are_trouble_and_the_queue_recovers() {
    let verifier = Verifier::start(LIMITS, None).unwrap();
    let (users, alice) = (file("secret", 8), name("alice"));
    let guesses: Vec<String> = (0..verifier.hashing.longest_queue() + 50)
        .map(|n| n.to_string())
        .collect();
    let checks = guesses
        .iter()
        .map(|guess| verifier.verify("r", &users, &alice, guess.as_bytes()));
    let verdicts = join_all(checks).await;
    assert!(
        verdicts
            .iter()
            .any(|verdict| matches!(verdict, Err(Unavailable::Busy)))
    );
    assert!(!verdicts.iter().any(|verdict| matches!(verdict, Ok(true))));
    assert!(
        verifier
            .verify("r", &users, &alice, b"secret")
            .await
            .unwrap()
    );
}

#[actix_rt::test]
async fn whoever_is_unknown_is_wrong_with_every_password() {
    let verifier = Verifier::start(LIMITS, None).unwrap();
    let users = file("secret", 4);
    for _ in 0..2 {
        assert!(
            !verifier
                .verify("r", &users, &name("bob"), b"secret")
                .await
                .unwrap()
        );
        assert!(
            verifier
                .verify("r", &users, &name("alice"), b"secret")
                .await
                .unwrap()
        );
    }
}

#[test]
fn an_unknown_name_costs_the_same_after_a_restart() {
    let start = |lasting| Verifier::start(LIMITS, lasting).unwrap();
    let (one, two, other) = (start(Some(b"a")), start(Some(b"a")), start(Some(b"b")));
    let bob = name("bob");
    assert_eq!(one.point("r", &bob), two.point("r", &bob));
    assert_ne!(one.point("r", &bob), one.point("s", &bob));
    assert_ne!(one.point("r", &bob), other.point("r", &bob));
}

#[test]
fn a_check_is_filed_under_all_it_depends_on() {
    let verifier = Verifier::start(LIMITS, None).unwrap();
    let (one, two) = (file("a", 4), file("a", 4));
    let [one, two] = [&one, &two].map(|file| Stored::Entry(file.get(b"alice").unwrap()));
    let copy = one.hash().unwrap();
    let copy = Stored::StandIn(&copy);
    let key = |realm, user, stored, password: &str| {
        verifier.key(realm, &name(user), stored, password.as_bytes())
    };
    let all = [
        key("r", "alice", &one, "pw"),
        key("s", "alice", &one, "pw"),
        key("r", "bob", &one, "pw"),
        key("ra", "lice", &one, "pw"),
        key("r", "alice", &two, "pw"),
        key("r", "alice", &copy, "pw"),
        key("r", "alice", &one, "pW"),
    ];
    for (i, a) in all.iter().enumerate() {
        assert!(
            !all[..i].contains(a),
            "no. {i} is filed under another's key"
        );
    }
}
