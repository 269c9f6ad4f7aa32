//! Getting in: URLs, passwords and roles; and what is said when it fails.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
};

use crate::{
    SECOND,
    harness::{
        nodes::{Node, unknown_key},
        postgres::{NODES, OWNER, PASSWORD, Postgres},
    },
    within,
};

/// No text shows it, encoded or not.
fn assert_no_password(said: &str) {
    for password in ["p@ss:word", PASSWORD, "p@ss"] {
        assert!(!said.contains(password), "{said}");
    }
}

/// That a service and commands work on this store.
pub(crate) fn assert_works(store: &str) {
    let node = Node::start(store);
    let key = node.create("k", "");
    assert_eq!(node.status(&key), 200, "{store}");
    node.key("delete k");
    assert_eq!(node.status(&key), 401, "{store}");
    assert_no_password(&node.htgate.log());
}

/// That neither works, and that all these words are said.
pub(crate) fn assert_refused(store: &str, words: &[&str]) {
    let node = Node::prepare(store, "");
    let (status, said) = node.refuses_to_start();
    let ended = status.is_some_and(|status| status != 0 && status != 124);
    assert!(ended, "{store}: {status:?} {said}");
    assert_said(&node, &said, words);
}

/// That commands don't work, and a service serves users alone, with all these words said.
pub(crate) fn assert_kept_out(store: &str, words: &[&str]) {
    let mut node = Node::prepare(store, "");
    node.htgate.serve_unready();
    let given = (node.user_status(), node.status(&unknown_key()));
    assert_eq!(given, (200, 503), "{store}");
    let (status, said) = node.ready();
    assert_eq!(status, 503, "{store}");
    assert_said(&node, &said, words);
}

/// That these words were said, and are by commands.
fn assert_said(node: &Node, said: &str, words: &[&str]) {
    let commands = [&["key", "list"][..], &["check"]].map(|command| {
        let ended = node.htgate.output(command, "");
        assert!(!ended.status.success(), "{command:?}: {ended:?}");
        String::from_utf8([ended.stdout, ended.stderr].concat()).unwrap()
    });
    for said in commands.iter().map(String::as_str).chain([said]) {
        for word in words {
            let found = said.to_lowercase().contains(&word.to_lowercase());
            assert!(found, "no {word:?} in {said}");
        }
        assert_no_password(said);
    }
}

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn every_way_in_that_libpq_has() {
    let postgres = Postgres::start();
    let (address, port) = (postgres.address, postgres.address.port());
    let folder = tempfile::tempdir().unwrap();
    let passfile = folder.path().join("pgpass");
    let line = "127.0.0.1:*:htgate:htgate:p@ss\\:word\n";
    fs::write(&passfile, format!("# comment\nother:*:*:*:x\n{line}")).unwrap();
    fs::set_permissions(&passfile, Permissions::from_mode(0o640)).unwrap();
    let (passfile, socket) = (passfile.display(), postgres.socket_folder().display());
    for store in [
        postgres.url(OWNER),
        postgres.url(OWNER).replace("postgres:", "postgresql:"),
        format!("{}?sslmode=disable", postgres.url(OWNER)),
        format!("postgres://htgate@{address}/htgate?passfile={passfile}"),
        format!("postgres://htgate:{PASSWORD}@localhost:{port}/htgate"),
        format!("postgres://htgate@/htgate?host={socket}&port={port}"),
        // The first of them is away.
        format!("postgres://htgate:{PASSWORD}@127.0.0.1:1,{address}/htgate"),
    ] {
        assert_works(&store);
    }
}

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn who_is_not_let_in_is_told_why() {
    let postgres = Postgres::start();
    let address = postgres.address;
    let url = postgres.url(OWNER);
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("pgpass");
    fs::write(&empty, "elsewhere:*:*:*:p@ss\n").unwrap();
    fs::set_permissions(&empty, Permissions::from_mode(0o640)).unwrap();
    for (store, words) in [
        (
            url.replace(PASSWORD, "wrong"),
            &["password", "htgate", "`store`"][..],
        ),
        (
            url.replace(&format!(":{PASSWORD}"), ""),
            &["password missing", "passfile="],
        ),
        (
            format!("postgres://nobody:{PASSWORD}@{address}/htgate"),
            &["nobody"],
        ),
        (
            format!("postgres://htgate:{PASSWORD}@{address}/nowhere"),
            &["nowhere"],
        ),
        (format!("{url}?sslmode=require"), &["tls"]),
        (
            format!(
                "postgres://htgate@{address}/htgate?passfile={}",
                empty.display()
            ),
            &["pgpass", "no line fits"],
        ),
    ] {
        assert_kept_out(&store, words);
    }
    let open = folder.path().join("open");
    fs::write(&open, "*:*:*:*:p@ss\n").unwrap();
    fs::set_permissions(&open, Permissions::from_mode(0o644)).unwrap();
    let by_open = format!(
        "postgres://htgate@{address}/htgate?passfile={}",
        open.display()
    );
    let (status, said) = Node::prepare(&by_open, "").refuses_to_start();
    assert_eq!(status, Some(64), "{said}");
    assert!(
        said.contains("open is open to others; chmod 0640"),
        "{said}"
    );
    for (store, words) in [
        (format!("{url}?sslmode=prefer"), &["sslmode"][..]),
        (format!("{url}?sslmode=allow"), &["sslmode"]),
        (format!("{url}?sslmode=off"), &["sslmode"]),
        (format!("{url}?sslrootcert=root.pem"), &["sslrootcert"]),
        (
            format!("{url}?sslmode=require&sslrootcert=gone.pem"),
            &["gone.pem"],
        ),
        (
            format!("postgres://htgate@{address}/htgate?passfile=gone"),
            &["gone"],
        ),
        (
            "postgres://htgate:p@ss:word@127.0.0.1/htgate".to_owned(),
            &["postgres"],
        ),
    ] {
        assert_refused(&store, words);
    }
}

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn nodes_get_by_with_few_rights() {
    let postgres = Postgres::start();
    assert_kept_out(&postgres.url(NODES), &["htgate"]); // it can't make the schema
    let desk = Node::prepare(&postgres.url(OWNER), "");
    let key = desk.create("k", "");
    postgres.query(&format!(
        "GRANT USAGE ON SCHEMA htgate TO {NODES};
         GRANT SELECT ON ALL TABLES IN SCHEMA htgate TO {NODES};
         GRANT UPDATE (last_used) ON htgate.keys TO {NODES}"
    ));
    let mut node = Node::start(&postgres.url(NODES));
    assert_eq!(node.status(&key), 200);
    let before = postgres.dump();
    for command in [
        "revoke k",
        "rotate k",
        "delete k",
        "create --realm intranet --name l",
    ] {
        let words: Vec<_> = ["key"].into_iter().chain(command.split(' ')).collect();
        let ended = node.htgate.output(&words, "");
        let said = String::from_utf8(ended.stderr).unwrap();
        assert!(
            !ended.status.success() && said.contains("permission denied"),
            "{said}"
        );
    }
    assert_eq!(postgres.dump(), before);
    assert_eq!(
        (node.status(&key), node.show("k")["state"].as_str()),
        (200, Some("active"))
    );
    node.htgate.process().terminate();
    let used = "SELECT last_used IS NOT NULL FROM htgate.keys";
    assert_eq!(postgres.value(used), "t");
    node.htgate.serve();
    desk.key("revoke k");
    within(SECOND, "revoke", || node.status(&key) == 401);
}

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn a_password_that_changes_ends_nothing_that_is_open() {
    let postgres = Postgres::start();
    let folder = tempfile::tempdir().unwrap();
    let passfile = folder.path().join("pgpass");
    let write = |password: &str| {
        fs::write(&passfile, format!("*:*:*:*:{password}\n")).unwrap();
        fs::set_permissions(&passfile, Permissions::from_mode(0o600)).unwrap();
    };
    write("p@ss\\:word");
    let address = postgres.address;
    let node = Node::start(&format!(
        "postgres://htgate@{address}/htgate?passfile={}",
        passfile.display()
    ));
    let key = node.create("k", "");
    postgres.query("ALTER ROLE htgate PASSWORD 'another'");
    assert_eq!((node.status(&key), node.ready().0), (200, 200));
    // It is read again for each connection.
    write("another");
    assert!(postgres.terminate_connections() > 0);
    let sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'htgate'";
    within(SECOND, "the new one", || postgres.value(sessions) == "1");
    within(SECOND, "the new one", || node.ready().0 == 200);
    let new = node.create("l", "");
    assert_eq!((node.status(&key), node.status(&new)), (200, 200));
}
