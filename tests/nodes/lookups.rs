//! What a node asks the database: nothing for who is known, one thing once for who is not.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::{
    SECOND,
    harness::{
        http::{Connection, request},
        nodes::{Node, unknown_key},
        postgres::{OWNER, Postgres},
    },
    within,
};

/// Counts statements, once they are counted at all.
fn counting() -> Postgres {
    let postgres = Postgres::start();
    postgres.query("CREATE EXTENSION pg_stat_statements");
    postgres
}

/// How many look-ups of a key the server has done.
fn lookups(postgres: &Postgres) -> u64 {
    calls(postgres, "query ~* '^\\s*select.*htgate\\.secrets'")
}

fn calls(postgres: &Postgres, which: &str) -> u64 {
    let calls = "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements WHERE";
    let ours = "query !~ 'pg_stat_statements'";
    let count = postgres.value(&format!("{calls} {ours} AND {which}"));
    count.parse().unwrap()
}

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn a_key_is_looked_up_once_and_then_known() {
    let postgres = counting();
    let node = Node::start(&postgres.url(OWNER));
    let keys: Vec<_> = (0..20).map(|n| node.create(&format!("k{n}"), "")).collect();
    let before = lookups(&postgres);
    let mut client = node.client();
    for key in &keys {
        assert_eq!(client.key(key).status, 200);
    }
    assert_eq!(lookups(&postgres) - before, 20);
    for key in keys.iter().cycle().take(2_000) {
        assert_eq!(client.key(key).status, 200);
    }
    assert_eq!(lookups(&postgres) - before, 20);
    // One that changes is looked up once more, and no other.
    node.key("update k7 --scope a");
    for key in keys.iter().cycle().take(200) {
        assert_eq!(client.key(key).status, 200);
    }
    assert_eq!(lookups(&postgres) - before, 21);
}

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn a_wrong_check_is_refused_without_a_look() {
    let postgres = counting();
    let node = Node::start(&postgres.url(OWNER));
    let before = lookups(&postgres);
    let mut client = node.client();
    for _ in 0..1_000 {
        let mut key = unknown_key();
        let last = key.pop().unwrap();
        key.push(if last == '0' { '1' } else { '0' });
        assert_eq!(client.key(&key).status, 401);
    }
    assert_eq!(lookups(&postgres), before);
    assert_eq!(client.key(&unknown_key()).status, 401);
    assert_eq!(lookups(&postgres), before + 1);
}

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn a_flood_of_keys_that_nobody_made_leaves_room_for_others() {
    let postgres = counting();
    let node = Node::start(&postgres.url(OWNER));
    let known = node.create("known", "");
    assert_eq!(node.status(&known), 200);
    let before = lookups(&postgres);
    let flood = 4_000;
    thread::scope(|scope| {
        let flooding: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let mut client = node.client();
                    for _ in 0..flood / 8 {
                        assert_eq!(client.key(&unknown_key()).status, 401);
                    }
                })
            })
            .collect();
        let mut rounds = 0;
        while flooding.iter().any(|one| !one.is_finished()) && rounds < 10 {
            let fresh = node.create(&format!("fresh{rounds}"), "");
            assert_eq!((node.status(&fresh), node.status(&known)), (200, 200));
            assert_eq!((node.user_status(), node.ready().0), (200, 200));
            rounds += 1;
        }
        assert!(rounds > 0, "the flood was over too soon");
    });
    let asked = lookups(&postgres) - before;
    assert!(asked <= flood + 40, "{asked} for {flood}"); // and commands look, too
    let sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'htgate'";
    assert_eq!(postgres.value(sessions), "1");
}

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn what_waits_for_a_database_that_hangs_is_bounded() {
    let postgres = Postgres::start();
    let node = Node::start(&postgres.url(OWNER));
    let (known, unseen) = (node.create("known", ""), node.create("unseen", ""));
    assert_eq!(node.status(&known), 200);
    postgres.pause();
    let started = Instant::now();
    let mut waiting: Vec<_> = (0..1_400)
        .map(|_| {
            let mut connection = Connection::open(node.htgate.address);
            let key = unknown_key();
            let headers = [("Host", "htgate"), ("X-API-Key", &*key)];
            let question = request("GET", "/forward-auth/members", &headers, b"");
            connection.send(&question).unwrap();
            connection
        })
        .collect();
    assert_eq!((node.status(&known), node.user_status()), (200, 200));
    for connection in &mut waiting {
        assert_eq!(connection.answer(false).unwrap().status, 503);
    }
    let took = started.elapsed();
    assert!(took < 5 * SECOND, "{took:?}");
    postgres.resume();
    within(SECOND, "its return", || node.status(&unseen) == 200);
}

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn last_uses_are_written_together() {
    let postgres = counting();
    let mut node = Node::start(&postgres.url(OWNER));
    let keys: Vec<_> = (0..30).map(|n| node.create(&format!("k{n}"), "")).collect();
    let updates = || calls(&postgres, "query ~* 'update.*last_used'");
    let before = updates();
    let mut client = node.client();
    for key in keys.iter().cycle().take(300) {
        assert_eq!(client.key(key).status, 200);
    }
    drop(client);
    node.htgate.process().terminate();
    let used = "SELECT count(*) FROM htgate.keys WHERE last_used IS NOT NULL";
    assert_eq!(postgres.value(used), "30");
    let statements = updates() - before;
    assert!((1..=2).contains(&statements), "{statements}");
    // That is no change that anybody has to hear of.
    assert_eq!(postgres.value("SELECT changes FROM htgate.store"), "0");
}

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn idle_nodes_ask_little() {
    let postgres = counting();
    let _node = Node::start(&postgres.url(OWNER));
    let all = || calls(&postgres, "true");
    let before = all();
    thread::sleep(Duration::from_secs(3));
    // Four heartbeats a second.
    let asked = all() - before;
    assert!((6..=16).contains(&asked), "{asked} statements in 3 s");
}
