use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::*;

fn write(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("htgate.toml");
    fs::write(&path, text).unwrap();
    (folder, path)
}

/// The problems of a text, with the folder cut off.
fn problems(text: &str, env: &[(&str, &str)]) -> Vec<String> {
    let (folder, path) = write(text);
    let shown = format!("{}/", folder.path().display());
    match Source::file(&path).with_env(env).load() {
        Ok(_) => Vec::new(),
        Err(problems) => problems
            .to_string()
            .lines()
            .map(|line| line.replace(&shown, ""))
            .collect(),
    }
}

const GOOD: &str = r#"
[realms.intranet]
htpasswd = "users.htpasswd"
api_keys = true
[policies.staff]
realm = "intranet"
require = ["group staff", "user carol"]
[[rules]]
hosts = ["app.example"]
paths = ["/public/**"]
policy = "open"
[[rules]]
policy = "staff"
"#;

/// Configurations with one mistake, and what is told of it.
const MISTAKES: &[(&str, &str)] = &[
    (
        "[server]\nlisen = []",
        "htgate.toml:2: [server] lisen: unknown key; did you mean \"listen\"?",
    ),
    (
        "[sever]\n",
        "htgate.toml:1: [sever]: unknown key; did you mean \"server\"?",
    ),
    (
        "[server]\nhtpasswd = \"x\"",
        "htgate.toml:2: [server] htpasswd: unknown key; it belongs in [realms.NAME]",
    ),
    (
        "[realms.a]\nhtpasswd = 3",
        "htgate.toml:2: [realms.a] htpasswd: must be a string in quotes",
    ),
    (
        "[server]\nlisten = \"127.0.0.1:1\"",
        "htgate.toml:2: [server] listen: must be a list of strings, such as [\"a\", \"b\"]",
    ),
    (
        "[server]\nworkers = -1",
        "htgate.toml:2: [server] workers: must be a whole number",
    ),
    (
        "[server]\nlisten = [\"9180\"]",
        "htgate.toml:2: [server] listen: \"9180\" must be \"host:port\", \"unix:/path\" or \"systemd\"",
    ),
    (
        "[server]\nsocket_mode = \"rw\"",
        "htgate.toml:2: [server] socket_mode: must be a mode in octal, such as \"0660\"",
    ),
    (
        "[server]\ntrusted_proxies = [\"0.0.0.0/0\"]",
        "htgate.toml:2: [server] trusted_proxies: a network of everybody lets anybody describe requests; name your proxies",
    ),
    (
        "[server]\nlisten = [\"h:1\"]\n[admin]\nlisten = \"h:1\"",
        "htgate.toml:4: [admin] listen: must not be one of the addresses in [server] listen",
    ),
    (
        "[realms.a]\ntitle = \"A\"",
        "htgate.toml:1: [realms] a: needs htpasswd = \"FILE\", or api_keys = true, or both",
    ),
    (
        "[realms.a]\nhtpasswd = \"u\"\noffer = [\"Bearer\"]",
        "htgate.toml:3: [realms.a] offer: Bearer is offered, but the realm has no api_keys",
    ),
    (
        "[realms.a]\nhtpasswd = \"u\"\nallow_weak = [\"md5\"]",
        "htgate.toml:3: [realms.a] allow_weak: no weak format has this name; there are \"des\" and \"plain\"",
    ),
    (
        "[throttle]\nwindow = \"500ms\"",
        "htgate.toml:2: [throttle] window: must be from 1s to a day",
    ),
    (
        "[throttle]\nwindow = \"2d\"",
        "htgate.toml:2: [throttle] window: must be from 1s to a day",
    ),
    (
        "[throttle]\nfailures = 10_000_000_000",
        "htgate.toml:2: [throttle] failures: is more than anybody can count; 0 turns it off",
    ),
    (
        "[cache]\nttl = \"5\"",
        "htgate.toml:2: [cache] ttl: \"5\" is no span of time; write a number and a unit, such as \"90s\", \"5m\" or \"1h\"",
    ),
    (
        "[api_keys]\nstore = \"keys.db\"",
        "htgate.toml:2: [api_keys] store: must be \"sqlite:FILE\" or \"postgres://user@host/database\"",
    ),
    (
        "[api_keys]\nstore = \"sqlite:\"",
        "htgate.toml:2: [api_keys] store: must be \"sqlite:FILE\" or \"postgres://user@host/database\"",
    ),
    (
        "[api_keys]\nstore = \"postgres://h/d\"",
        "htgate.toml:2: [api_keys] store: names no user; write postgres://user@host/database",
    ),
    (
        "[api_keys]\nstore = \"postgres:///d?user=u\"",
        "htgate.toml:2: [api_keys] store: names no host; write postgres://user@host/database, or ?host=/run/postgresql",
    ),
    (
        "[api_keys]\nstore = \"postgres://u@h/d?sslmode=prefer\"",
        "htgate.toml:2: [api_keys] store: sslmode=prefer may fall back to plain text or trust anybody; write sslmode=verify-full, or sslmode=disable where nobody else is on the network",
    ),
    (
        "[api_keys]\nstore = \"postgres://u@h/d?sslcert=c.pem\"",
        "htgate.toml:2: [api_keys] store: has only one of sslcert and sslkey; a client's certificate needs both",
    ),
    (
        "[api_keys]\nstore = \"postgres://u@localhost/d?sslrootcert=ca.pem\"",
        "htgate.toml:2: [api_keys] store: has sslrootcert but no TLS; add sslmode=verify-full, or leave sslrootcert out",
    ),
    (
        "[api_keys]\nstore = \"postgres://u@h/d?colour=green\"",
        "htgate.toml:2: [api_keys] store: is no PostgreSQL URL (unknown option `colour`); write postgres://user@host:5432/database, with special characters of a password as %40 for @, %2F for /, %3A for :, and so on",
    ),
    (
        "[api_keys]\nstore = \"postgres://u:s3cr@t/x@h/d\"",
        "htgate.toml:2: [api_keys] store: is no PostgreSQL URL (there is more than one @); write postgres://user@host:5432/database, with special characters of a password as %40 for @, %2F for /, %3A for :, and so on",
    ),
    (
        "[identity_headers]\nuser = \"Connection\"",
        "htgate.toml:2: [identity_headers] user: Connection has a meaning of its own; choose another name",
    ),
    (
        "[identity_headers]\nuser = \"x-auth-groups\"",
        "htgate.toml:1: [identity_headers] groups: X-Auth-Groups is taken by another of these headers",
    ),
    (
        "[policies.x]",
        "htgate.toml:1: [policies] x: names no realm; write realm = \"NAME\"",
    ),
    (
        "[realms.x]",
        "htgate.toml:1: [realms] x: needs htpasswd = \"FILE\", or api_keys = true, or both",
    ),
    (
        "[policies.\"a\\nb\"]",
        "htgate.toml:1: [policies] a\\nb: a name is lower-case letters, digits, \"-\" and \"_\", and starts with one of the first two",
    ),
    (
        "[[rules]]",
        "htgate.toml:1: [[rules]] no. 1: names no policy; write policy = \"NAME\"",
    ),
    (
        "[[rules]]\nmethods = [\"get\"]\npolicy = \"open\"",
        "htgate.toml:2: [[rules]] no. 1, methods: methods are compared with case: \"get\" is not \"GET\"",
    ),
    (
        "[server]\nlisten = []",
        "htgate.toml:2: [server] listen: names no place to listen on",
    ),
    (
        "[log]\nformat = \"xml\"",
        "htgate.toml:2: [log] format: must be \"text\", \"json\" or \"journald\"",
    ),
    (
        "[log]\nlevel = \"trace\"",
        "htgate.toml:2: [log] level: must be \"error\", \"warn\", \"info\" or \"debug\"",
    ),
    (
        "[traces]\notlp = \"https://collector:4318\"",
        "htgate.toml:2: [traces] otlp: must be the collector's \"http://host:port\", such as \"http://127.0.0.1:4318\"",
    ),
    (
        "[admin]\nlisten = \"systemd\"",
        "htgate.toml:2: [admin] listen: must be an address or a path: htgate's commands have to find it",
    ),
    (
        "[realms.a]\nhtpasswd = \"u\"\noffer = []",
        "htgate.toml:3: [realms.a] offer: offers nothing; leave it out for the default",
    ),
    (
        "[server]\nlisten = [\"127.0.0.1:9181\"]\n[admin]\nlisten = \"0.0.0.0:9181\"",
        "htgate.toml:4: [admin] listen: must not be one of the addresses in [server] listen",
    ),
    (
        "[server\n",
        "htgate.toml:1: this is no TOML: unclosed table, expected `]`",
    ),
];

#[test]
fn a_mistake_is_told_with_line_key_and_remedy() {
    for (text, told) in MISTAKES {
        assert_eq!(problems(text, &[]), [*told], "{text}");
    }
}

#[test]
fn names_are_held_against_each_other() {
    for (from, to, told) in [
        (
            "realm = \"intranet\"",
            "realm = \"intrant\"",
            "htgate.toml:6: [policies.staff] realm: no realm is called \"intrant\"; did you mean \"intranet\"?",
        ),
        (
            "policy = \"staff\"",
            "policy = \"stuff\"",
            "htgate.toml:13: [[rules]] no. 2, policy: no policy is called \"stuff\"; did you mean \"staff\"?",
        ),
        (
            "\"user carol\"",
            "\"usr carol\"",
            "htgate.toml:7: [policies.staff] require: \"usr carol\" starts with no known word; there are valid-user, user NAME, group NAME, scope NAME, key NAME and ip NETWORK",
        ),
        (
            "/public/**",
            "/public/a**",
            "htgate.toml:10: [[rules]] no. 1, paths: \"/public/a**\": \"**\" must be a whole segment, as in /public/**",
        ),
        (
            "app.example",
            "https://app.example",
            "htgate.toml:9: [[rules]] no. 1, hosts: \"https://app.example\" is not a host; write \"app.example\" or \"*.example\", without a scheme or path",
        ),
        (
            "[policies.staff]",
            "[policies.Staff]",
            "htgate.toml:5: [policies] Staff: a name is lower-case letters, digits, \"-\" and \"_\", and starts with one of the first two",
        ),
        (
            "policy = \"open\"\n",
            "",
            "htgate.toml:8: [[rules]] no. 1: names no policy; write policy = \"NAME\"",
        ),
    ] {
        let text = GOOD.replace(from, to);
        let told_all = problems(&text, &[]);
        assert!(told_all.contains(&told.to_owned()), "{told_all:#?}");
    }
}

#[test]
fn every_problem_is_told_at_once_by_line() {
    let text = "[server]\nlisen = []\nworkers = \"two\"\n[realms.a]\ntitle = \"x\\u0007\"\n\
                [[rules]]\npolicy = \"none\"\n[cache]\nttl = \"0s\"\n[throttle]\nwindow = \"2d\"\n";
    let told = problems(text, &[("HTGATE_SERVER__WORKER", "2")]);
    let starts: Vec<&str> = told
        .iter()
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    assert_eq!(
        starts,
        [
            "environment",
            "htgate.toml:2:",
            "htgate.toml:3:",
            "htgate.toml:4:",
            "htgate.toml:5:",
            "htgate.toml:7:",
            "htgate.toml:9:",
            "htgate.toml:11:"
        ],
        "{told:#?}"
    );
}

#[test]
fn the_environment_lies_over_the_file() {
    let (folder, path) = write(GOOD);
    let (settings, advice) = Source::file(&path)
        .with_env(&[
            ("HTGATE_SERVER__WORKERS", "3"),
            ("HTGATE_SERVER__LISTEN", "127.0.0.1:1,unix:gate.sock"),
            ("HTGATE_SERVER__SOCKET_MODE", "0600"),
            ("HTGATE_REALMS__INTRANET__TITLE", "By environment"),
            ("HTGATE_CACHE__TTL", ""),
        ])
        .load()
        .unwrap();
    assert_eq!(advice, Vec::<String>::new());
    assert_eq!(settings.server.workers, 3);
    assert_eq!(settings.server.socket_mode, 0o600);
    assert_eq!(
        settings.server.listen,
        [
            Listen::Tcp("127.0.0.1:1".to_owned()),
            Listen::Unix(folder.path().join("gate.sock"))
        ]
    );
    let realm = settings.realm("intranet").unwrap();
    assert_eq!(realm.title.as_str(), "By environment");
    assert_eq!(realm.htpasswd, Some(folder.path().join("users.htpasswd")));
    assert_eq!(settings.cache.ttl.as_secs(), 300);
    let guesses = settings.throttle.unwrap();
    assert_eq!((guesses.failures.get(), guesses.window.as_secs()), (10, 60));
    assert!(
        settings
            .realm("intrant")
            .unwrap_err()
            .contains("did you mean \"intranet\"?")
    );

    for (name, value, told) in [
        (
            "HTGATE_SERVER__WORKER",
            "1",
            "environment variable HTGATE_SERVER__WORKER: no key has this name; did you mean \"HTGATE_SERVER__WORKERS\"?",
        ),
        (
            "HTGATE_SERVER__WORKERS",
            "two",
            "environment variable HTGATE_SERVER__WORKERS: must be a whole number",
        ),
        (
            "HTGATE_CACHE__TTL",
            "5 minutes",
            "environment variable HTGATE_CACHE__TTL: \"5 minutes\" is no span of time; write a number and a unit, such as \"90s\", \"5m\" or \"1h\"",
        ),
    ] {
        assert_eq!(problems(GOOD, &[(name, value)]), [told]);
    }
}

#[test]
fn files_must_be_there_when_the_service_starts() {
    let (_folder, path) = write(GOOD);
    let (settings, _) = Source::file(&path).load().unwrap();
    let told = settings.usable().unwrap_err().to_string();
    assert!(
        told.contains("htgate.toml:3: [realms.intranet] htpasswd: can't read"),
        "{told}"
    );
    assert!(
        told.contains("htgate user set --realm intranet NAME"),
        "{told}"
    );
}

#[test]
fn no_failures_turn_the_throttle_off() {
    let (_folder, path) = write(&format!("{GOOD}[throttle]\nfailures = 0\n"));
    let (settings, _) = Source::file(&path).load().unwrap();
    assert_eq!(settings.throttle, None);
}

#[test]
fn whoever_can_write_the_files_could_let_themselves_in() {
    let (folder, path) = write(GOOD);
    let [users, store] = ["users.htpasswd", "keys.db"].map(|name| folder.path().join(name));
    fs::write(&users, "").unwrap();
    fs::write(&store, "").unwrap();
    let told = |file: &Path, mode| {
        fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
        let (settings, _) = Source::file(&path).load().unwrap();
        settings.usable().map_err(|told| told.to_string())
    };
    for (file, place) in [
        (&users, "htgate.toml:3: [realms.intranet] htpasswd: "),
        (&store, "htgate.toml: [api_keys] store: "),
        (&path, "htgate.toml: "),
    ] {
        let complaint = told(file, 0o666).unwrap_err();
        assert!(complaint.contains(place), "{complaint}");
        assert!(
            complaint.contains("can be written by everybody"),
            "{complaint}"
        );
        assert_eq!(told(file, 0o664), Ok(()), "whoever may edit it");
    }
}

#[test]
fn the_shipped_example_loads_and_explains_every_key() {
    let text = include_str!("../../deploy/htgate.toml");
    assert_eq!(problems(text, &[]), Vec::<String>::new());
    for (key, _) in schema::KEYS {
        let name = key.rsplit('.').next().unwrap();
        let line = |line: &str| {
            line.trim_start_matches("# ")
                .starts_with(&format!("{name} = "))
        };
        assert!(
            text.lines().any(line),
            "deploy/htgate.toml does not explain {key}"
        );
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_loading_panic(text in "\\PC{0,200}", key in "[a-z.\\[\\]\"= ]{0,40}") {
        let (_folder, path) = write(&format!("{text}\n[realms.{key}]\n{key} = \"{text}\"\n"));
        drop(Source::file(&path).load());
    }
}
