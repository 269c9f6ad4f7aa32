//! Nodes make and know their schema: all at once, never an older one, never another pepper's.

use std::thread;

use crate::{
    harness::{
        nodes::Node,
        postgres::{OWNER, Postgres},
    },
    pepper,
};

/// Whoever looks while another one makes the schema must see all of it or nothing: by chance, so
/// often.
const TIMES: usize = 4;

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn ten_nodes_start_at_once_on_an_empty_database() {
    let postgres = Postgres::start();
    let store = postgres.url(OWNER);
    for _ in 0..TIMES {
        postgres.restore("");
        let nodes: Vec<_> = (0..10).map(|_| Node::prepare(&store, "")).collect();
        let nodes: Vec<_> = thread::scope(|scope| {
            let start = |mut node: Node| {
                scope.spawn(|| {
                    node.htgate.serve();
                    node
                })
            };
            let starting: Vec<_> = nodes.into_iter().map(start).collect();
            let started = starting.into_iter().map(|one| one.join().unwrap());
            started.collect()
        });
        assert_eq!(postgres.value("SELECT count(*) FROM htgate.store"), "1");
        let key = nodes[0].create("k", "");
        for node in &nodes {
            assert_eq!(node.status(&key), 200);
        }
    }
}

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn ten_commands_at_once_on_an_empty_database_all_do_their_work() {
    let postgres = Postgres::start();
    let store = postgres.url(OWNER);
    let desks: Vec<_> = (0..10).map(|_| Node::prepare(&store, "")).collect();
    for _ in 0..TIMES {
        postgres.restore("");
        thread::scope(|scope| {
            for (number, desk) in desks.iter().enumerate() {
                scope.spawn(move || desk.create(&format!("k{number}"), ""));
            }
        });
        assert_eq!(postgres.value("SELECT count(*) FROM htgate.keys"), "10");
    }
}

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn a_newer_format_is_refused_and_left_as_it_is() {
    let postgres = Postgres::start();
    let node = Node::prepare(&postgres.url(OWNER), "");
    node.create("k", "");
    postgres.query("UPDATE htgate.store SET format = format + 1");
    let before = postgres.dump();
    let (status, said) = node.refuses_to_start();
    assert!(
        status.is_some_and(|status| status != 0 && status != 124),
        "{said}"
    );
    assert!(said.contains("newer"), "{said}");
    for command in ["list", "revoke k", "create --realm intranet --name other"] {
        let words: Vec<_> = ["key"].into_iter().chain(command.split(' ')).collect();
        let ended = node.htgate.output(&words, "");
        let said = String::from_utf8(ended.stderr).unwrap();
        assert!(!ended.status.success() && said.contains("newer"), "{said}");
    }
    assert_eq!(postgres.dump(), before);
}

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn nodes_of_another_pepper_are_refused() {
    let postgres = Postgres::start();
    let url = postgres.url(OWNER);
    let peppered = |secret: &str| {
        let node = Node::prepare(&format!("{url}\"\npepper_file = \"pepper"), "");
        pepper(&node, secret);
        node
    };
    let mut node = peppered("the pepper of this site");
    node.htgate.serve();
    let key = node.create("k", "");
    let mut same = peppered("the pepper of this site");
    same.htgate.serve();
    assert_eq!([&node, &same].map(|node| node.status(&key)), [200, 200]);

    let before = postgres.dump();
    for other in [
        peppered("of another site, as long"),
        Node::prepare(&url, ""),
    ] {
        let (status, said) = other.refuses_to_start();
        assert!(
            status.is_some_and(|status| status != 0 && status != 124),
            "{said}"
        );
        assert!(said.contains("pepper"), "{said}");
        let create = ["key", "create", "--realm", "intranet", "--name", "other"];
        let ended = other.htgate.output(&create, "");
        assert!(
            !ended.status.success() && ended.stdout.is_empty(),
            "{ended:?}"
        );
    }
    assert_eq!(postgres.dump(), before);
}
