//! `/metrics`, and what is shipped to look at it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

use regex_lite::Regex;

use crate::helpers::{ALICE, BOB, Site};
use crate::http::basic;
use crate::keys::create;

fn scrape(site: &Site) -> String {
    let mut admin = UnixStream::connect(site.path("admin.sock")).unwrap();
    admin.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    admin.read_to_string(&mut answer).unwrap();
    let (head, text) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.0 200"), "{head}");
    assert!(
        head.contains("application/openmetrics-text; version=1.0.0"),
        "{head}"
    );
    text.to_owned()
}

/// Each series with its value; the form is checked on the way.
fn series(text: &str) -> BTreeMap<String, f64> {
    let line = Regex::new(r#"^([a-z_]+(?:\{(?:[a-z]+="[^"\\]*",?)*\})?) (\S+)$"#).unwrap();
    assert!(text.ends_with("# EOF\n"), "{text}");
    let told = text.lines().filter(|line| !line.starts_with('#'));
    let told = told.map(|told| {
        let parts = line.captures(told).unwrap_or_else(|| panic!("{told}"));
        (parts[1].to_owned(), parts[2].parse().unwrap())
    });
    told.collect()
}

fn value(site: &Site, name: &str) -> f64 {
    let all = scrape(site);
    *series(&all)
        .get(name)
        .unwrap_or_else(|| panic!("no {name} in\n{all}"))
}

#[test]
fn a_scrape_counts_what_was_decided_and_how() {
    let site = Site::start();
    let (alice, wrong) = (basic(ALICE), basic(("alice", "wrong")));
    let key = create(&site, "robot", &[]);
    let bearer = format!("Bearer {key}");
    for _ in 0..3 {
        site.ask("/auth-request/members", &[("Authorization", &alice)]);
        site.ask("/forward-auth/members", &[("Authorization", &bearer)]);
    }
    site.ask("/auth-request/members", &[("Authorization", &wrong)]);
    site.ask("/auth-request/members", &[]);
    site.ask("/auth-request", &[]);
    site.ask("/nowhere", &[]);
    site.connect_from("127.0.0.2")
        .ask(&crate::http::get("/auth-request/open", &[]));
    site.done(&["reload"]);
    let decided = |endpoint, realm, code, means| {
        format!(
            "htgate_decisions_total{{endpoint=\"{endpoint}\",realm=\"{realm}\",code=\"{code}\",means=\"{means}\"}}"
        )
    };
    let found = series(&scrape(&site));
    for (name, expected) in [
        (
            decided("/auth-request", "intranet", "allowed", "basic"),
            3.0,
        ),
        (
            decided("/forward-auth", "intranet", "allowed", "bearer"),
            3.0,
        ),
        (
            decided("/auth-request", "intranet", "wrong_password", "basic"),
            1.0,
        ),
        (
            decided("/auth-request", "intranet", "credentials_missing", "none"),
            1.0,
        ),
        (
            decided("/auth-request", "-", "bad_description", "none"),
            1.0,
        ),
        (
            "htgate_decision_seconds_count{endpoint=\"/auth-request\"}".to_owned(),
            6.0,
        ),
        (
            "htgate_decision_seconds_bucket{le=\"+Inf\",endpoint=\"/forward-auth\"}".to_owned(),
            3.0,
        ),
        (
            "htgate_turned_away_total{reason=\"no_endpoint\"}".to_owned(),
            1.0,
        ),
        (
            "htgate_turned_away_total{reason=\"untrusted_peer\"}".to_owned(),
            1.0,
        ),
        ("htgate_hashes_total".to_owned(), 2.0),
        (
            "htgate_cache_looks_total{cache=\"passwords\",result=\"hit\"}".to_owned(),
            2.0,
        ),
        (
            "htgate_cache_looks_total{cache=\"passwords\",result=\"miss\"}".to_owned(),
            2.0,
        ),
        (
            "htgate_cache_looks_total{cache=\"keys\",result=\"hit\"}".to_owned(),
            2.0,
        ),
        (
            "htgate_cache_looks_total{cache=\"keys\",result=\"miss\"}".to_owned(),
            1.0,
        ),
        ("htgate_hashing_waiting".to_owned(), 0.0),
        ("htgate_hashing_running".to_owned(), 0.0),
        ("htgate_reloads_total{result=\"done\"}".to_owned(), 1.0),
        ("htgate_reloads_total{result=\"failed\"}".to_owned(), 0.0),
        ("htgate_generation".to_owned(), 2.0),
        ("htgate_key_store_up".to_owned(), 1.0),
        ("htgate_users{realm=\"intranet\"}".to_owned(), 2.0),
    ] {
        assert_eq!(found.get(&name), Some(&expected), "{name}\n{found:#?}");
    }
    assert!(found["htgate_hash_seconds_total"] > 0.0);
    site.write("htgate.toml", "[server]\nlisten = 1\n");
    assert!(crate::helpers::eventually(crate::helpers::SOON, || {
        value(&site, "htgate_reloads_total{result=\"failed\"}") > 0.0
    }));
    let since = value(&site, "htgate_reload_timestamp_seconds");
    assert!(since > 1.7e9, "{since}");
}

#[test]
fn nothing_that_a_client_sends_makes_a_series() {
    let site = Site::start();
    let ask = |number: usize| {
        let (word, user) = (format!("x{number}"), basic((&format!("u{number}"), "pw")));
        let target = format!("/x{number}");
        for headers in [
            vec![
                ("X-Original-Host", &*word),
                ("X-Original-URI", &*target),
                ("X-Original-Method", &*word),
            ],
            vec![("Authorization", &*user)],
            vec![("Authorization", &*word)],
            vec![("X-API-Key", &*word)],
        ] {
            site.ask(&format!("/auth-request/{word}"), &headers);
            site.ask("/auth-request/both", &headers);
            site.ask("/auth-request", &headers);
        }
        site.ask(&target, &[]);
    };
    ask(0);
    let before: BTreeSet<String> = series(&scrape(&site)).into_keys().collect();
    (1..30).for_each(ask);
    let after: BTreeSet<String> = series(&scrape(&site)).into_keys().collect();
    let new: Vec<&String> = after.difference(&before).collect();
    // A user who guesses on is throttled: a word of ours, and no more than that.
    assert!(new.iter().all(|name| name.contains("throttled")), "{new:?}");
}

#[test]
fn what_is_shipped_and_documented_is_there() {
    let site = Site::start();
    let bob = basic(BOB);
    for headers in [&[][..], &[("Authorization", &*bob)]] {
        site.ask("/auth-request/members", headers);
    }
    site.ask("/nowhere", &[]);
    let text = scrape(&site);
    let there: BTreeSet<String> = series(&text)
        .into_keys()
        .map(|name| name.split('{').next().unwrap().to_owned())
        .collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| std::fs::read_to_string(root.join(name)).unwrap();
    let name = Regex::new("htgate_[a-z_]+").unwrap();
    for file in [
        "deploy/grafana/htgate.json",
        "deploy/prometheus/alerts.yml",
        "docs/metrics.md",
    ] {
        let content = read(file);
        let named: BTreeSet<&str> = name
            .find_iter(&content)
            .map(|found| found.as_str())
            .collect();
        assert!(named.len() > 3, "{file}");
        for named in named {
            let histogram = format!("{named}_count");
            assert!(
                there.contains(named) || there.contains(&histogram),
                "{file}: {named}"
            );
        }
    }
    let page = read("docs/metrics.md");
    for name in &there {
        let documented = ["_bucket", "_count", "_sum"]
            .iter()
            .find_map(|end| name.strip_suffix(end))
            .unwrap_or(name);
        assert!(page.contains(&format!("`{documented}`")), "{documented}");
    }
    let labels = Regex::new(r#"([a-z]+)(?:=~|!=|=)\\?""#).unwrap();
    let known = [
        "instance", "realm", "code", "result", "job", "means", "endpoint", "cache", "reason",
    ];
    for found in labels.captures_iter(&read("deploy/grafana/htgate.json")) {
        assert!(known.contains(&&found[1]), "{}", &found[1]);
    }
    let dashboard: serde_json::Value =
        serde_json::from_str(&read("deploy/grafana/htgate.json")).unwrap();
    assert!(dashboard["panels"].as_array().unwrap().len() > 8);
}

#[test]
fn a_file_that_cannot_be_used_and_a_head_request_are_seen() {
    let site = Site::start();
    let failed = "htgate_reloads_total{result=\"failed\"}";
    assert!(value(&site, failed) < 1.0);
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    std::fs::set_permissions(site.path("users.htpasswd"), open).unwrap();
    assert!(crate::helpers::eventually(crate::helpers::SOON, || value(
        &site, failed
    ) > 0.0));
    for path in ["/healthz", "/readyz", "/metrics"] {
        let mut admin = UnixStream::connect(site.path("admin.sock")).unwrap();
        admin
            .write_all(format!("HEAD {path} HTTP/1.0\r\n\r\n").as_bytes())
            .unwrap();
        let mut answer = String::new();
        admin.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.0 200"), "{path}: {answer}");
        assert!(answer.ends_with("\r\n\r\n"), "{path}: {answer}");
    }
}
