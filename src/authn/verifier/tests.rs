use std::cell::RefCell;
use std::num::NonZeroU32;
use std::time::Instant;

use futures_util::future::join_all;

use super::*;
use crate::password_hash::hash_bcrypt;

const LIMITS: Limits = Limits {
    ttl: Duration::from_secs(60),
    capacity: 100,
    guesses: None,
};

/// Three guesses, and none more for the rest of any test.
const THREE: Limits = Limits {
    guesses: Some(Allowance {
        failures: NonZeroU32::new(3).unwrap(),
        window: Duration::from_secs(86_400),
    }),
    ..LIMITS
};

/// A file in which alice has this password at this cost.
fn file(password: &str, cost: u8) -> Htpasswd {
    let password = Password::new(Zeroizing::new(password.as_bytes().to_vec()));
    let hash = hash_bcrypt(&password, cost).unwrap();
    parse(&format!("alice:{hash}\n"))
}

fn parse(text: &str) -> Htpasswd {
    Htpasswd::parse(text.as_bytes(), WeakFormats::NONE).unwrap()
}

fn name(raw: &str) -> Username {
    Username::parse(raw.as_bytes()).unwrap()
}

fn start(limits: Limits) -> Verifier {
    Verifier::start(limits, None).unwrap()
}

/// What a proxy that tells no address says.
fn untold() -> Result<IpAddr, Defect> {
    Err(Defect::Missing("X-Real-IP"))
}

/// The answer to an attempt: "yes", "no", or why there is none.
async fn attempt(
    verifier: &Verifier,
    users: &Htpasswd,
    user: &str,
    password: &str,
    client: &str,
) -> &'static str {
    let client = || client.parse().map_err(|_| Defect::Malformed("X-Real-IP"));
    let user = name(user);
    match verifier
        .verify("r", users, &user, password.as_bytes(), &client)
        .await
    {
        Ok(true) => "yes",
        Ok(false) => "no",
        Err(Unavailable::Throttled(_)) => "throttled",
        Err(Unavailable::Busy) => "busy",
        Err(Unavailable::Client(_)) => "client",
        Err(Unavailable::Store(_)) => "store",
    }
}

#[actix_rt::test]
async fn a_verified_password_skips_its_hash_until_the_entry_changes() {
    let verifier = start(LIMITS);
    let (old, new, alice) = (file("old", 11), file("new", 4), name("alice"));
    let verify = |users, password| verifier.verify("r", users, &alice, password, &untold);
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
    let verifier = start(LIMITS);
    let (users, alice) = (file("secret", 11), name("alice"));
    let started = Instant::now();
    verifier
        .verify("r", &users, &alice, b"first", &untold)
        .await
        .unwrap();
    let one = started.elapsed();
    let started = Instant::now();
    let checks = (0..100).map(|_| verifier.verify("r", &users, &alice, b"secret", &untold));
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
    let verifier = start(LIMITS);
    let (users, alice) = (file("secret", 8), name("alice"));
    let guesses: Vec<String> = (0..1000).map(|n| n.to_string()).collect();
    let checks = guesses
        .iter()
        .map(|guess| verifier.verify("r", &users, &alice, guess.as_bytes(), &untold));
    let verdicts = join_all(checks).await;
    assert!(
        verdicts
            .iter()
            .any(|verdict| matches!(verdict, Err(Unavailable::Busy)))
    );
    assert!(!verdicts.iter().any(|verdict| matches!(verdict, Ok(true))));
    assert!(
        verifier
            .verify("r", &users, &alice, b"secret", &untold)
            .await
            .unwrap()
    );
}

#[actix_rt::test]
async fn whoever_is_unknown_is_wrong_with_every_password() {
    let verifier = start(LIMITS);
    let users = file("secret", 4);
    for _ in 0..2 {
        assert!(
            !verifier
                .verify("r", &users, &name("bob"), b"secret", &untold)
                .await
                .unwrap()
        );
        assert!(
            verifier
                .verify("r", &users, &name("alice"), b"secret", &untold)
                .await
                .unwrap()
        );
    }
}

/// `{SHA}` of "secret", which is verified at once, and bcrypt, which waits for a thread.
fn cheap_and_dear() -> [Htpasswd; 2] {
    [
        parse("alice:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n"),
        file("secret", 4),
    ]
}

const GUESSER: &str = "192.0.2.66";
const HOME: &str = "192.0.2.1";

#[actix_rt::test]
async fn guesses_are_limited_for_network_and_user_together() {
    for users in cheap_and_dear() {
        for user in ["alice", "nobody"] {
            let verifier = start(THREE);
            for (password, client, expected) in [
                ("1", GUESSER, "no"),
                ("2", GUESSER, "no"),
                ("3", GUESSER, "no"),
                ("4", GUESSER, "throttled"),
                ("secret", GUESSER, "throttled"), // or it would be no limit
                ("4", HOME, "no"),
            ] {
                let answer = attempt(&verifier, &users, user, password, client).await;
                assert_eq!(answer, expected, "{user} {password} {client}");
            }
            assert_eq!(
                attempt(&verifier, &users, "other", "1", GUESSER).await,
                "no"
            );
        }
        let verifier = start(THREE);
        for guess in ["1", "2", "3", "4"] {
            attempt(&verifier, &users, "alice", guess, GUESSER).await;
        }
        let victim = attempt(&verifier, &users, "alice", "secret", HOME).await;
        assert_eq!(victim, "yes", "nobody locks her out");
    }
}

#[actix_rt::test]
async fn the_same_wrong_password_counts_once() {
    for users in cheap_and_dear() {
        let verifier = start(THREE);
        let again = (0..50).map(|_| attempt(&verifier, &users, "alice", "old", HOME));
        assert_eq!(join_all(again).await, ["no"; 50]);
        for (password, expected) in [("1", "no"), ("2", "no"), ("old", "no"), ("3", "throttled")] {
            let answer = attempt(&verifier, &users, "alice", password, HOME).await;
            assert_eq!(answer, expected, "{password}");
        }
    }
}

#[actix_rt::test]
async fn a_right_password_clears_the_score_of_its_network() {
    for users in cheap_and_dear() {
        let verifier = start(THREE);
        for password in ["typo", "other typo", "secret", "1", "2", "3"] {
            let answer = attempt(&verifier, &users, "alice", password, HOME).await;
            let expected = if password == "secret" { "yes" } else { "no" };
            assert_eq!(answer, expected, "{password}");
        }
        assert_eq!(
            attempt(&verifier, &users, "alice", "4", HOME).await,
            "throttled"
        );
    }
}

#[actix_rt::test]
async fn who_was_right_before_is_no_guesser_even_beside_one() {
    let moment = Duration::from_millis(50);
    for users in cheap_and_dear() {
        let verifier = start(Limits {
            ttl: moment,
            ..THREE
        });
        assert_eq!(
            attempt(&verifier, &users, "alice", "secret", HOME).await,
            "yes"
        );
        for guess in ["1", "2", "3"] {
            assert_eq!(attempt(&verifier, &users, "alice", guess, HOME).await, "no");
        }
        actix_rt::time::sleep(moment * 2).await;
        for (password, expected) in [("4", "throttled"), ("secret", "yes"), ("5", "throttled")] {
            let answer = attempt(&verifier, &users, "alice", password, HOME).await;
            assert_eq!(answer, expected, "{password}");
        }
        // With another entry, what was right is a guess like any other.
        let changed = file("new", 4);
        let answer = attempt(&verifier, &changed, "alice", "secret", HOME).await;
        assert_eq!(answer, "throttled");
    }
}

#[actix_rt::test]
async fn what_is_remembered_of_one_network_helps_no_guesser_in_another() {
    for users in cheap_and_dear() {
        let verifier = start(THREE);
        assert_eq!(
            attempt(&verifier, &users, "alice", "secret", HOME).await,
            "yes"
        );
        for (password, expected) in [
            ("1", "no"),
            ("2", "no"),
            ("3", "no"),
            ("4", "throttled"),
            ("secret", "throttled"),
        ] {
            let answer = attempt(&verifier, &users, "alice", password, GUESSER).await;
            assert_eq!(answer, expected, "{password}");
        }
        assert_eq!(
            attempt(&verifier, &users, "alice", "secret", HOME).await,
            "yes"
        );
    }
}

#[actix_rt::test]
async fn a_neighbour_who_goes_on_and_on_is_barred_even_from_what_is_remembered() {
    for users in cheap_and_dear() {
        let verifier = start(THREE);
        let mut rights = Vec::new();
        for guess in 0..100 {
            rights.push(attempt(&verifier, &users, "alice", "secret", HOME).await);
            attempt(&verifier, &users, "alice", &guess.to_string(), HOME).await;
        }
        let passed = rights.iter().take_while(|answer| **answer == "yes").count();
        // Three wrong ones, and ten times as many that were refused.
        assert_eq!(passed, 3 + 30 + 1);
        assert!(rights[passed..].iter().all(|answer| *answer == "throttled"));
        // No answer shows which one is remembered: not the right one, nor a wrong one.
        let wait = async |password: &'static [u8]| {
            let client = || Ok(HOME.parse().unwrap());
            let alice = name("alice");
            let verdict = verifier.verify("r", &users, &alice, password, &client);
            match verdict.await {
                Err(Unavailable::Throttled(wait)) => wait.as_secs() / 60,
                verdict => panic!("{verdict:?}"),
            }
        };
        assert_eq!(wait(b"secret").await, wait(b"never tried").await);
        assert_eq!(wait(b"secret").await, wait(b"0").await);
        assert_eq!(
            attempt(&verifier, &users, "alice", "secret", GUESSER).await,
            "yes"
        );
    }
}

#[actix_rt::test]
async fn an_address_that_is_not_told_limits_nobody_and_a_bad_one_is_trouble() {
    for users in cheap_and_dear() {
        let verifier = start(THREE);
        let alice = name("alice");
        for guess in 0..20 {
            let guess = guess.to_string();
            let verdict = verifier.verify("r", &users, &alice, guess.as_bytes(), &untold);
            assert!(!verdict.await.unwrap());
        }
        assert_eq!(
            attempt(&verifier, &users, "alice", "secret", "junk").await,
            "client"
        );
    }
}

#[actix_rt::test]
async fn a_newcomer_waits_behind_one_guess_not_behind_all() {
    let verifier = start(LIMITS);
    let users = file("secret", 8);
    let order = RefCell::new(Vec::new());
    let ask = async |user: &str, password: String, client: &str| {
        let answer = attempt(&verifier, &users, user, &password, client).await;
        order.borrow_mut().push((user.to_owned(), answer));
    };
    let flood = (0..60).map(|n| ask("nobody", n.to_string(), GUESSER));
    let newcomer = ask("alice", "secret".to_owned(), HOME);
    futures_util::future::join(join_all(flood), newcomer).await;
    let order = order.into_inner();
    let place = order.iter().position(|(user, _)| user == "alice").unwrap();
    assert_eq!(order[place].1, "yes");
    // Each thread may have begun with a guess, and one more has its turn before.
    let threads = std::thread::available_parallelism().unwrap().get();
    assert!(place <= 2 * threads, "{place} of {}", order.len());
}

#[actix_rt::test]
async fn a_newcomer_finds_room_in_a_queue_that_is_full_of_guesses() {
    let verifier = start(LIMITS);
    let users = file("secret", 8);
    let guesses: Vec<String> = (0..1000).map(|n| n.to_string()).collect();
    let flood = guesses
        .iter()
        .map(|guess| attempt(&verifier, &users, "nobody", guess, GUESSER));
    let newcomer = attempt(&verifier, &users, "alice", "secret", HOME);
    let (flood, newcomer) = futures_util::future::join(join_all(flood), newcomer).await;
    assert!(flood.contains(&"busy"));
    assert_eq!(newcomer, "yes");
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
    let home = Source::of("192.0.2.1".parse().unwrap());
    let key = |source, realm, user, stored, password: &str| {
        verifier.key(source, realm, &name(user), stored, password.as_bytes())
    };
    let all = [
        key(home, "r", "alice", &one, "pw"),
        key(home, "s", "alice", &one, "pw"),
        key(home, "r", "bob", &one, "pw"),
        key(home, "ra", "lice", &one, "pw"),
        key(home, "r", "alice", &two, "pw"),
        key(home, "r", "alice", &copy, "pw"),
        key(home, "r", "alice", &one, "pW"),
        key(Source::Untold, "r", "alice", &one, "pw"),
    ];
    for (i, a) in all.iter().enumerate() {
        assert!(
            !all[..i].contains(a),
            "no. {i} is filed under another's key"
        );
    }
}

#[test]
fn an_attempt_is_scored_by_network_realm_and_user_together() {
    let verifier = start(LIMITS);
    let score = |client: &str, realm, user| {
        let source = Source::of(client.parse().unwrap());
        verifier.score(source, realm, &name(user)).unwrap()
    };
    let all = [
        score(HOME, "r", "alice"),
        score(GUESSER, "r", "alice"),
        score("2001:db8::1", "r", "alice"),
        score(HOME, "s", "alice"),
        score(HOME, "r", "bob"),
        score(HOME, "ra", "lice"),
    ];
    for (i, a) in all.iter().enumerate() {
        assert!(!all[..i].contains(a), "no. {i} has another's score");
    }
    assert_eq!(score("2001:db8::2", "r", "alice"), all[2]);
    assert_eq!(verifier.score(Source::Untold, "r", &name("alice")), None);
}
