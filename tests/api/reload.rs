//! Files that change while the service runs, and configurations that can't be used.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use crate::helpers::{ALICE, BOB, CONFIG, SOON, Site, eventually, free_address, users};
use crate::http::basic;

const CAROL: (&str, &str) = ("carol", "christmas");

/// Makes a change, and holds that within a second carol may come in and bob may not.
fn in_force(site: &Site, how: &str, change: impl Fn(&str)) {
    assert_eq!(
        (site.status_for(BOB), site.status_for(CAROL)),
        (200, 401),
        "before: {how}"
    );
    let answered = || {
        (
            site.status_for(ALICE),
            site.status_for(BOB),
            site.status_for(CAROL),
        )
    };
    change(&users(&[ALICE, CAROL]));
    assert!(
        eventually(SOON, || answered() == (200, 401, 200)),
        "{how}: {:?}",
        answered()
    );
    change(&users(&[ALICE, BOB]));
    assert!(
        eventually(SOON, || answered() == (200, 200, 401)),
        "back, {how}: {:?}",
        answered()
    );
}

#[test]
fn every_way_of_changing_a_password_file_acts_within_a_second() {
    let site = Site::start();
    in_force(&site, "written in place", |text| {
        site.write("users.htpasswd", text);
    });
    in_force(&site, "renamed over", |text| {
        site.replace("users.htpasswd", text);
    });
    in_force(&site, "moved away, then new", |text| {
        drop(fs::rename(
            site.path("users.htpasswd"),
            site.path("users.htpasswd~"),
        ));
        site.write("users.htpasswd", text);
    });

    let version = |text: &str| {
        let name = (1..100)
            .map(|n| format!("v{n}"))
            .find(|name| !site.path(name).exists())
            .unwrap();
        fs::create_dir(site.path(&name)).unwrap();
        site.write(&format!("{name}/users"), text);
        name
    };
    let link = |target: &str, name: &str| {
        symlink(target, site.path("new-link")).unwrap();
        fs::rename(site.path("new-link"), site.path(name)).unwrap();
    };
    link(
        &format!("{}/users", version(&users(&[ALICE, BOB]))),
        "users.htpasswd",
    );
    in_force(&site, "another link", |text| {
        link(&format!("{}/users", version(text)), "users.htpasswd");
    });
    // As Kubernetes does it: the file is a link into a folder, and that is a link too.
    link(&version(&users(&[ALICE, BOB])), "..data");
    link("..data/users", "users.htpasswd");
    in_force(&site, "..data", |text| link(&version(text), "..data"));
}

#[test]
fn a_changed_password_ends_the_old_one_even_where_it_was_just_verified() {
    let site = Site::start();
    for round in ["one", "two", "three"] {
        let new = ("alice", round);
        site.replace("users.htpasswd", &users(&[new, BOB]));
        site.done(&["reload"]);
        assert_eq!(
            (site.status_for(ALICE), site.status_for(new)),
            (401, 200),
            "{round}"
        );
        site.replace("users.htpasswd", &users(&[ALICE, BOB]));
        site.done(&["reload"]);
        assert_eq!(
            (site.status_for(ALICE), site.status_for(new)),
            (200, 401),
            "{round}"
        );
    }
}

#[test]
fn groups_act_as_soon_as_they_change() {
    let site = Site::start();
    let staff = |who| {
        site.ask("/auth-request/staff", &[("Authorization", &basic(who))])
            .status
    };
    let answered = || (staff(ALICE), staff(BOB));
    assert_eq!(answered(), (200, 403));
    for (groups, expected) in [
        ("staff: bob\n", (403, 200)),
        ("staff: alice bob\n", (200, 200)),
        ("staff:\n", (403, 403)),
        ("", (403, 403)),
        ("other: alice\nstaff: alice\n", (200, 403)),
    ] {
        site.replace("users.groups", groups);
        assert!(
            eventually(SOON, || answered() == expected),
            "{groups:?}: {:?}",
            answered()
        );
    }
}

#[test]
fn a_changed_configuration_acts_by_itself() {
    let site = Site::start();
    let described = [
        ("X-Original-Method", "GET"),
        ("X-Original-Host", "app.example"),
        ("X-Original-URI", "/public/x"),
    ];
    let status = || site.ask("/auth-request", &described).status;
    assert_eq!(status(), 200);
    for (rest, expected) in [
        (
            CONFIG.replacen("policy = \"open\"", "policy = \"closed\"", 1),
            403,
        ),
        (
            CONFIG.replacen("policy = \"open\"", "policy = \"members\"", 1),
            401,
        ),
        (CONFIG.replace("/public/**", "/other/**"), 401),
        (CONFIG.to_owned(), 200),
        (CONFIG.replace("app.example", "www.example"), 403),
    ] {
        site.configure("htgate.toml", "", site.address, &rest);
        assert!(
            eventually(SOON, || status() == expected),
            "{expected}: {}",
            status()
        );
    }
}

/// Configurations that can't be used, the line that says so, and a word about it.
fn unusable() -> Vec<(String, usize, &'static str)> {
    let line = |text: &str, needle: &str| {
        // Five lines come before it: `[server]`, two keys, `[admin]`, one key.
        5 + 1 + text.lines().position(|line| line.contains(needle)).unwrap()
    };
    let changed = |from: &str, to: &'static str, word| {
        let text = CONFIG.replacen(from, to, 1);
        let at = line(&text, to.lines().next().unwrap());
        (text, at, word)
    };
    vec![
        changed("htpasswd =", "htpaswd =", "htpasswd"),
        changed("realm = \"intranet\"", "realm = \"intrnet\"", "intranet"),
        changed("policy = \"staff\"", "policy = \"stuff\"", "staff"),
        changed("api_keys = true", "api_keys = \"yes\"", "true"),
        changed("title = \"Example intranet\"", "title = \"unclosed", "TOML"),
        changed("require = [", "require = [\"grp staff\",", "grp"),
    ]
}

#[test]
fn a_configuration_that_cannot_be_used_changes_nothing_and_is_named_by_line() {
    let site = Site::start();
    let state = || (site.status_for(ALICE), site.status_for(("alice", "x")));
    for (rest, line, word) in unusable() {
        site.configure("htgate.toml", "", site.address, &rest);
        let ended = site.run(&["reload"], "");
        let place = format!("htgate.toml:{line}: ");
        assert_eq!(ended.status, 1, "{ended:?}");
        assert!(
            ended.stderr.contains(&place),
            "{place}{word}: {}",
            ended.stderr
        );
        assert!(ended.stderr.contains(word), "{word}: {}", ended.stderr);
        assert_eq!(state(), (200, 401), "{word}");
        // The service has found it by itself too.
        let logged = || site.log().contains(&place);
        assert!(eventually(SOON, logged), "{place}");
    }
    site.configure("htgate.toml", "", site.address, CONFIG);
    site.done(&["reload"]);
    assert_eq!(state(), (200, 401));
}

#[test]
fn users_change_while_a_configuration_waits_for_a_file_that_is_not_there_yet() {
    let site = Site::start();
    let later = CONFIG.replacen("users.groups", "later.groups", 1);
    site.configure("htgate.toml", "", site.address, &later);
    let told = || site.log().matches("later.groups").count();
    assert!(eventually(SOON, || told() > 0));
    site.replace("users.htpasswd", &users(&[ALICE, CAROL]));
    assert!(eventually(SOON, || site.status_for(CAROL) == 200));
    let staff = || {
        let alice = basic(ALICE);
        site.ask("/auth-request/staff", &[("Authorization", &alice)])
            .status
    };
    assert_eq!((staff(), told()), (200, 1), "told once");
    site.write("later.groups", "staff: bob\n");
    assert!(eventually(SOON * 2, || staff() == 403));
}

#[test]
fn a_hangup_reads_everything_anew_and_tells_the_log_what_is_wrong() {
    let site = Site::start();
    site.replace("users.htpasswd", &users(&[ALICE, CAROL]));
    site.signal("HUP");
    assert!(eventually(SOON, || site.status_for(CAROL) == 200));

    let (rest, line, word) = unusable().remove(0);
    site.configure("htgate.toml", "", site.address, &rest);
    let place = format!("htgate.toml:{line}: ");
    let told = || site.log().matches(&place).count();
    assert!(eventually(SOON, || told() > 0), "{place}{word}");
    let before = told();
    site.signal("HUP");
    assert!(eventually(SOON, || told() > before), "{place}{word}");
    assert_eq!(site.status_for(CAROL), 200);
}

#[test]
fn a_broken_line_is_named_and_the_others_count() {
    let site = Site::start();
    let file = format!(
        "# ours\n{}no colon here\n{}",
        users(&[ALICE]),
        users(&[CAROL])
    );
    site.replace("users.htpasswd", &(file + "dave:$2y$04$short\n"));
    assert!(eventually(SOON, || site.status_for(CAROL) == 200));
    assert_eq!(
        (site.status_for(ALICE), site.status_for(("dave", "short"))),
        (200, 401)
    );
    for line in ["3", "5"] {
        let place = format!("users.htpasswd: line {line}");
        let other = format!("users.htpasswd:{line}");
        let told = || site.log().contains(&place) || site.log().contains(&other);
        assert!(eventually(SOON, told), "{place}");
    }
    assert!(
        !site.log().contains("no colon here"),
        "a line may hold a password"
    );
    assert!(
        !site.log().contains("$2y$04$short"),
        "hashes are no matter for a log"
    );
    // A reload says so too, and is done all the same.
    let ended = site.run(&["reload"], "");
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    assert!(ended.stderr.contains("users.htpasswd"), "{}", ended.stderr);
}

#[test]
fn a_file_that_is_gone_or_unreadable_keeps_the_last_good_one() {
    let site = Site::start();
    let state = || {
        (
            site.status_for(ALICE),
            site.status_for(("alice", "x")),
            site.status_for(CAROL),
        )
    };
    let bad: [(&str, &dyn Fn()); 3] = [
        ("deleted", &|| {
            fs::remove_file(site.path("users.htpasswd")).unwrap();
        }),
        ("a folder", &|| {
            fs::create_dir(site.path("users.htpasswd")).unwrap();
        }),
        ("no target", &|| {
            fs::remove_dir(site.path("users.htpasswd")).unwrap();
            symlink("nowhere", site.path("users.htpasswd")).unwrap();
        }),
    ];
    for (how, change) in bad {
        change();
        std::thread::sleep(Duration::from_millis(600));
        assert_eq!(state(), (200, 401, 401), "{how}");
        let ended = site.run(&["reload"], "");
        assert_eq!(ended.status, 1, "{how}: {}", ended.stderr);
        assert!(
            ended.stderr.contains("users.htpasswd"),
            "{how}: {}",
            ended.stderr
        );
        assert_eq!(state(), (200, 401, 401), "{how}");
    }
    assert!(site.log().contains("users.htpasswd: "), "the log names it");
    fs::remove_file(site.path("users.htpasswd")).unwrap();
    site.write("users.htpasswd", &users(&[CAROL]));
    assert!(
        eventually(SOON, || state() == (401, 401, 200)),
        "back: {:?}",
        state()
    );
}

#[test]
fn what_only_a_restart_can_change_is_said() {
    let site = Site::start();
    let rest = CONFIG.to_owned();
    site.configure("htgate.toml", "", free_address(), &rest);
    let ended = site.run(&["reload"], "");
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    assert!(ended.stderr.contains("restart"), "{}", ended.stderr);
    assert_eq!(site.status_for(ALICE), 200);
}

#[test]
fn trusted_proxies_and_identity_headers_change_with_a_reload() {
    let site = Site::start();
    let text = site.read("htgate.toml");
    let renamed = "\n[identity_headers]\nuser = \"Remote-User\"\ngroups = \"\"\n";
    site.write("htgate.toml", &(text.clone() + renamed));
    site.done(&["reload"]);
    let answer = site.ask("/auth-request/members", &[("Authorization", &basic(ALICE))]);
    assert_eq!(answer.one("Remote-User"), "alice");
    assert!(answer.all("X-Auth-User").is_empty() && answer.all("X-Auth-Groups").is_empty());
    site.write(
        "htgate.toml",
        &text.replace("127.0.0.1\"]\n[admin]", "10.0.0.1\"]\n[admin]"),
    );
    site.done(&["reload"]);
    assert_eq!(site.status_for(ALICE), 403);
}
