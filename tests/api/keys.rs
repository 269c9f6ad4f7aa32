//! The life of API keys: the command line on one side, the running service on the other.

use std::time::Duration;

use serde_json::Value;

use crate::helpers::{ALICE, CONFIG, SOON, Site, eventually, free_address};

const CREATE: [&str; 4] = ["key", "create", "--realm", "intranet"];

pub(crate) fn create(site: &Site, name: &str, more: &[&str]) -> String {
    site.done(&[&CREATE, &["--name", name][..], more].concat())
}

pub(crate) fn show(site: &Site, key: &str) -> Value {
    serde_json::from_str(&site.done(&["key", "show", key, "--json"])).unwrap()
}

#[test]
fn a_new_key_is_the_only_thing_printed_and_counts_at_once() {
    let site = Site::start();
    let ended = site.run(&[&CREATE, &["--name", "backup"][..]].concat(), "");
    assert_eq!((ended.status, &*ended.stderr), (0, ""));
    let key = ended.stdout.strip_suffix('\n').unwrap();
    assert!(key.starts_with("htg_") && key.len() > 40, "{key}");
    assert!(
        key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'),
        "{key}"
    );
    assert_eq!(site.status_for_key("members", key), 200);
    assert_eq!(site.status_for_key("robots", key), 401, "another realm");

    let json = site.done(&[&CREATE, &["--name", "other", "--json"][..]].concat());
    let json: Value = serde_json::from_str(&json).unwrap();
    let other = json["key"].as_str().unwrap();
    assert!(other.contains(json["id"].as_str().unwrap()), "{json}");
    assert_eq!(site.status_for_key("members", other), 200);
}

#[test]
fn a_key_is_shown_once_and_never_again() {
    let site = Site::start();
    let more = [
        "--owner",
        "alice",
        "--scope",
        "b",
        "--scope",
        "a",
        "--expires",
        "90d",
        "--ip",
        "10.0.0.0/8",
    ];
    let key = create(&site, "backup", &more);
    let id = key.split('_').nth(1).unwrap();
    let secret = key.rsplit('_').next().unwrap();
    let looks = [
        site.done(&["key", "list"]),
        site.done(&["key", "list", "--realm", "intranet", "--json"]),
        site.done(&["key", "show", "backup"]),
        site.done(&["key", "show", id]),
        site.done(&["key", "show", id, "--json"]),
    ];
    for look in &looks {
        assert!(look.contains(id) && look.contains("backup"), "{look}");
        assert!(!look.contains(secret), "{look}");
    }
    let list: Value = serde_json::from_str(&looks[1]).unwrap();
    let shown = show(&site, "backup");
    assert_eq!(list[0], shown);
    for (field, expected) in [
        ("id", id.into()),
        ("name", "backup".into()),
        ("realm", "intranet".into()),
        ("owner", "alice".into()),
        ("scopes", Value::from(vec!["a", "b"])),
        ("networks", Value::from(vec!["10.0.0.0/8"])),
        ("state", "active".into()),
        ("last_used", Value::Null),
    ] {
        assert_eq!(shown[field], expected, "{field}");
    }
    assert!(
        shown["created"].is_string() && shown["expires"].is_string(),
        "{shown}"
    );
    assert_eq!(
        site.done(&["key", "list", "--realm", "robots", "--json"]),
        "[]"
    );
    for name in ["keys.db", "keys.db-wal"] {
        let bytes = std::fs::read(site.path(name)).unwrap_or_default();
        let found = bytes
            .windows(secret.len())
            .any(|part| part == secret.as_bytes());
        assert!(!found, "{name} holds the secret");
    }
}

#[test]
fn what_is_updated_acts_when_the_command_returns() {
    let site = Site::start();
    let key = create(&site, "k", &[]);
    let bearer = format!("Bearer {key}");
    let ask = |policy: &str, from: &str| {
        let headers = [("Authorization", &*bearer), ("X-Forwarded-For", from)];
        site.ask(&format!("/forward-auth/{policy}"), &headers)
    };
    let update = |more: &[&str]| site.done(&[&["key", "update", "k"][..], more].concat());

    assert_eq!(ask("writers", "10.1.1.1").status, 403);
    update(&["--scope", "api:write", "--scope", "x"]);
    assert_eq!(
        ask("writers", "10.1.1.1").one("X-Auth-Scopes"),
        "api:write,x"
    );
    update(&["--scope", "x"]);
    assert_eq!(ask("writers", "10.1.1.1").status, 403);
    update(&["--scope", ""]);
    assert_eq!(ask("members", "10.1.1.1").one("X-Auth-Scopes"), "-");

    assert_eq!(ask("members", "10.1.1.1").one("X-Auth-User"), "k");
    update(&["--owner", "alice"]);
    let answer = ask("staff", "10.1.1.1");
    assert_eq!(
        (answer.one("X-Auth-User"), answer.one("X-Auth-Groups")),
        ("alice", "staff")
    );
    update(&["--owner", ""]);
    assert_eq!(ask("staff", "10.1.1.1").status, 403);

    update(&["--ip", "10.0.0.0/8", "--ip", "2001:db8::/32"]);
    assert_eq!(ask("members", "10.1.1.1").status, 200);
    assert_eq!(ask("members", "2001:db8::9").status, 200);
    assert_eq!(ask("members", "11.1.1.1").status, 401);
    update(&["--ip", ""]);
    assert_eq!(ask("members", "11.1.1.1").status, 200);

    update(&["--expires", "1s"]);
    std::thread::sleep(Duration::from_millis(1100));
    let expired = ask("members", "10.1.1.1");
    assert!(
        expired.one("WWW-Authenticate").starts_with("Basic "),
        "{expired:?}"
    );
    assert_eq!(
        (expired.status, &show(&site, "k")["state"]),
        (401, &"expired".into())
    );
    update(&["--expires", "never"]);
    assert_eq!(ask("members", "10.1.1.1").status, 200);

    update(&["--name", "renamed"]);
    assert_eq!(ask("members", "10.1.1.1").one("X-Auth-User"), "renamed");
    assert_eq!(site.run(&["key", "show", "k"], "").status, 1);
}

#[test]
fn a_rotated_key_overlaps_as_long_as_was_said() {
    let site = Site::start();
    let first = create(&site, "k", &["--scope", "api:write"]);
    let id = first.split('_').nth(1).unwrap();
    let second = site.done(&["key", "rotate", "k", "--grace", "1h"]);
    assert_eq!(second.split('_').nth(1), Some(id), "the id stays");
    let status = |key: &str| site.status_for_key("writers", key);
    assert_eq!((status(&first), status(&second)), (200, 200));
    let third = site.done(&["key", "rotate", id, "--grace", "0s"]);
    assert_eq!(
        (status(&first), status(&second), status(&third)),
        (401, 401, 200)
    );
    let fourth = site.done(&["key", "rotate", "k", "--grace", "2s"]);
    assert_eq!((status(&third), status(&fourth)), (200, 200));
    assert!(eventually(Duration::from_secs(4), || status(&third) == 401));
    assert_eq!(status(&fourth), 200);
}

#[test]
fn a_revoked_key_is_refused_on_the_very_next_request() {
    let site = Site::start();
    for round in 0..5 {
        let name = format!("k{round}");
        let key = site.done(&["key", "create", "--realm", "robots", "--name", &name]);
        let rotated = site.done(&["key", "rotate", &name, "--grace", "1h"]);
        for _ in 0..3 {
            assert_eq!(site.status_for_key("robots", &key), 200);
            assert_eq!(site.status_for_key("robots", &rotated), 200);
        }
        site.done(&["key", "revoke", &name]);
        for key in [&key, &rotated] {
            let bearer = format!("Bearer {key}");
            let answer = site.ask("/forward-auth/robots", &[("Authorization", &bearer)]);
            let line = answer.one("WWW-Authenticate");
            assert_eq!(answer.status, 401);
            assert!(line.contains("error=\"invalid_token\""), "{line}");
            assert!(
                line.contains("error_description=\"") && line.contains("revoked"),
                "{line}"
            );
        }
        // Somebody who has only the id proves nothing, and is told nothing.
        let last = if key.ends_with('x') { 'y' } else { 'x' };
        let guess = format!("Bearer {}{last}", &key[..key.len() - 1]);
        let answer = site.ask("/forward-auth/robots", &[("Authorization", &guess)]);
        assert!(!answer.one("WWW-Authenticate").contains("revoked"));
        assert_eq!(show(&site, &name)["state"], "revoked");
        let again = site.run(&["key", "rotate", &name], "");
        assert_eq!(again.status, 1, "{again:?}");
        assert_eq!(site.status_for_key("robots", &key), 401);
    }
}

#[test]
fn a_deleted_key_is_forgotten_and_its_name_free() {
    let site = Site::start();
    let key = create(&site, "k", &[]);
    assert_eq!(site.status_for_key("members", &key), 200);
    site.done(&["key", "delete", "k"]);
    assert_eq!(site.status_for_key("members", &key), 401);
    let ended = site.run(&["key", "show", "k"], "");
    assert_eq!(ended.status, 1);
    assert!(ended.stderr.contains("key list"), "{ended:?}");
    let other = create(&site, "k", &[]);
    assert_eq!(site.status_for_key("members", &other), 200);
    assert_eq!(site.status_for_key("members", &key), 401);
}

#[test]
fn mistakes_are_named_and_change_nothing() {
    let site = Site::start();
    create(&site, "taken", &[]);
    let before = site.done(&["key", "list", "--json"]);
    for (arguments, status, words) in [
        ("create --realm intranet --name taken", 1, "taken"),
        ("create --realm intrnet --name new", 64, "\"intranet\""),
        (
            "create --realm intranet --name new --expires tomorrow",
            64,
            "--expires",
        ),
        (
            "create --realm intranet --name new --expires 2020-01-01",
            1,
            "past",
        ),
        (
            "create --realm intranet --name new --ip 10.0.0.0/33",
            64,
            "--ip",
        ),
        (
            "create --realm intranet --name new --scope a,b",
            64,
            "--scope",
        ),
        ("create --realm intranet --name a,b", 64, "--name"),
        (
            "create --realm intranet --name new --owner a,b",
            64,
            "--owner",
        ),
        ("create --realm intranet", 64, "--name"),
        ("create --name new", 64, "--realm"),
        ("rotate taken --grace soon", 64, "--grace"),
        ("rotate nobody", 1, "htgate key list"),
        ("revoke nobody", 1, "htgate key list"),
        ("delete nobody", 1, "htgate key list"),
        ("update nobody --scope a", 1, "htgate key list"),
        ("show nobody", 1, "htgate key list"),
    ] {
        let arguments: Vec<&str> = ["key"].into_iter().chain(arguments.split(' ')).collect();
        let ended = site.run(&arguments, "");
        assert_eq!(ended.status, status, "{arguments:?}: {}", ended.stderr);
        assert!(
            ended.stderr.contains(words),
            "{arguments:?}: {}",
            ended.stderr
        );
        assert_eq!(ended.stdout, "", "{arguments:?}");
    }
    assert_eq!(site.done(&["key", "list", "--json"]), before);
}

#[test]
fn the_last_use_is_written_down_when_the_service_ends() {
    let mut site = Site::start();
    let used = create(&site, "used", &[]);
    create(&site, "unused", &[]);
    assert_eq!(site.status_for_key("members", &used), 200);
    assert_eq!(site.stop(), Some(0));
    assert!(show(&site, "used")["last_used"].is_string());
    assert!(show(&site, "unused")["last_used"].is_null());
}

#[test]
fn keys_outlive_the_service_and_commands_need_none() {
    let mut site = Site::start();
    let first = create(&site, "first", &[]);
    site.stop();
    let second = create(&site, "second", &[]);
    site.done(&["key", "revoke", "first"]);
    site.serve("htgate.toml");
    let status = |key: &str| site.status_for_key("members", key);
    assert_eq!((status(&first), status(&second)), (401, 200));
    assert_eq!(site.status_for(ALICE), 200);
}

#[test]
fn another_service_on_the_same_store_hears_of_a_revocation_within_a_second() {
    let site = Site::start();
    let mut other = Site::prepare(CONFIG);
    let address = free_address();
    let shared = format!(
        "{CONFIG}\n[api_keys]\nstore = \"sqlite:{}\"\n",
        site.path("keys.db").display()
    );
    other.address = address;
    other.configure("htgate.toml", "", address, &shared);
    other.serve("htgate.toml");
    for round in 0..3 {
        let name = format!("k{round}");
        let key = create(&site, &name, &[]);
        let known = || other.status_for_key("members", &key) == 200;
        assert!(eventually(SOON, known), "the new key");
        assert_eq!(site.status_for_key("members", &key), 200);
        site.done(&["key", "revoke", &name]);
        assert_eq!(site.status_for_key("members", &key), 401);
        assert!(
            eventually(Duration::from_secs(1), || !known()),
            "round {round}"
        );
        std::thread::sleep(Duration::from_millis(100));
        assert!(!known(), "and for good");
    }
}
