//! Commands: what they print, where, and the status they end with.

use std::fs;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;

use serde_json::Value;

use crate::helpers::{ALICE, CONFIG, Site, htgate, refused, run, users};

const COMMANDS: &str = "serve|demo|check|explain|snippet|doctor|reload|user set|user remove|user list|user verify|\
    key create|key import|key list|key show|key update|key rotate|key revoke|key delete";

#[test]
fn every_command_has_an_example() {
    let folder = tempfile::tempdir().unwrap();
    for command in COMMANDS.split('|') {
        let arguments: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let ended = run(&arguments, "", folder.path());
        assert_eq!((ended.status, &*ended.stderr), (0, ""), "{command}");
        assert!(
            ended.stdout.contains("Example"),
            "{command}:\n{}",
            ended.stdout
        );
        assert!(
            ended.stdout.contains(&format!("htgate {command}")),
            "{command}:\n{}",
            ended.stdout
        );
    }
    for arguments in [
        &["--help"][..],
        &["user", "--help"],
        &["key", "--help"],
        &["--version"],
    ] {
        let ended = run(arguments, "", folder.path());
        assert_eq!((ended.status, &*ended.stderr), (0, ""), "{arguments:?}");
    }
}

#[test]
fn a_wrong_command_line_is_64_with_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, words) in [
        ("", &["Usage", "serve"][..]),
        ("serv", &["serve"]),
        ("serve --confg x", &["--config"]),
        ("check --jsn", &["--json"]),
        ("user", &["set"]),
        ("key", &["create"]),
        ("key create", &["--realm", "--name"]),
        ("user set --realm", &["--realm"]),
        (
            "explain --endpoint nginx",
            &["auth-request", "forward-auth"],
        ),
        ("explain --user a --key b", &["--user", "--key"]),
        ("reload now", &["now"]),
    ] {
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        refused(&run(&arguments, "", folder.path()), 64, words);
    }
}

#[test]
fn a_configuration_that_is_not_there_is_64_and_named() {
    let folder = tempfile::tempdir().unwrap();
    for command in [
        "serve",
        "check",
        "explain",
        "key list",
        "user list --realm r",
    ] {
        let mut arguments: Vec<&str> = command.split(' ').collect();
        arguments.extend(["--config", "missing.toml"]);
        let ended = run(&arguments, "", folder.path());
        refused(
            &ended,
            64,
            &["missing.toml", "can't be read", "No such file"],
        );
    }
}

#[test]
fn every_problem_of_a_configuration_is_named_with_file_line_and_key() {
    let site = Site::prepare(CONFIG);
    let text = site.read("htgate.toml");
    let text = text
        .replacen("htpasswd =", "htpaswd =", 1)
        .replacen("policy = \"staff\"", "policy = \"stff\"", 1)
        .replacen("api_keys = true", "api_keys = 1", 1)
        + "\n[cache]\nttl = \"5 parsecs\"\n[throtle]\nfailures = 3\n";
    site.write("htgate.toml", &text);
    let line = |needle: &str| {
        let at = text.lines().position(|line| line.contains(needle)).unwrap();
        format!("htgate.toml:{}: ", at + 1)
    };
    for command in [
        "serve",
        "check",
        "explain",
        "key list",
        "user list --realm intranet",
    ] {
        let arguments: Vec<&str> = command.split(' ').collect();
        let ended = site.run(&arguments, "");
        refused(
            &ended,
            64,
            &[
                "htpaswd",
                "\"htpasswd\"",
                "staff",
                "api_keys",
                "ttl",
                "throttle",
            ],
        );
        for needle in ["htpaswd", "\"stff\"", "api_keys = 1", "ttl =", "[throtle]"] {
            assert!(
                ended.stderr.contains(&line(needle)),
                "{needle}: {}",
                ended.stderr
            );
        }
    }
    let ended = site.run(&["reload"], "");
    refused(&ended, 1, &[&line("htpaswd"), "nothing was reloaded"]);
}

#[test]
fn a_file_that_is_missing_stops_the_start_and_the_way_out_is_said() {
    for (file, key) in [("users.htpasswd", "htpasswd"), ("users.groups", "groups")] {
        let site = Site::prepare(CONFIG);
        fs::remove_file(site.path(file)).unwrap();
        for command in ["serve", "check"] {
            let ended = site.run(&[command], "");
            refused(&ended, 64, &["htgate.toml", "[realms.intranet]", key, file]);
            if file == "users.htpasswd" {
                refused(&ended, 64, &["htgate user set --realm intranet"]);
            }
        }
    }
}

#[test]
fn a_place_that_is_taken_is_74_and_named() {
    let site = Site::prepare(CONFIG);
    let port = TcpListener::bind(site.address).unwrap();
    let taken = site.address.to_string();
    refused(&site.run(&["serve"], ""), 74, &[&taken, "another program"]);
    drop(port);
    let socket = UnixListener::bind(site.path("htgate.sock")).unwrap();
    refused(
        &site.run(&["serve"], ""),
        74,
        &["htgate.sock", "listening there"],
    );
    drop(socket);
    fs::remove_file(site.path("htgate.sock")).unwrap();
    site.write("htgate.sock", "precious");
    refused(
        &site.run(&["serve"], ""),
        74,
        &["htgate.sock", "move it away"],
    );
    assert_eq!(site.read("htgate.sock"), "precious");
}

#[test]
fn the_socket_of_a_dead_service_is_no_hindrance() {
    let mut site = Site::start();
    site.signal("KILL");
    site.stop();
    site.serve("htgate.toml");
    assert_eq!(site.status_for(ALICE), 200);
}

#[test]
fn a_key_store_that_cannot_be_written_is_74_and_named() {
    for (store, make) in [
        ("folder", "folder"),
        ("no/such/keys.db", "other"),
        ("file/keys.db", "other"),
    ] {
        let site = Site::prepare(&format!(
            "{CONFIG}\n[api_keys]\nstore = \"sqlite:{store}\"\n"
        ));
        fs::create_dir(site.path(make)).unwrap();
        site.write("file", "a file");
        let create = ["key", "create", "--realm", "intranet", "--name", "n"];
        for arguments in [&["serve"][..], &create, &["key", "list"]] {
            refused(&site.run(arguments, ""), 74, &[store]);
        }
        let ended = site.run(&["check"], "");
        assert_eq!(ended.status, 1, "{ended:?}");
        assert!((ended.stdout + &ended.stderr).contains(store));
    }
}

#[test]
fn a_reload_without_a_service_is_69() {
    let mut site = Site::prepare(CONFIG);
    refused(
        &site.run(&["reload"], ""),
        69,
        &["htgate.toml", "admin.sock"],
    );
    site.serve("htgate.toml");
    assert_eq!(site.run(&["reload"], "").status, 0);
    site.stop();
    refused(
        &site.run(&["reload"], ""),
        69,
        &["htgate.toml", "admin.sock"],
    );
    // Something else that listens there is no service of ours.
    site.configure("htgate.toml", "other-", site.address, CONFIG);
    let socket = UnixListener::bind(site.path("other-admin.sock")).unwrap();
    let other = std::thread::spawn(move || drop(socket.accept()));
    refused(&site.run(&["reload"], ""), 69, &["other-admin.sock"]);
    other.join().unwrap();
}

#[test]
fn check_is_0_where_all_is_well_and_says_what_is_not() {
    let site = Site::prepare(CONFIG);
    let ended = site.run(&["check"], "");
    assert_eq!((ended.status, &*ended.stderr), (0, ""), "{ended:?}");
    assert!(
        ended.stdout.contains("bcrypt") && ended.stdout.contains(" ms"),
        "{}",
        ended.stdout
    );
    assert!(
        !site.path("htgate.sock").exists(),
        "a check leaves nothing behind"
    );

    let file = format!("{}dave:{{unknown}}x\nno colon\n", users(&[ALICE]));
    site.write("users.htpasswd", &(file + "des:rqXexS6ZhobKA\n"));
    site.write("users.groups", "staff: alice nobody\n");
    let never = "\n[[rules]]\nhosts = [\"app.example\"]\npaths = [\"/x\"]\npolicy = \"staff\"\n";
    site.configure("htgate.toml", "", site.address, &format!("{CONFIG}{never}"));
    let ended = site.run(&["check", "--json"], "");
    assert_eq!(ended.status, 0, "{ended:?}");
    let found: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(found["errors"], Value::Array(vec![]));
    let warnings = found["warnings"].to_string();
    for word in [
        "line 2",
        "line 3",
        "line 4",
        "users.groups",
        "nobody",
        "no. 4",
        "never match",
    ] {
        assert!(warnings.contains(word), "{word}: {warnings:#}");
    }
}

#[test]
fn explain_says_what_the_service_would() {
    let site = Site::start();
    let key = site.done(&[
        "key", "create", "--realm", "intranet", "--name", "ci", "--scope", "a",
    ]);
    let app = "--host app.example --method";
    for (arguments, status, policy) in [
        (format!("{app} GET --uri /public/x"), 200, "open"),
        (format!("{app} GET --uri /x"), 401, "members"),
        (format!("{app} GET --uri /x --user bob"), 200, "members"),
        (format!("{app} POST --uri /x --user bob"), 403, "staff"),
        (format!("{app} POST --uri /x --user alice"), 200, "staff"),
        (format!("{app} GET --uri /x --user nobody"), 401, "members"),
        (format!("{app} GET --uri /x --key ci"), 200, "members"),
        (
            format!("{app} GET --uri /public/..%2fx --user alice"),
            403,
            "-",
        ),
        ("--host www.example --uri /x".to_owned(), 403, "closed"),
        ("--policy writers --key ci".to_owned(), 403, "writers"),
        ("--policy lan --client 192.168.1.9".to_owned(), 200, "lan"),
        ("--policy lan --client 192.168.2.9".to_owned(), 401, "lan"),
    ] {
        for endpoint in ["auth-request", "forward-auth"] {
            let mut all = vec!["explain", "--json", "--endpoint", endpoint];
            all.extend(arguments.split(' '));
            let ended = site.run(&all, "");
            let said: Value = serde_json::from_str(&ended.stdout).expect(&ended.stderr);
            assert_eq!(said["status"], status, "{all:?}: {said:#}");
            assert_eq!(said["policy"], policy, "{all:?}: {said:#}");
            assert_eq!(ended.status, i32::from(status != 200), "{all:?}");
            let text = site.run(
                &all.iter()
                    .copied()
                    .filter(|word| *word != "--json")
                    .collect::<Vec<_>>(),
                "",
            );
            assert!(text.stdout.contains(&status.to_string()), "{}", text.stdout);
            assert!(!text.stdout.contains(&key), "{}", text.stdout);
        }
    }
    let said = site.done(&["explain", "--policy", "members", "--user", "alice"]);
    assert!(said.to_lowercase().contains("x-auth-user: alice"), "{said}");
    refused(
        &site.run(&["explain", "--policy", "members", "--key", "nobody"], ""),
        1,
        &["htgate key list"],
    );
}

#[test]
fn the_environment_names_the_configuration_and_lays_over_it() {
    let site = Site::prepare(CONFIG);
    let check = |variables: &[(&str, &str)]| {
        let mut command = htgate();
        command.arg("check").envs(variables.iter().copied());
        command.env("HTGATE_CONFIG", site.path("htgate.toml"));
        let output = command.output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code().unwrap(), said)
    };
    assert_eq!(check(&[]).0, 0);
    assert_eq!(check(&[("HTGATE_SERVER__WORKERS", "2")]).0, 0);
    for (name, value, word) in [
        ("HTGATE_SERVER__WORKERS", "many", "number"),
        ("HTGATE_SERVER__WORKER", "2", "HTGATE_SERVER__WORKERS"),
        (
            "HTGATE_REALMS__INTRANET__HTPASSWD",
            "elsewhere",
            "elsewhere",
        ),
    ] {
        let (status, said) = check(&[(name, value)]);
        assert_eq!(status, 64, "{name}: {said}");
        assert!(said.contains(word), "{name}: {said}");
    }
}

#[test]
fn check_names_weak_and_slow_entries_and_what_mends_them() {
    const HASH: &str = "$2y$04$1qx3YCQL7yvBRUsHr7n4i.i10hdGAjwkLOKM96tSud4GZrA3ILBOK";
    let site = Site::prepare(CONFIG);
    let users: Vec<String> = (1..=12)
        .map(|number| format!("u{number}:{HASH}\n"))
        .collect();
    let users = users.concat();
    site.write("users.htpasswd", &users);
    let said: Value = serde_json::from_str(&site.done(&["check", "--json"])).unwrap();
    let hashes = &said["hashes"][0];
    assert_eq!(hashes["realm"], "intranet");
    assert_eq!(hashes["kind"], "bcrypt cost 4");
    assert_eq!(hashes["entries"], 12);
    assert_eq!(hashes["verdict"], "weak");
    assert!(hashes["milliseconds"].as_f64().unwrap() < 10.0, "{hashes}");
    let text = site.done(&["check"]);
    let file = site.path("users.htpasswd").display().to_string();
    for words in [
        format!("{file}:1 u1, "),
        format!("{file}:10 u10 and 2 more; `htgate user set --realm intranet NAME`"),
        "passwords a second".to_owned(),
        "[throttle] lets 10 wrong passwords".to_owned(),
        "`user set` uses 12".to_owned(),
    ] {
        assert!(text.contains(&words), "{words}\n{text}");
    }
    assert!(!text.contains("u11"), "{text}");
}
