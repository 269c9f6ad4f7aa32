//! What only nginx needs: statuses it cannot relay by itself, and the ways to hold its files wrong.

use crate::{
    every_proxy::{SPOOFED, assert_refused},
    harness::{
        origin::{Origin, answer},
        proxy::{Behind, Front, Proxy},
        shipped::Shipped,
        site::{ALICE, Site, basic, htgate},
    },
};

/// htgate and the application behind nginx, one of the shipped files changed.
fn site_with(file: &'static str, documented: &'static str, ours: &'static str) -> Site {
    let (htgate, application) = (htgate(), Origin::application());
    let socket = htgate.socket();
    let behind = Behind {
        htgate: htgate.address,
        socket: &socket,
        application: application.address,
    };
    let change = |name: &str, text: Shipped| {
        if name == file {
            text.put(documented, ours)
        } else {
            text
        }
    };
    let front = Front::Nginx;
    let proxy = Proxy::nginx(front, &behind, change);
    Site {
        front,
        proxy,
        htgate,
        application,
    }
}

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn each_answer_of_htgate_becomes_what_it_means() {
    let (challenge, wait) = (
        ("WWW-Authenticate", "Basic realm=\"r\""),
        ("Retry-After", "7"),
    );
    let cases: [(_, &[_], _); 10] = [
        (401, &[challenge], 401),
        (401, &[challenge, ("X-Auth-Status", "429")], 401), // what is a challenge stays one
        (403, &[], 403),
        (403, &[("X-Auth-Status", "400")], 400),
        (403, &[("X-Auth-Status", "429"), wait], 429),
        (403, &[("X-Auth-Status", "503")], 503),
        (403, &[("X-Auth-Status", "200")], 403), // no status but the three
        (302, &[("Location", "/elsewhere")], 503),
        (404, &[], 503),
        (500, &[], 503),
    ];
    for (said, headers, expected) in cases {
        let application = Origin::application();
        let bytes = answer(said, headers, "");
        let service = Origin::start(move |_| bytes.clone());
        let nowhere = std::path::Path::new("/nowhere/htgate.sock");
        let behind = Behind {
            htgate: service.address,
            socket: nowhere,
            application: application.address,
        };
        let proxy = Proxy::start(Front::Nginx, &behind);
        let response = proxy.get("/staff/x", &[("Authorization", &basic(ALICE))]);
        assert_eq!(response.status, expected, "{said} {headers:?}");
        assert!(application.take().is_empty(), "{said} {headers:?}");
        let challenges = if expected == 401 {
            vec![challenge.1]
        } else {
            vec![]
        };
        assert_eq!(response.all("WWW-Authenticate"), challenges);
        let waits = if expected == 429 {
            vec![wait.1]
        } else {
            vec![]
        };
        assert_eq!(response.all("Retry-After"), waits);
    }
}

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn a_request_that_is_not_described_is_a_mistake_and_no_guess() {
    let line = "proxy_set_header X-Original-URI $request_uri;";
    let site = site_with("htgate-location.conf", line, "");
    let spoofed = [
        ("Authorization", &*basic(ALICE)),
        ("X-Original-URI", "/public/x"),
        ("X-Forwarded-Uri", "/public/x"),
    ];
    for target in ["/staff/x", "/public/x"] {
        assert_refused(&site, 400, &site.proxy.get(target, &spoofed));
    }
    assert!(
        site.htgate.log().to_lowercase().contains("x-original-uri"),
        "the log names it: {}",
        site.htgate.log()
    );
}

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn a_server_that_does_not_say_whom_to_ask_refuses_everything() {
    let line = "set $htgate_endpoint http://htgate/auth-request;";
    let site = site_with("example.conf", line, "");
    assert_refused(
        &site,
        503,
        &site
            .proxy
            .get("/public/x", &[("Authorization", &basic(ALICE))]),
    );
}

/// An error page with "=" makes a 200 of what it replaces: in the subrequest, that would be a yes.
#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn an_error_page_of_the_server_does_not_open_it() {
    let mut site = site_with(
        "example.conf",
        "server_name app.example;",
        "server_name app.example; error_page 401 403 500 502 503 504 =200 /sorry; \
         proxy_intercept_errors on; location = /sorry { return 200 sorry; }",
    );
    assert_refused(&site, 401, &site.proxy.get("/staff/x", &[]));
    site.htgate.stop();
    assert_refused(
        &site,
        503,
        &site
            .proxy
            .get("/staff/x", &[("Authorization", &basic(ALICE))]),
    );
}

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn an_exempt_location_needs_no_htgate_and_passes_on_no_identity() {
    let mut site = Site::start(Front::Nginx);
    site.htgate.stop();
    let headers = [
        &[
            ("Authorization", "Bearer spoofed"),
            ("X-API-Key", "spoofed"),
        ],
        &SPOOFED[..],
    ]
    .concat();
    assert_eq!(site.proxy.get("/health", &headers).status, 200);
    let seen = site.application.take_one();
    assert!(!format!("{seen:?}").contains("spoofed"), "{seen:?}");
}

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn nobody_asks_htgate_from_outside() {
    let site = Site::start(Front::Nginx);
    assert_refused(
        &site,
        404,
        &site
            .proxy
            .get("/_htgate", &[("Authorization", &basic(ALICE))]),
    );
}

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn a_host_that_nobody_configured_is_not_served() {
    let site = Site::start(Front::Nginx);
    let target = "http://other.example/public/x";
    assert_refused(
        &site,
        421,
        &site.proxy.get(target, &[("Authorization", &basic(ALICE))]),
    );
}
