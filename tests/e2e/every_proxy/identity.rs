//! What the application is told of who it is, and what no client can make it believe.

use super::{SPOOFED, assert_refused};
use crate::harness::{
    origin::Received,
    site::{ALICE, BOB, basic, every_site},
};

const IDENTITY: [&str; 6] = [
    "X-Auth-User",
    "X-Auth-Groups",
    "X-Auth-Scopes",
    "X-Auth-Method",
    "X-Auth-Realm",
    "X-Auth-Key",
];

/// What a client could say to be judged as another request.
const DESCRIBED: [(&str, &str); 8] = [
    ("X-Original-URI", "/public/x"),
    ("X-Original-Method", "OPTIONS"),
    ("X-Original-Host", "open.example"),
    ("X-Forwarded-Uri", "/public/x"),
    ("X-Forwarded-Method", "OPTIONS"),
    ("X-Forwarded-Host", "open.example"),
    ("X-Forwarded-For", "192.0.2.1"),
    ("X-Real-IP", "192.0.2.1"),
];

fn identity_of(seen: &Received) -> [Vec<&str>; 6] {
    IDENTITY.map(|name| seen.all(name))
}

fn assert_no_credentials(seen: &Received) {
    for name in ["Authorization", "X-API-Key"] {
        assert_eq!(seen.all(name), [""; 0], "{name}: {seen:?}");
    }
}

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn the_application_hears_who_it_is_and_nothing_the_client_made_up() {
    for site in every_site() {
        let authorization = basic(ALICE);
        let headers = [&[("Authorization", authorization.as_str())], &SPOOFED[..]].concat();
        assert_eq!(site.proxy.get("/staff/x?a=1", &headers).status, 200);

        let seen = site.application.take_one();
        assert_eq!(seen.target, "/staff/x?a=1");
        let expected = ["alice", "staff", "-", "basic", "intranet", "-"].map(|value| vec![value]);
        assert_eq!(identity_of(&seen), expected);
        assert_no_credentials(&seen);
        let spoofed: Vec<_> = seen
            .headers
            .iter()
            .filter(|(_, value)| value.contains("spoofed"))
            .collect();
        assert!(spoofed.is_empty(), "{spoofed:?}");
    }
}

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn a_key_opens_what_its_scope_allows_in_each_place_a_client_may_put_it() {
    for site in every_site() {
        let key = site.htgate.create_key("robot", "staff");
        let other = site.htgate.create_key("toaster", "toast");
        let password = basic(("apikey", &key));
        for (name, value) in [
            ("X-API-Key", key.as_str()),
            ("Authorization", &format!("Bearer {key}")),
            ("Authorization", &format!("ApiKey {key}")),
            ("Authorization", &password),
        ] {
            assert_eq!(
                site.proxy.get("/staff/x", &[(name, value)]).status,
                200,
                "{name}: {value}"
            );
            let seen = site.application.take_one();
            let [user, groups, scopes, method, realm, id] = identity_of(&seen);
            assert_eq!([user, groups, scopes], [["robot"], ["-"], ["staff"]]);
            assert_eq!([method, realm], [["api-key"], ["intranet"]]);
            assert!(
                id.len() == 1 && key.contains(id[0]) && id[0] != "-",
                "{id:?}"
            );
            assert_no_credentials(&seen);
        }
        assert_refused(
            &site,
            403,
            &site.proxy.get("/staff/x", &[("X-API-Key", &other)]),
        );
    }
}

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn a_client_cannot_describe_another_request_than_its_own() {
    for site in every_site() {
        assert_refused(&site, 401, &site.proxy.get("/staff/x", &DESCRIBED));

        let authorization = basic(BOB);
        let headers = [&[("Authorization", authorization.as_str())], &DESCRIBED[..]].concat();
        assert_refused(&site, 403, &site.proxy.get("/staff/x", &headers));
    }
}

/// Applications that read headers through CGI's rules take these for the real ones, as in Caddy
/// GHSA-f59h-q822-g45g.
#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn an_identity_header_with_underscores_does_not_arrive() {
    for site in every_site() {
        for name in ["X_Auth_User", "Remote_User"] {
            let response = site.proxy.get(
                "/staff/x",
                &[("Authorization", &basic(ALICE)), (name, "spoofed")],
            );
            assert!(matches!(response.status, 200 | 400), "{response:?}");
            for seen in site.application.take() {
                assert!(!format!("{seen:?}").contains("spoofed"), "{seen:?}");
            }
        }
    }
}
