//! Headers of a client's that were believed, kept, or able to take others away.

use std::path::Path;

use super::{ENDPOINTS, direct, make_no_difference, stays_closed, through};
use crate::{
    every_proxy::SPOOFED,
    harness::{
        http::{Connection, request},
        origin::{Origin, answer},
        proxy::{Behind, Front, Proxy},
        site::{ALICE, BOB, basic, every_site, htgate},
    },
};

/// oauth2-proxy GHSA-5hvv-m4w4-gf6v (CVE-2026-34457): a health checker's User-Agent was let in.
#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn a_health_checker_is_a_client_like_any_other() {
    make_no_difference(&[
        &[("User-Agent", "GoogleHC/1.0")],
        &[("User-Agent", "kube-probe/1.31")],
        &[("User-Agent", "ELB-HealthChecker/2.0")],
    ]);
}

/// Caddy GHSA-7r4p-vjf4-gxv4: where the answer lacked an identity header, the client's own stayed.
#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn an_answer_without_identity_leaves_none_of_the_clients_own() {
    for front in Front::ALL {
        let (silent, application) = (
            Origin::start(|_| answer(200, &[], "")),
            Origin::application(),
        );
        let behind = Behind {
            htgate: silent.address,
            socket: Path::new("/nowhere/htgate.sock"),
            application: application.address,
        };
        let proxy = Proxy::start(front, &behind);
        proxy.get("/staff/x", &SPOOFED);
        for seen in application.take() {
            assert!(
                !format!("{seen:?}").contains("spoofed"),
                "{front:?}: {seen:?}"
            );
        }
    }
    // Ours doesn't lack any, whoever it is about.
    for site in every_site().filter(|site| site.front.host() == "app.example") {
        let authorization = basic(BOB);
        let bob = [&[("Authorization", authorization.as_str())], &SPOOFED[..]].concat();
        for (target, headers, user) in [("/x", &bob[..], "bob"), ("/public/x", &SPOOFED[..], "-")] {
            assert_eq!(site.proxy.get(target, headers).status, 200);
            let seen = site.application.take_one();
            assert_eq!(seen.all("X-Auth-User"), [user]);
            assert_eq!(seen.all("X-Auth-Groups"), ["-"]);
        }
    }
}

/// Traefik CVE-2026-39858 (GHSA-5m6w-wvh7-57vm) and its sequel: spellings with underscores, then
/// with dots, passed for the headers that the proxy writes.
#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn a_header_that_is_spelt_alike_describes_nothing_and_names_nobody() {
    let describing = [
        ("X_Forwarded_Uri", "/public/x"),
        ("X.Forwarded.Uri", "/public/x"),
        ("X_Original_URI", "/public/x"),
        ("X.Original.URI", "/public/x"),
    ];
    stays_closed(&["/staff/x"], &describing);
    let htgate = htgate();
    for endpoint in 0..ENDPOINTS.len() {
        assert_ne!(direct(&htgate, endpoint, None, &describing), 200);
        assert_eq!(
            direct(
                &htgate,
                endpoint,
                Some("/public/x"),
                &[("X_Forwarded_Uri", "/staff/x")]
            ),
            200
        );
    }
    for site in every_site() {
        for name in [
            "X_Auth_User",
            "X.Auth.User",
            "X-Auth_User",
            "Remote.User",
            "X.Remote.User",
            "X_Webauth_User",
            "X.Forwarded.User",
        ] {
            let headers = [("Authorization", &*basic(ALICE)), (name, "spoofed")];
            through(&site, "/staff/x", &headers);
            for seen in site.application.take() {
                assert!(!format!("{seen:?}").contains("spoofed"), "{seen:?}");
            }
        }
    }
}

/// Traefik CVE-2026-35051 (GHSA-6384-m2mw-rf54): `X-Forwarded-Prefix` was the client's.
#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn no_prefix_is_put_before_the_path_that_is_judged() {
    make_no_difference(&[&[("X-Forwarded-Prefix", "/public")]]);
}

/// Traefik CVE-2026-54764 (GHSA-3q9r-p662-5j8m): the port was taken from the request before it was
/// cleaned.
#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn the_port_decides_nothing() {
    let ports = ["81", "8443", "0", "-1", "443, 80", "/public/x"];
    let ports = ports.map(|port| [("X-Forwarded-Port", port)]);
    make_no_difference(&ports.each_ref().map(|port| &port[..]));
    let htgate = htgate();
    for (host, status) in [
        ("app.example:80", 401),
        ("app.example:65535", 401),
        ("app.example:", 401),
        ("app.example:65536", 403),
        ("app.example:80/public", 403),
        ("open.example:app.example", 403),
    ] {
        let named = [
            ("Host", "htgate"),
            ("X-Original-Method", "GET"),
            ("X-Original-Host", host),
            ("X-Original-URI", "/staff/x"),
        ];
        let question = request("GET", "/auth-request", &named, b"");
        let answer = Connection::open(htgate.address).ask(&question).unwrap();
        assert_eq!(answer.status, status, "{host}");
    }
}

/// Traefik CVE-2024-45410: headers that `Connection` names were taken out of the question.
#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn connection_takes_no_part_of_the_description_away() {
    let described = "X-Forwarded-Uri, X-Forwarded-Host, X-Forwarded-Method, X-Forwarded-For, \
                     X-Original-URI, X-Original-Host, X-Original-Method, X-Real-IP";
    // Nor of what the application is told.
    let told = "X-Auth-User, close, x-auth-groups";
    make_no_difference(&[&[("Connection", described)], &[("Connection", told)]]);
}
