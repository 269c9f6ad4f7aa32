//! `htgate user`: the password file, edited as Apache would.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::helpers::{ALICE, BOB, CONFIG, Site, refused, user, users};

#[test]
fn a_user_is_set_verified_and_removed_and_the_rest_of_the_file_stays() {
    let site = Site::start();
    let file = format!(
        "# our people\n{}\n# second shift\n{}unusable line\n{}",
        users(&[ALICE]),
        users(&[BOB]),
        user(("zoë", "päss"), 4)
    );
    site.write("users.htpasswd", &file);
    let mode = fs::Permissions::from_mode(0o640);
    fs::set_permissions(site.path("users.htpasswd"), mode).unwrap();
    let user = |command: &str, name: &str, stdin: &str| {
        site.run(&["user", command, "--realm", "intranet", name], stdin)
    };

    for (name, password, stdin, at) in [
        ("bob", "new", "new\n", 4),
        ("bob", "with blanks ", "with blanks ", 4),
        ("carol", "c", "c", 7),
    ] {
        let ended = user("set", name, stdin);
        assert_eq!(
            (ended.status, &*ended.stdout),
            (0, ""),
            "{name}: {}",
            ended.stderr
        );
        assert_eq!(site.status_for((name, password)), 200, "{name}, at once");
        let now = site.read("users.htpasswd");
        let place = now
            .lines()
            .position(|line| line.starts_with(&format!("{name}:")));
        assert_eq!(place, Some(at), "{now}");
        assert_eq!(user("verify", name, stdin).status, 0, "{name}");
        refused(&user("verify", name, "wrong"), 1, &["not the password"]);
    }
    assert_eq!(site.status_for(BOB), 401, "the old password");
    for (name, words) in [("bob", &[][..]), ("carol", &[])] {
        let ended = user("remove", name, "");
        assert_eq!(ended.status, 0, "{}", ended.stderr);
        assert_eq!(site.status_for((name, "c")), 401);
        refused(&user("remove", name, ""), 1, &[name, "users.htpasswd"]);
        refused(&user("verify", name, "c"), 1, words);
    }
    let without = |text: &str| -> Vec<String> {
        let kept = text.lines().filter(|line| !line.starts_with("bob:"));
        kept.map(str::to_owned).collect()
    };
    assert_eq!(without(&site.read("users.htpasswd")), without(&file));
    let mode = fs::metadata(site.path("users.htpasswd"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o640);
    assert_eq!(
        fs::read_dir(site.folder())
            .unwrap()
            .filter(|entry| {
                let name = entry.as_ref().unwrap().file_name();
                name.to_string_lossy().contains("users.htpasswd")
            })
            .count(),
        1,
        "nothing is left beside it"
    );
}

#[test]
fn users_are_listed_without_their_hashes() {
    let site = Site::prepare(CONFIG);
    site.write("users.htpasswd", &(users(&[ALICE, BOB]) + "dave:!locked\n"));
    let list = site.done(&["user", "list", "--realm", "intranet"]);
    let names: Vec<&str> = list
        .lines()
        .filter_map(|line| line.split('\t').next())
        .collect();
    assert_eq!(names, ["alice", "bob", "dave"]);
    assert!(
        list.contains("bcrypt") && list.contains("locked") && !list.contains("$2"),
        "{list}"
    );
    let json = site.done(&["user", "list", "--realm", "intranet", "--json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&json[0]["name"], &json[2]["line"]),
        (&"alice".into(), &3.into())
    );
    assert!(
        json[0]["locked"].is_null() && json[2]["locked"].is_string(),
        "{json:#}"
    );
}

#[test]
fn mistakes_about_users_are_named_and_change_nothing() {
    let site = Site::prepare(CONFIG);
    let before = site.read("users.htpasswd");
    for (arguments, stdin, status, words) in [
        (
            "set --realm intranet carol",
            "",
            64,
            &["no password", "standard input"][..],
        ),
        ("set --realm intranet carol", "\n", 64, &["no password"]),
        (
            "set --realm intranet carol",
            "a\nb",
            64,
            &["control character"],
        ),
        ("set --realm intranet carol", &"x".repeat(513), 64, &["512"]),
        ("set --realm intranet a:b", "x", 64, &["a:b"]),
        ("set --realm intranet a,b", "x", 64, &["a,b"]),
        (
            "set --realm intrnet carol",
            "x",
            64,
            &["intrnet", "\"intranet\""],
        ),
        ("set --realm robots carol", "x", 64, &["robots", "htpasswd"]),
        (
            "list --realm nothing",
            "",
            64,
            &["nothing", "intranet", "robots"],
        ),
        ("remove --realm intranet nobody", "", 1, &["nobody"]),
        ("verify --realm intranet nobody", "x", 1, &["nobody"]),
        ("verify --realm intranet alice", "", 64, &["no password"]),
    ] {
        let all: Vec<&str> = ["user"].into_iter().chain(arguments.split(' ')).collect();
        refused(&site.run(&all, stdin), status, words);
    }
    assert_eq!(site.read("users.htpasswd"), before);
    // The file is made where there is none.
    fs::remove_file(site.path("users.htpasswd")).unwrap();
    let done = site.run(&["user", "set", "--realm", "intranet", "alice"], "x");
    assert_eq!(done.status, 0, "{}", done.stderr);
    let mode = fs::metadata(site.path("users.htpasswd"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(
        mode & 0o007,
        0,
        "{mode:o}: a new password file is not for everybody"
    );
}
