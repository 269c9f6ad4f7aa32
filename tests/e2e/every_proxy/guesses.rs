//! Somebody guesses at a user's password; the user, elsewhere, doesn't notice.

use std::net::IpAddr;

use super::assert_refused;
use crate::harness::{
    http::{Connection, Response, request},
    site::{ALICE, BOB, Site, basic, every_site},
};

/// As many as `[throttle] failures` of every site.
const FAILURES: usize = 10;

/// Asks from one of this machine's addresses, by the name that the client gives itself.
fn ask_from(from: &str, site: &Site, who: (&str, &str)) -> Response {
    let authorization = basic(who);
    let headers = [
        ("Host", site.front.host()),
        ("Authorization", &authorization),
        // None of these is where the client is.
        ("X-Real-IP", who.1),
        ("X-Forwarded-For", "198.51.100.7"),
        ("Forwarded", "for=198.51.100.8"),
    ];
    let from: IpAddr = from.parse().unwrap();
    Connection::open_from(from, site.proxy.address)
        .ask(&request("GET", "/staff/x", &headers, b""))
        .unwrap()
}

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn too_many_guesses_are_429_with_the_time_to_wait() {
    let (guesser, home) = ("127.0.0.66", "127.0.0.2");
    for site in every_site() {
        for number in 0..FAILURES {
            let guess = format!("198.51.100.{number}");
            let refused = ask_from(guesser, &site, ("alice", &guess));
            assert_refused(&site, 401, &refused);
        }
        // Among them the right one: otherwise it would be no limit.
        for guess in ["another", ALICE.1] {
            let refused = ask_from(guesser, &site, ("alice", guess));
            assert_refused(&site, 429, &refused);
            let wait: u64 = refused.one("Retry-After").parse().unwrap();
            assert!((1..=6).contains(&wait), "{wait} s");
            assert_eq!(refused.all("WWW-Authenticate"), [""; 0]);
            assert_eq!(refused.all("Cache-Control"), ["no-store"]);
        }
        // An equal one is known already, and tells nothing new.
        let again = ask_from(guesser, &site, ("alice", "198.51.100.0"));
        assert_refused(&site, 401, &again);

        assert_eq!(ask_from(home, &site, ALICE).status, 200, "she is elsewhere");
        // A neighbour of the guesser, who is known, if not of the group.
        assert_eq!(ask_from(guesser, &site, BOB).status, 403);
        // What is known from there helps nobody here.
        assert_eq!(ask_from(guesser, &site, ALICE).status, 429);
        assert!(site.htgate.log().contains("too many wrong passwords"));
    }
}

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn a_client_that_repeats_itself_or_shows_nothing_is_no_guesser() {
    for site in every_site() {
        for _ in 0..3 * FAILURES {
            assert_eq!(site.status_for(("alice", "old password")), 401);
            assert_eq!(site.proxy.get("/staff/x", &[]).status, 401);
        }
        assert_eq!(site.status_for(ALICE), 200);
    }
}
