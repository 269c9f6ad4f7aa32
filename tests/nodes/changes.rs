//! What one machine changes counts there when its command returns, and everywhere within a second.

use std::thread;

use crate::{
    SECOND,
    harness::{
        eventually,
        nodes::{Node, nodes, unknown_key},
        postgres::{OWNER, Postgres},
        relay::Relay,
    },
    within,
};

/// A change of the key `K`: what it is made with, the command, and what the policy answers before
/// and after.
type Case = (&'static str, &'static str, &'static str, [u16; 2]);

const CASES: [Case; 10] = [
    ("", "revoke K", "members", [200, 401]),
    ("", "delete K", "members", [200, 401]),
    ("", "rotate K --grace 0s", "members", [200, 401]),
    ("", "update K --expires 2020-01-01", "members", [200, 401]),
    ("", "update K --ip 10.0.0.0/8", "members", [200, 401]),
    (
        "--ip 10.0.0.0/8",
        "update K --ip ::/0 --ip 0.0.0.0/0",
        "members",
        [401, 200],
    ),
    ("", "update K --scope staff", "staff", [403, 200]),
    (
        "--scope staff",
        "update K --scope other",
        "staff",
        [200, 403],
    ),
    ("", "update K --owner alice", "staff", [403, 200]),
    ("--owner alice", "update K --owner bob", "staff", [200, 403]),
];

fn status(node: &Node, policy: &str, key: &str) -> u16 {
    let endpoint = format!("/forward-auth/{policy}");
    node.client().ask(&endpoint, ("X-API-Key", key)).status
}

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn every_change_reaches_every_node() {
    let postgres = Postgres::start();
    let nodes = nodes(3, &postgres.url(OWNER));
    for (number, (options, command, policy, [before, after])) in CASES.into_iter().enumerate() {
        let name = format!("k{number}");
        let (here, there) = (number % 3, [(number + 1) % 3, (number + 2) % 3]);
        let key = nodes[here].create(&name, options);
        // The second time, they have it in memory.
        for node in nodes.iter().chain(&nodes) {
            assert_eq!(status(node, policy, &key), before, "before {command}");
        }
        nodes[here].key(&command.replace('K', &name));
        assert_eq!(status(&nodes[here], policy, &key), after, "after {command}");
        for other in there {
            within(SECOND, command, || {
                status(&nodes[other], policy, &key) == after
            });
        }
        for node in &nodes {
            assert_eq!(status(node, policy, &key), after, "later, {command}");
        }
    }
}

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn a_key_counts_on_every_node_as_soon_as_it_is_made() {
    let postgres = Postgres::start();
    let nodes = nodes(3, &postgres.url(OWNER));
    for round in 0..10 {
        let name = format!("k{round}");
        let key = nodes[round % 3].create(&name, "");
        let second = nodes[round % 3].key(&format!("rotate {name} --grace 1h"));
        for node in &nodes {
            assert_eq!([&key, &second].map(|key| node.status(key)), [200, 200]);
        }
    }
    // Nobody remembers that a key was not there.
    for round in 0..10 {
        let key = unknown_key();
        for node in &nodes {
            assert_eq!(node.status(&key), 401);
        }
        let name = format!("import{round}");
        let import = ["key", "import", "--realm", "intranet", "--name", &name];
        nodes[round % 3].htgate.run(&import, &key);
        for node in &nodes {
            assert_eq!(node.status(&key), 200);
        }
    }
}

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn a_change_counts_at_once_where_its_command_ran() {
    let postgres = Postgres::start();
    let node = Node::start(&postgres.url(OWNER));
    for round in 0..20 {
        let name = format!("k{round}");
        let key = node.create(&name, "");
        let asked = thread::scope(|scope| {
            let revoking = scope.spawn(|| node.key(&format!("revoke {name}")));
            let mut client = node.client();
            let mut asked = 0;
            while !revoking.is_finished() {
                client.key(&key);
                asked += 1;
            }
            revoking.join().unwrap();
            asked
        });
        assert_eq!(node.status(&key), 401, "after {asked} requests meanwhile");
    }
}

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn a_machine_without_a_service_changes_keys_too() {
    let postgres = Postgres::start();
    let desk = Node::prepare(&postgres.url(OWNER), "");
    let key = desk.create("k", "");
    let node = Node::start(&postgres.url(OWNER));
    assert_eq!(node.status(&key), 200);
    desk.key("revoke k");
    within(SECOND, "revoke", || node.status(&key) == 401);
}

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn changes_on_all_machines_at_once_are_all_made() {
    let postgres = Postgres::start();
    let store = postgres.url(OWNER);
    let desks: Vec<_> = (0..6).map(|_| Node::prepare(&store, "")).collect();
    // What an administrator may have set for all programs.
    for level in ["read committed", "repeatable read", "serializable"] {
        let set = "ALTER DATABASE htgate SET default_transaction_isolation =";
        postgres.query(&format!("{set} '{level}'"));
        postgres.restore("");
        thread::scope(|scope| {
            for (number, desk) in desks.iter().enumerate() {
                scope.spawn(move || {
                    desk.create(&format!("k{number}"), "");
                    desk.key(&format!("update k{number} --scope a"));
                    desk.key(&format!("revoke k{number}"));
                });
            }
        });
        let made = "SELECT count(*) FROM htgate.keys WHERE scopes = 'a' AND revoked > 0";
        assert_eq!(postgres.value(made), "6", "{level}");
        assert_eq!(
            postgres.value("SELECT changes FROM htgate.store"),
            "12",
            "{level}"
        );
    }
}

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn a_machine_that_vanishes_amid_a_change_does_not_hold_up_the_others() {
    let postgres = Postgres::start();
    let relay = Relay::over_tcp(postgres.address);
    let here = Node::prepare(&postgres.url(OWNER), "");
    let there = Node::prepare(&postgres.url_via(OWNER, relay.address), "");
    here.create("k", "");
    // The change has begun, and can't go on.
    let session = postgres.session();
    session.run("BEGIN; LOCK TABLE htgate.keys");
    let mut change = there.htgate.spawn(&["key", "update", "k", "--scope", "a"]);
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted";
    assert!(eventually(10 * SECOND, || postgres.value(waiting) == "1"));
    relay.lose();
    change.kill().unwrap();
    change.wait().unwrap();
    session.run("ROLLBACK");
    let revoke = || {
        here.htgate
            .output(&["key", "revoke", "k"], "")
            .status
            .success()
    };
    within(30 * SECOND, "the change of another machine", revoke);
}
