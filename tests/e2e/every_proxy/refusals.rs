//! Refusals, as a client sees them; nothing refused reaches the application.

use std::{fs, process::Command};

use super::assert_refused;
use crate::harness::site::{ALICE, BOB, basic, every_site};

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
fn who_is_known_but_not_of_the_group_is_forbidden() {
    for site in every_site() {
        let response = site
            .proxy
            .get("/staff/x", &[("Authorization", &basic(BOB))]);
        assert_refused(&site, 403, &response);
        assert_eq!(response.all("WWW-Authenticate"), [""; 0]);
    }
}

/// nginx drops the body of a refusal, and `HAProxy` has words of its own.
#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn traefik_caddy_and_envoy_relay_the_words_of_a_refusal() {
    for site in every_site().filter(|site| site.front.relays_words()) {
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

/// A key that cannot be looked up is neither good nor bad; passwords need no key store.
#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn a_key_store_that_is_away_is_trouble_and_no_guess() {
    for site in every_site() {
        let key = site.htgate.create_key("robot", "staff");
        let (store, elsewhere) = (site.htgate.path("keys.db"), site.htgate.path("elsewhere"));
        fs::rename(&store, &elsewhere).unwrap();
        fs::create_dir(&store).unwrap();
        let headers = [("X-API-Key", key.as_str())];
        assert_refused(&site, 503, &site.proxy.get("/staff/x", &headers));
        assert!(site.htgate.log().contains("keys.db"), "the log names it");
        assert_eq!(site.status_for(ALICE), 200);

        fs::remove_dir(&store).unwrap();
        fs::rename(&elsewhere, &store).unwrap();
        assert_eq!(site.proxy.get("/staff/x", &headers).status, 200);
    }
}
