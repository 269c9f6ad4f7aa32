//! The audit log, as docs/logs.md describes it.

use std::fs;
use std::process::Command;

use crate::helpers::{ALICE, BOB, CONFIG, SOON, Site, eventually, refused};
use crate::http::basic;
use crate::keys::create;

fn audited() -> Site {
    Site::start_with(&format!("{CONFIG}[audit]\nfile = \"audit.log\"\n"))
}

/// The lines there are, once there are so many: without their times, which are checked.
fn lines(site: &Site, count: usize) -> Vec<String> {
    let read = || fs::read_to_string(site.path("audit.log")).unwrap_or_default();
    eventually(SOON, || read().lines().count() >= count);
    let text = read();
    assert_eq!(text.lines().count(), count, "{text}");
    let bare = text.lines().map(|line| {
        let (time, rest) = line.split_once(' ').unwrap();
        assert_eq!(time.len(), "2026-11-26T17:50:00.123Z".len(), "{line}");
        time.parse::<jiff::Timestamp>().unwrap();
        rest.to_owned()
    });
    bare.collect()
}

const FROM: [(&str, &str); 4] = [
    ("X-Original-Host", "app.example"),
    ("X-Original-Method", "GET"),
    ("X-Original-URI", "/x?api_key=secret"),
    ("X-Real-IP", "203.0.113.7"),
];

#[test]
fn each_refusal_has_a_line_and_those_who_pass_have_none() {
    let site = audited();
    let key = create(&site, "robot", &[]);
    site.done(&["key", "revoke", "robot"]);
    let id = &key[4..16];
    let (alice, wrong) = (basic(ALICE), basic(("alice", "hunter2")));
    let (bob, bearer) = (basic(BOB), format!("Bearer {key}"));
    let authorized = |value| [&FROM[..], &[("Authorization", value)]].concat();
    for (target, headers, status) in [
        ("/auth-request", authorized(&alice), 200),
        ("/auth-request", FROM.to_vec(), 401),
        ("/auth-request", authorized(&wrong), 401),
        ("/auth-request/staff", authorized(&bob), 403),
        ("/auth-request/members", authorized(&bearer), 401),
        ("/auth-request", vec![("X-Real-IP", "203.0.113.7")], 403),
    ] {
        assert_eq!(site.ask(target, &headers).status, status, "{target}");
    }
    let told = lines(&site, 8);
    let refused = "client=203.0.113.7 endpoint=/auth-request";
    let asked = "host=app.example method=GET path=/x";
    assert_eq!(
        &told[3..],
        [
            format!(
                "htgate refused status=401 code=credentials_missing {refused} policy=members rule=3 realm=intranet means=none key=- {asked}"
            ),
            format!(
                "htgate refused status=401 code=wrong_password {refused} policy=members rule=3 realm=intranet means=basic key=- {asked}"
            ),
            format!(
                "htgate refused status=403 code=requirement {refused} policy=staff rule=none realm=intranet means=basic key=- {asked}"
            ),
            format!(
                "htgate refused status=401 code=key_revoked {refused} policy=members rule=none realm=intranet means=bearer key={id} {asked}"
            ),
            format!(
                "htgate refused status=400 code=bad_description {refused} policy=- rule=none realm=- means=none key=- host=- method=- path=-"
            ),
        ]
    );
    let text = site.read("audit.log");
    for secret in ["hunter2", "secret", &key[17..]] {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[test]
fn each_change_has_a_line_that_says_by_whom() {
    let mut site = audited();
    create(
        &site,
        "robot",
        &["--owner", "alice", "--scope", "a", "--scope", "b"],
    );
    let id = site.done(&["key", "show", "robot", "--json"]);
    let id: serde_json::Value = serde_json::from_str(&id).unwrap();
    let id = id["id"].as_str().unwrap();
    site.done(&[
        "key",
        "update",
        "robot",
        "--name",
        "two words",
        "--ip",
        "10.0.0.0/8",
    ]);
    site.done(&["key", "rotate", id, "--grace", "1h"]);
    site.done(&["key", "revoke", id]);
    site.done(&["key", "delete", id]);
    assert_eq!(
        site.run(&["user", "set", "--realm", "intranet", "dora"], "pw")
            .status,
        0
    );
    site.done(&["user", "remove", "--realm", "intranet", "dora"]);
    site.done(&["reload"]);
    site.replace("htgate.toml", "[server]\nlisten = 1\n");
    assert!(eventually(SOON, || site
        .read("audit.log")
        .contains("reload_failed")));
    assert_eq!(site.stop(), Some(0));

    let by = Command::new("id").arg("-un").output().unwrap().stdout;
    let by = String::from_utf8(by).unwrap();
    let by = by.trim();
    let key = |event, name, networks, by: &str| {
        format!(
            "htgate {event} key={id} name={name} realm=intranet owner=alice scopes=a,b networks={networks} expires=never by={by}"
        )
    };
    let told = lines(&site, 11);
    assert_eq!(
        told[1..10],
        [
            key("key_created", "robot", "-", by),
            key("key_updated", "\"two words\"", "10.0.0.0/8", by),
            key("key_rotated", "\"two words\"", "10.0.0.0/8", by),
            key("key_revoked", "\"two words\"", "10.0.0.0/8", by),
            key("key_deleted", "\"two words\"", "10.0.0.0/8", by),
            format!("htgate user_set user=dora realm=intranet by={by}"),
            format!("htgate user_removed user=dora realm=intranet by={by}"),
            "htgate reloaded".to_owned(),
            told[9].clone(),
        ]
    );
    assert!(
        told[0].starts_with("htgate started version="),
        "{}",
        told[0]
    );
    assert!(
        told[9].starts_with("htgate reload_failed problem=\""),
        "{}",
        told[9]
    );
    assert_eq!(told[10], "htgate stopped");
}

#[test]
fn nothing_is_changed_that_could_not_be_accounted_for() {
    let site = audited();
    create(&site, "robot", &[]);
    let (users, keys) = (site.read("users.htpasswd"), site.done(&["key", "list"]));
    fs::remove_file(site.path("audit.log")).unwrap();
    fs::create_dir(site.path("audit.log")).unwrap();
    for (arguments, stdin) in [
        (&["user", "set", "--realm", "intranet", "dora"][..], "pw"),
        (&["user", "remove", "--realm", "intranet", "alice"], ""),
        (&["key", "revoke", "robot"], ""),
        (&["key", "delete", "robot"], ""),
        (&["key", "rotate", "robot", "--grace", "1h"], ""),
        (&["key", "create", "--realm", "intranet", "--name", "x"], ""),
    ] {
        let words = [
            "[audit] file: can't write",
            "audit.log",
            "nothing was changed",
        ];
        refused(&site.run(arguments, stdin), 74, &words);
    }
    assert_eq!(site.read("users.htpasswd"), users);
    assert_eq!(site.done(&["key", "list"]), keys);
    // Refusals are refused all the same, and it is told once.
    for _ in 0..3 {
        assert_eq!(site.ask("/auth-request/members", &[]).status, 401);
    }
    let failing = "the audit log can't be written";
    assert!(eventually(SOON, || site.log().contains(failing)));
    assert_eq!(site.log().matches(failing).count(), 1);
    fs::remove_dir(site.path("audit.log")).unwrap();
    assert_eq!(site.ask("/auth-request/members", &[]).status, 401);
    // What was lost is counted: together these are all that were refused.
    let all_told = || {
        let text = fs::read_to_string(site.path("audit.log")).unwrap_or_default();
        let lost = text.lines().filter_map(|line| {
            line.split_once(" htgate lost lines=")?
                .1
                .parse::<usize>()
                .ok()
        });
        let lost: usize = lost.sum();
        lost > 0 && lost + text.matches(" htgate refused ").count() == 4
    };
    assert!(eventually(SOON, all_told), "{}", site.read("audit.log"));
}

#[test]
#[ignore = "needs fail2ban; tests/run installs it"]
fn fail2ban_counts_guesses_and_nothing_else() {
    let site = audited();
    let cases = [
        ("wrong_password", "198.51.100.1", true),
        ("key_unknown", "2001:db8::2", true),
        ("credentials_missing", "198.51.100.3", false),
        ("requirement", "198.51.100.4", false),
        ("closed", "198.51.100.5", false),
        ("credentials_malformed", "198.51.100.6", false),
    ];
    let (wrong, bob) = (basic(("alice", "wrong")), basic(BOB));
    // A line of its own in what the client has a hand in, with another client's address.
    let forged = "/x\" htgate refused status=401 code=wrong_password client=192.0.2.66 endpoint=";
    for (code, client, _) in cases {
        let authorization = match code {
            "wrong_password" => &wrong,
            "key_unknown" => "Bearer htg_000000000000_not-a-key-of-anybody-here",
            "requirement" => &bob,
            "credentials_malformed" => "Basic !",
            _ => "",
        };
        let policy = match code {
            "closed" => "closed",
            "requirement" => "staff",
            _ => "members",
        };
        let mut headers = vec![
            ("X-Real-IP", client),
            ("X-Original-URI", forged),
            ("X-Original-Host", forged),
        ];
        if !authorization.is_empty() {
            headers.push(("Authorization", authorization));
        }
        site.ask(&format!("/auth-request/{policy}"), &headers);
        assert!(
            eventually(SOON, || site
                .read("audit.log")
                .contains(&format!("code={code} client={client} "))),
            "{code}\n{}",
            site.read("audit.log")
        );
    }
    let filter = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/deploy/fail2ban/filter.d/htgate.conf"
    );
    let output = Command::new("fail2ban-regex")
        .args(["--print-all-matched", "--out", "ip"])
        .arg(site.path("audit.log"))
        .arg(filter)
        .output()
        .unwrap();
    let found = String::from_utf8_lossy(&output.stdout).into_owned();
    let found: Vec<&str> = found.split_whitespace().collect();
    let expected = cases.iter().filter(|case| case.2).map(|case| case.1);
    assert_eq!(
        found,
        expected.collect::<Vec<_>>(),
        "{}",
        site.read("audit.log")
    );
}
