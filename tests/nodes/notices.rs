//! Notifications that don't arrive: a node finds out by itself, and asks anew.

use std::{thread, time::Duration};

use crate::{
    SECOND,
    harness::{
        nodes::{Node, nodes},
        postgres::{OWNER, Postgres},
        relay::Relay,
    },
    within,
};

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn a_change_that_nobody_told_is_noticed() {
    let postgres = Postgres::start();
    let node = Node::start(&postgres.url(OWNER));
    let key = node.create("k", "");
    assert_eq!(node.status(&key), 200);
    postgres.query(
        "BEGIN;
         ALTER TABLE htgate.keys DISABLE TRIGGER ALL;
         UPDATE htgate.keys SET revoked = 1;
         ALTER TABLE htgate.keys ENABLE TRIGGER ALL;
         UPDATE htgate.store SET changes = changes + 1, stamp = gen_random_uuid();
         COMMIT",
    );
    within(SECOND, "a counter that went on", || {
        node.status(&key) == 401
    });
}

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn a_change_by_hand_is_noticed_like_any_other() {
    let postgres = Postgres::start();
    let node = Node::start(&postgres.url(OWNER));
    let by_hand = [
        "UPDATE htgate.keys SET revoked = 1",
        "UPDATE htgate.keys SET expires = 1",
        "UPDATE htgate.keys SET realm = 'other'",
        "UPDATE htgate.keys SET networks = '10.0.0.0/8'",
        "UPDATE htgate.secrets SET not_after = 1",
        "DELETE FROM htgate.secrets",
        "DELETE FROM htgate.keys",
        "TRUNCATE htgate.secrets",
        "TRUNCATE htgate.keys CASCADE",
    ];
    for (number, sql) in by_hand.into_iter().enumerate() {
        let key = node.create(&format!("k{number}"), "");
        assert_eq!(node.status(&key), 200, "before {sql}");
        postgres.query(sql);
        within(SECOND, sql, || node.status(&key) == 401);
    }
}

/// Ways to lose the connection over which notifications come.
type Loss = (&'static str, fn(&Postgres, &Relay));

const LOSSES: [Loss; 3] = [
    ("its session is ended", |postgres, _| {
        assert!(postgres.terminate_connections() > 0);
    }),
    ("its connection is cut", |_, relay| relay.cut()),
    ("its connection leads nowhere", |_, relay| relay.lose()),
];

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn a_node_that_loses_its_connection_misses_nothing() {
    let postgres = Postgres::start();
    let relay = Relay::over_tcp(postgres.address);
    let desk = Node::prepare(&postgres.url(OWNER), "");
    let there = Node::start(&postgres.url_via(OWNER, relay.address));
    for (number, (how, lose)) in LOSSES.into_iter().enumerate() {
        for before in [true, false] {
            let name = format!("k{number}{before}");
            let key = desk.create(&name, "");
            assert_eq!(there.status(&key), 200);
            if before {
                lose(&postgres, &relay);
            }
            desk.key(&format!("revoke {name}"));
            if !before {
                lose(&postgres, &relay);
            }
            // One that leads nowhere is only given up when it is silent for a second.
            let limit = if how.ends_with("nowhere") {
                2 * SECOND
            } else {
                SECOND
            };
            within(limit, how, || there.status(&key) == 401);
            within(limit, how, || there.ready().0 == 200);
        }
    }
}

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn a_change_while_the_network_hangs_is_there_when_it_goes_on() {
    let postgres = Postgres::start();
    let relay = Relay::over_tcp(postgres.address);
    let here = Node::start(&postgres.url(OWNER));
    let there = Node::start(&postgres.url_via(OWNER, relay.address));
    for pause in [300, 700, 1500, 3000] {
        let name = format!("k{pause}");
        let key = here.create(&name, "");
        assert_eq!(there.status(&key), 200);
        relay.hold();
        here.key(&format!("revoke {name}"));
        thread::sleep(Duration::from_millis(pause));
        relay.heal();
        within(SECOND, &name, || there.status(&key) == 401);
        within(SECOND, &name, || there.ready().0 == 200);
    }
}

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn a_backup_that_is_restored_is_all_that_counts() {
    let postgres = Postgres::start();
    let nodes = nodes(2, &postgres.url(OWNER));
    let old = nodes[0].create("old", "");
    let backup = postgres.dump();
    nodes[0].key("revoke old");
    let new = nodes[0].create("new", "");
    for node in &nodes {
        within(SECOND, "revoke", || node.status(&old) == 401);
        assert_eq!(node.status(&new), 200);
    }
    postgres.restore(&backup);
    for node in &nodes {
        within(SECOND, "a key that is not in it", || {
            node.status(&new) == 401
        });
        within(SECOND, "a key as it is in it", || node.status(&old) == 200);
    }
}

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn a_backup_with_as_many_changes_is_told_apart() {
    let postgres = Postgres::start();
    let relay = Relay::over_tcp(postgres.address);
    let desk = Node::prepare(&postgres.url(OWNER), "");
    let node = Node::start(&postgres.url_via(OWNER, relay.address));
    desk.create("old", "");
    let backup = postgres.dump();
    let new = desk.create("new", "");
    desk.key("update old --scope a");
    let changes = "SELECT changes FROM htgate.store";
    let before = postgres.value(changes);
    within(SECOND, "new", || node.status(&new) == 200);
    // The node sees nothing in between.
    relay.hold();
    postgres.restore(&backup);
    desk.key("update old --scope b");
    assert_eq!(postgres.value(changes), before);
    relay.heal();
    within(SECOND, "a key of another time", || node.status(&new) == 401);
}
