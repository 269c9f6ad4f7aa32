//! A configuration that changes while a service runs: another store, another pepper, a typo.

use std::process::Command;

use crate::{
    SECOND,
    harness::{
        nodes::Node,
        postgres::{NODES, OWNER, Postgres},
        program::PROGRAM,
    },
    pepper, reload, within,
};

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn a_store_that_cannot_be_had_takes_no_other_ones_place() {
    let postgres = Postgres::start();
    let node = Node::start(&postgres.url(OWNER));
    let (known, unseen) = (node.create("known", ""), node.create("unseen", ""));
    assert_eq!(node.status(&known), 200);
    let port = postgres.address.port().to_string();
    for (from, to) in [
        (format!(":{port}/"), ":1/".to_owned()),
        ("/htgate\"".to_owned(), "/htgat\"".to_owned()),
    ] {
        let (status, said) = reload(&node, &from, &to);
        assert_eq!(status, Some(1), "{to}: {said}");
        assert!(said.contains("[api_keys] store"), "{to}: {said}");
        let answers = [&known, &unseen].map(|key| node.status(key));
        assert_eq!((answers, node.ready().0), ([200, 200], 200), "{to}");
        assert_eq!(reload(&node, &to, &from).0, Some(0));
    }
}

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn a_reload_takes_everything_but_keys_while_the_database_is_away() {
    let mut postgres = Postgres::start();
    let node = Node::start(&postgres.url(OWNER));
    let key = node.create("k", "");
    assert_eq!(node.status(&key), 200);
    postgres.stop();
    within(2 * SECOND, "stopped", || node.ready().0 == 503);
    let (status, said) = reload(&node, "Example intranet", "New");
    assert_eq!(status, Some(0), "{said}");
    let told = ["the key store is away", "everything else was read"];
    assert!(told.iter().all(|words| said.contains(words)), "{said}");
    let answer = node
        .client()
        .ask("/forward-auth/members", ("X-Nothing", "-"));
    let challenge = answer.all("WWW-Authenticate").concat();
    assert!(challenge.contains("New"), "{challenge}");
}

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn another_pepper_is_found_out_by_whoever_may_only_read() {
    let postgres = Postgres::start();
    let desk = Node::prepare(
        &format!("{}\"\npepper_file = \"pepper", postgres.url(OWNER)),
        "",
    );
    pepper(&desk, "the pepper of this site");
    let key = desk.create("k", "");
    postgres.query(&format!(
        "GRANT USAGE ON SCHEMA htgate TO {NODES};
         GRANT SELECT ON ALL TABLES IN SCHEMA htgate TO {NODES}"
    ));
    let url = postgres.url(NODES);
    let mut node = Node::prepare(&format!("{url}\"\npepper_file = \"pepper"), "");
    pepper(&node, "another one, long enough");
    let (_, said) = node.refuses_to_start();
    assert!(said.contains("another pepper"), "{said}");
    let (_, said) = Node::prepare(&url, "").refuses_to_start();
    assert!(said.contains("with a pepper"), "{said}");

    pepper(&node, "the pepper of this site");
    node.htgate.serve();
    assert_eq!(node.status(&key), 200);
    pepper(&node, "another one, long enough");
    let (status, said) = reload(&node, "[realms.intranet]", "[realms.intranet] # the same");
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("another pepper"), "{said}");
    assert_eq!(node.status(&key), 200);
}

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn a_command_tells_when_the_service_is_on_another_store() {
    let postgres = Postgres::start();
    let node = Node::start("sqlite:keys.db");
    let key = node.create("k", "");
    assert_eq!(node.status(&key), 200);
    node.key(&format!("migrate --to {}", postgres.url(OWNER)));
    // What is revoked in the new store counts in the old one, until that is changed.
    let ended = Command::new(PROGRAM)
        .args(["key", "revoke", "k", "--config"])
        .arg(node.htgate.path("htgate.toml"))
        .env("HTGATE_API_KEYS__STORE", postgres.url(OWNER))
        .output()
        .unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(69), "{said}");
    assert!(said.contains("its keys are from sqlite:"), "{said}");
    assert!(!said.contains("p@ss") && !said.contains("p%40ss"), "{said}");
    assert_eq!(node.status(&key), 200);
    let told = node.htgate.output(&["reload"], "");
    let told = String::from_utf8([told.stdout, told.stderr].concat()).unwrap();
    assert!(
        told.contains("its keys were moved to postgres://"),
        "{told}"
    );

    let (status, said) = reload(&node, "sqlite:keys.db", &postgres.url(OWNER));
    assert_eq!((status, node.status(&key)), (Some(0), 401), "{said}");
}

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn tables_that_are_gone_are_not_made_anew_under_a_running_service() {
    let postgres = Postgres::start();
    let node = Node::start(&postgres.url(OWNER));
    let (known, unseen) = (node.create("known", ""), node.create("unseen", ""));
    assert_eq!(node.status(&known), 200);
    let dump = postgres.dump();
    postgres.query("DROP SCHEMA htgate CASCADE");
    within(2 * SECOND, "dropped", || node.ready().0 == 503);
    within(SECOND, "said", || {
        node.ready().1.contains("tables are gone")
    });
    assert_eq!(node.status(&unseen), 503);
    let made = "SELECT count(*) FROM pg_namespace WHERE nspname = 'htgate'";
    assert_eq!(postgres.value(made), "0");
    postgres.restore(&dump);
    within(SECOND, "restored", || node.status(&unseen) == 200);
}
