//! What holds behind every proxy, by whatever way it reaches htgate.

use std::{
    process::Command,
    thread,
    time::{Duration, Instant},
};

use crate::harness::{
    eventually,
    http::{Connection, PATIENCE, Response, request},
    origin::{Origin, Received},
    proxy::{Behind, Front, Proxy},
    relay::Relay,
    site::{ALICE, BOB, Site, basic, every_site, htgate, htgate_with},
};

const IDENTITY: [&str; 6] = [
    "X-Auth-User",
    "X-Auth-Groups",
    "X-Auth-Scopes",
    "X-Auth-Method",
    "X-Auth-Realm",
    "X-Auth-Key",
];

/// What a client could say to pass for somebody else.
pub(crate) const SPOOFED: [(&str, &str); 14] = [
    ("X-Auth-User", "spoofed"),
    ("x-auth-groups", "spoofed"),
    ("X-Auth-Scopes", "spoofed"),
    ("X-Auth-Method", "spoofed"),
    ("X-Auth-Realm", "spoofed"),
    ("X-Auth-Key", "spoofed"),
    ("Remote-User", "spoofed"),
    ("Remote-Groups", "spoofed"),
    ("X-Remote-User", "spoofed"),
    ("X-Forwarded-User", "spoofed"),
    ("X-Webauth-User", "spoofed"),
    ("X-Original-URL", "/spoofed"),
    ("X-Rewrite-URL", "/spoofed"),
    ("Forwarded", "for=192.0.2.1;host=spoofed"),
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

fn assert_refused(site: &Site, status: u16, response: &Response) {
    assert_eq!(response.status, status, "{response:?}");
    assert_eq!(response.all("X-Upstream"), [""; 0], "{response:?}");
    assert!(
        site.application.take().is_empty(),
        "nothing reaches the application"
    );
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
fn who_shows_nothing_or_something_wrong_is_challenged() {
    for site in every_site() {
        for headers in [
            &[][..],
            &[("Authorization", basic(("alice", "wrong")).as_str())],
        ] {
            let response = site.proxy.get("/staff/x", headers);
            assert_refused(&site, 401, &response);
            let challenge = r#"Basic realm="Example intranet", charset="UTF-8""#;
            assert_eq!(response.all("WWW-Authenticate"), [challenge]);
        }
    }
}

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn who_is_known_but_not_of_the_group_is_forbidden() {
    for site in every_site() {
        let response = site
            .proxy
            .get("/staff/x", &[("Authorization", &basic(BOB))]);
        assert_refused(&site, 403, &response);
        assert_eq!(response.all("WWW-Authenticate"), [""; 0]);
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

/// Applications that read headers through CGI's rules take these for the real ones.
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

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn curl_answers_the_challenge_by_itself() {
    for site in every_site() {
        let (host, port) = (site.front.host(), site.proxy.address.port());
        let output = Command::new("curl")
            .args([
                "-q",
                "--noproxy",
                "*",
                "--silent",
                "--show-error",
                "--anyauth",
                "--max-time",
                "10",
            ])
            .args([
                "--user",
                "alice:correct horse",
                "--write-out",
                " %{http_code} %{num_connects}",
            ])
            .args(["--resolve", &format!("{host}:{port}:127.0.0.1")])
            .arg(format!("http://{host}:{port}/staff/x"))
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{output:?}");
        assert!(
            printed.starts_with("the application's own words 200"),
            "{printed}"
        );
        assert_eq!(site.application.take_one().all("X-Auth-User"), ["alice"]);
    }
}

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn a_changed_password_is_refused_in_its_old_form_within_a_second_and_never_again_accepted() {
    for site in every_site() {
        for _ in 0..3 {
            assert_eq!(site.status_for(ALICE), 200);
        }
        site.set_password(("alice", "a new one"));
        let limit = Duration::from_secs(1);
        assert!(
            eventually(limit, || site.status_for(ALICE) == 401),
            "the old password is refused"
        );
        let until = Instant::now() + Duration::from_secs(1);
        while Instant::now() < until {
            assert_eq!(site.status_for(("alice", "a new one")), 200);
            // Few enough not to be taken for guessing.
            thread::sleep(Duration::from_millis(300));
            assert_ne!(site.status_for(ALICE), 200);
        }
    }
}

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn a_revoked_key_is_refused_on_the_very_next_request() {
    for site in every_site() {
        for name in ["one", "two", "three"] {
            let key = site.htgate.create_key(name, "staff");
            for _ in 0..3 {
                assert_eq!(
                    site.proxy.get("/staff/x", &[("X-API-Key", &key)]).status,
                    200
                );
            }
            site.htgate.run(&["key", "revoke", name], "");
            site.application.take();
            assert_refused(
                &site,
                401,
                &site.proxy.get("/staff/x", &[("X-API-Key", &key)]),
            );
        }
    }
}

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn ten_requests_use_one_connection_to_htgate() {
    for front in Front::ALL {
        eprintln!("== {front:?}");
        let (htgate, application) = (htgate(), Origin::application());
        let socket = htgate.path("relay.sock");
        let relay = Relay::start(&socket, htgate.address);
        let behind = Behind {
            htgate: relay.address,
            socket: &socket,
            application: application.address,
        };
        let proxy = Proxy::start(front, &behind);
        for (headers, status) in [
            (&[][..], 401),
            (&[("Authorization", basic(ALICE).as_str())], 200),
        ] {
            for _ in 0..5 {
                assert_eq!(proxy.get("/staff/x", headers).status, status);
            }
        }
        assert_eq!(relay.connections(), 1);
    }
}

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn what_the_application_refuses_itself_stays_as_it_says() {
    for site in every_site() {
        for status in [400, 401, 403, 404, 429, 500, 503] {
            let response = site.proxy.get(
                &format!("/staff/status/{status}"),
                &[("Authorization", &basic(ALICE))],
            );
            assert_eq!(response.status, status);
            assert_eq!(response.text(), "the application's own words");
        }
    }
}

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn nothing_is_served_while_htgate_is_away_and_everything_once_it_is_back() {
    for mut site in every_site() {
        assert_eq!(site.status_for(ALICE), 200);
        site.application.take();

        site.htgate.stop();
        let response = site
            .proxy
            .get("/staff/x", &[("Authorization", &basic(ALICE))]);
        // Traefik and Caddy have a status of their own for it.
        let expected = if site.front.is_nginx() {
            503
        } else {
            response.status.clamp(500, 504)
        };
        assert_refused(&site, expected, &response);

        site.htgate.serve();
        assert_eq!(site.status_for(ALICE), 200);
    }
}

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn a_web_socket_opens_for_who_may_and_for_nobody_else() {
    for site in every_site() {
        let authorization = basic(ALICE);
        let upgrade = [
            ("Host", site.front.host()),
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        let mut stranger = Connection::open(site.proxy.address);
        assert_refused(
            &site,
            401,
            &stranger
                .ask(&request("GET", "/staff/ws", &upgrade, b""))
                .unwrap(),
        );

        let headers = [&upgrade[..], &[("Authorization", authorization.as_str())]].concat();
        let mut socket = Connection::open(site.proxy.address);
        let response = socket
            .ask(&request("GET", "/staff/ws", &headers, b""))
            .unwrap();
        assert_eq!(response.status, 101, "{response:?}");
        socket.send(b"over and back").unwrap();
        assert_eq!(socket.read_exactly(13).unwrap(), b"over and back");
        assert_eq!(site.application.take_one().all("X-Auth-User"), ["alice"]);
    }
}

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn a_large_body_announced_with_expect_arrives_whole_for_who_may() {
    let body: Vec<u8> = (0..=u8::MAX).cycle().take(1 << 20).collect();
    for site in every_site() {
        let authorization = basic(ALICE);
        let length = body.len().to_string();
        let announced = [
            ("Host", site.front.host()),
            ("Expect", "100-continue"),
            ("Content-Length", length.as_str()),
        ];
        let mut stranger = Connection::open(site.proxy.address);
        assert_refused(
            &site,
            401,
            &stranger
                .ask(&request("POST", "/staff/x", &announced, b""))
                .unwrap(),
        );

        let headers = [&announced[..], &[("Authorization", authorization.as_str())]].concat();
        let mut connection = Connection::open(site.proxy.address);
        connection.patience(PATIENCE * 2);
        connection
            .send(&request("POST", "/staff/x", &headers, b""))
            .unwrap();
        assert_eq!(connection.next_answer(false).unwrap().status, 100);
        connection.send(&body).unwrap();
        assert_eq!(connection.answer(false).unwrap().status, 200);
        let seen = site.application.take_one();
        assert_eq!(
            (seen.method.as_str(), seen.all("X-Auth-User")),
            ("POST", vec!["alice"])
        );
        assert!(
            seen.body == body,
            "{} bytes arrive, of {}",
            seen.body.len(),
            body.len()
        );
    }
}

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn who_guesses_is_told_to_wait() {
    for front in Front::ALL {
        eprintln!("== {front:?}");
        let htgate = htgate_with(|file| file.replace("failures = 10", "failures = 3"));
        let site = Site::start_with(front, htgate);
        for guess in ["a", "b", "c"] {
            assert_eq!(site.status_for(("alice", guess)), 401);
        }
        let response = site
            .proxy
            .get("/staff/x", &[("Authorization", &basic(("alice", "d")))]);
        assert_refused(&site, 429, &response);
        let seconds: u32 = response.one("Retry-After").parse().unwrap();
        assert!((1..=60).contains(&seconds), "{response:?}");
    }
}

/// nginx drops the body of a refusal; the others relay it.
#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn traefik_and_caddy_relay_the_words_of_a_refusal() {
    for site in every_site().filter(|site| !site.front.is_nginx()) {
        for (accept, kind, words) in [
            ("application/json", "application/problem+json", "\"code\""),
            (
                "text/html,application/xhtml+xml,*/*;q=0.8",
                "text/html",
                "<",
            ),
            ("text/plain", "text/plain", ""),
        ] {
            let response = site.proxy.get("/staff/x", &[("Accept", accept)]);
            assert_refused(&site, 401, &response);
            assert!(
                response.one("Content-Type").starts_with(kind),
                "{response:?}"
            );
            assert!(
                !response.body.is_empty() && response.text().contains(words),
                "{response:?}"
            );
            assert_eq!(response.all("Cache-Control"), ["no-store"]);
        }
    }
}
