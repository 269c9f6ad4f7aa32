//! Many at once: what is equal is hashed once, what is known doesn't wait, and too much is no yes.
//!
//! Nothing here holds a time against a clock on the wall: a machine is compared with itself.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::helpers::{CONFIG, Site, eventually, user};
use crate::http::{basic, get};

/// A service with users whose passwords, "p", cost what they cost in earnest.
fn site(names: &[&str]) -> Site {
    let mut site = Site::prepare(CONFIG);
    let hash = user(("", "p"), 10);
    let file: Vec<String> = names.iter().map(|name| format!("{name}{hash}")).collect();
    site.write("users.htpasswd", &file.concat());
    site.serve("htgate.toml");
    site
}

/// The status for each of these passwords of a user, all asked at once, with `X-Auth-Status`.
fn at_once(site: &Site, endpoint: &str, asked: &[(&str, &str)]) -> Vec<(u16, String)> {
    thread::scope(|scope| {
        let askers: Vec<_> = asked
            .iter()
            .map(|who| {
                let mut connection = site.connect();
                let request = get(endpoint, &[("Authorization", &basic(*who))]);
                scope.spawn(move || {
                    let answer = connection.ask(&request);
                    (answer.status, answer.all("X-Auth-Status").concat())
                })
            })
            .collect();
        askers
            .into_iter()
            .map(|asker| asker.join().unwrap())
            .collect()
    })
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let started = Instant::now();
    let done = work();
    (started.elapsed(), done)
}

#[test]
fn equal_first_requests_are_hashed_once() {
    let site = site(&["single", "alice", "bob"]);
    let (single, status) = timed(|| site.status_for(("single", "p")));
    assert_eq!(status, 200);
    for (who, expected) in [(("alice", "p"), 200), (("bob", "wrong"), 401)] {
        let (all, answers) = timed(|| at_once(&site, "/auth-request/members", &[who; 100]));
        assert_eq!(answers, vec![(expected, String::new()); 100], "{who:?}");
        assert!(
            all * 10 < single * 100,
            "{who:?}: 100 took {all:?}, one takes {single:?}"
        );
    }
}

#[test]
fn who_is_known_does_not_wait_behind_guesses() {
    let site = site(&["warm", "alice"]);
    let key = site.done(&["key", "create", "--realm", "intranet", "--name", "k"]);
    assert_eq!(site.status_for(("warm", "p")), 200);
    let guesses: Vec<String> = (0..40).map(|n| format!("guess {n}")).collect();
    let guesses: Vec<(&str, &str)> = guesses.iter().map(|guess| ("alice", &**guess)).collect();
    let answered = AtomicUsize::new(0);
    thread::scope(|scope| {
        for guess in &guesses {
            scope.spawn(|| {
                let status = site.status_for(*guess);
                answered.fetch_add(1, Ordering::Relaxed);
                assert!(matches!(status, 401 | 403), "{status}");
            });
        }
        // They are queueing when the first of them has its answer.
        assert!(eventually(Duration::from_secs(20), || answered
            .load(Ordering::Relaxed)
            > 0));
        let before = answered.load(Ordering::Relaxed);
        let mut connection = site.connect();
        let bearer = format!("Bearer {key}");
        for _ in 0..50 {
            for authorization in [&basic(("warm", "p")), &bearer] {
                let ask = get("/auth-request/members", &[("Authorization", authorization)]);
                assert_eq!(connection.ask(&ask).status, 200);
            }
        }
        let meanwhile = answered.load(Ordering::Relaxed) - before;
        assert!(
            meanwhile < 10,
            "100 answers for the known took as long as {meanwhile} hashes"
        );
    });
}

#[test]
fn more_than_can_be_hashed_is_trouble_and_never_a_yes() {
    for (endpoint, busy) in [
        ("/auth-request/members", (403, "503".to_owned())),
        ("/forward-auth/members", (503, String::new())),
    ] {
        let site = site(&["alice", "late"]);
        let guesses: Vec<String> = (0..400).map(|n| format!("guess {n}")).collect();
        let mut asked: Vec<(&str, &str)> =
            guesses.iter().map(|guess| ("alice", &**guess)).collect();
        asked.push(("nobody", "p"));
        let answers = at_once(&site, endpoint, &asked);
        let refused = (401, String::new());
        for (answer, who) in answers.iter().zip(&asked) {
            assert!([&refused, &busy].contains(&answer), "{who:?}: {answer:?}");
        }
        assert!(answers.contains(&refused), "some are hashed");
        assert!(answers.contains(&busy), "some are too many");
        assert!(
            site.log().contains("waiting to be verified"),
            "the log says why"
        );
        // Afterwards it is as if nothing had been.
        assert!(eventually(Duration::from_secs(10), || site
            .status_for(("late", "p"))
            == 200));
        assert_eq!(site.status_for(("alice", "p")), 200);
    }
}

#[test]
fn a_request_in_flight_is_answered_before_the_service_ends() {
    let mut site = site(&["alice"]);
    let mut connection = site.connect();
    let request = get(
        "/auth-request/members",
        &[("Authorization", &basic(("alice", "p")))],
    );
    connection.send(&request);
    // Long enough to have been read, far too short to have been hashed.
    thread::sleep(Duration::from_millis(20));
    assert_eq!(site.stop(), Some(0));
    assert_eq!(connection.answer(&request).status, 200);
}
