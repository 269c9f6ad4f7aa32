//! The database is away: who is known goes on for a while, who is not is told so at once, and users
//! notice nothing.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::{
    SECOND,
    harness::{
        eventually,
        nodes::{Node, unknown_key},
        postgres::{OWNER, Postgres},
        relay::Relay,
    },
    within,
};

/// How long keys in memory count here.
const TTL: Duration = Duration::from_secs(4);
const SETTINGS: &str = "\n[cache]\noffline_ttl = \"4s\"\n";

/// The longest answer while the database is known to be away.
const PROMPT: Duration = Duration::from_millis(50);

/// How a database goes, and how it comes back.
type Way = (
    &'static str,
    fn(&mut Postgres, &Relay),
    fn(&mut Postgres, &Relay),
);

const WAYS: [Way; 4] = [
    ("stopped", |db, _| db.stop(), |db, _| db.serve()),
    ("killed", |db, _| db.kill(), |db, _| db.serve()),
    ("paused", |db, _| db.pause(), |db, _| db.resume()),
    ("cut off", |_, relay| relay.hold(), |_, relay| relay.heal()),
];

/// How often the log says this.
fn told(node: &Node, words: &str) -> usize {
    node.htgate.log().matches(words).count()
}

/// The status for nginx, with what it stands for.
fn for_nginx(node: &Node, key: &str) -> (u16, String) {
    let answer = node
        .client()
        .ask("/auth-request/members", ("X-API-Key", key));
    let meant = answer.all("X-Auth-Status").concat();
    (answer.status, meant)
}

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn known_keys_go_on_for_a_while_and_users_for_good() {
    let mut postgres = Postgres::start();
    let relay = Relay::over_tcp(postgres.address);
    let node = Node::start_with(&postgres.url_via(OWNER, relay.address), SETTINGS);
    for (number, (how, leave, come_back)) in WAYS.into_iter().enumerate() {
        let known = node.create(&format!("known {how}").replace(' ', "-"), "");
        let unseen = node.create(&format!("unseen {how}").replace(' ', "-"), "");
        assert_eq!((node.status(&known), node.user_status()), (200, 200));
        let gone = Instant::now();
        leave(&mut postgres, &relay);

        within(2 * SECOND, how, || node.ready().0 == 503);
        let reason = node.ready().1;
        assert!(reason.contains("postgres://htgate@"), "{how}: {reason}");
        let words = "the key store is away";
        within(SECOND, how, || told(&node, words) == number + 1);
        assert_unavailable(&node, how, &unseen);

        let goes_on = || {
            assert_eq!(node.user_status(), 200, "{how}");
            node.status(&known) == 200
        };
        assert!(goes_on(), "{how}");
        within(TTL, how, || !goes_on());
        let lasted = gone.elapsed();
        // Since the store was heard of, which is up to a heartbeat before it went.
        let least = TTL.checked_sub(Duration::from_millis(500)).unwrap();
        assert!((least..TTL + PROMPT).contains(&lasted), "{how}: {lasted:?}");
        assert_unavailable(&node, how, &known);
        assert_eq!(node.user_status(), 200, "{how}");

        come_back(&mut postgres, &relay);
        within(SECOND, how, || node.status(&known) == 200);
        within(SECOND, how, || node.ready() == (200, "ready\n".to_owned()));
        assert_eq!(
            (node.status(&unseen), node.status(&unknown_key())),
            (200, 401)
        );
        let words = "the key store is back";
        within(SECOND, how, || told(&node, words) == number + 1);
        assert_eq!(told(&node, "the key store is away"), number + 1, "{how}");
    }
}

/// Says of a key, promptly, that it can't be looked up.
fn assert_unavailable(node: &Node, how: &str, key: &str) {
    let mut client = node.client();
    let mut took: Vec<_> = (0..21)
        .map(|_| {
            let started = Instant::now();
            assert_eq!(client.key(key).status, 503, "{how}");
            assert_eq!(client.key(&unknown_key()).status, 503, "{how}");
            started.elapsed() / 2
        })
        .collect();
    took.sort();
    // Other tests run beside this one: now and then, anything takes long.
    assert!(took[10] < PROMPT, "{how}: {took:?}");
    assert_eq!(for_nginx(node, key), (403, "503".to_owned()), "{how}");
}

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn a_moment_of_silence_is_not_an_absence() {
    let postgres = Postgres::start();
    let node = Node::start_with(&postgres.url(OWNER), SETTINGS);
    let (known, unseen) = (node.create("known", ""), node.create("unseen", ""));
    assert_eq!(node.status(&known), 200);
    postgres.pause();
    let asking = thread::scope(|scope| {
        let asking = scope.spawn(|| node.status(&unseen));
        let until = Instant::now() + Duration::from_millis(500);
        while Instant::now() < until {
            assert_eq!((node.status(&known), node.user_status()), (200, 200));
        }
        postgres.resume();
        asking.join().unwrap()
    });
    assert_eq!((asking, node.ready().0), (200, 200));
    assert_eq!(told(&node, "the key store is away"), 0);
}

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn a_service_starts_without_its_database() {
    for (what, keys) in [("empty", false), ("as it was left", true)] {
        let mut postgres = Postgres::start();
        let mut node = Node::prepare(&postgres.url(OWNER), SETTINGS);
        let key = if keys {
            node.create("k", "")
        } else {
            unknown_key()
        };
        postgres.stop();
        node.htgate.serve_unready();
        assert_eq!(node.user_status(), 200, "{what}");
        assert_eq!((node.status(&key), node.ready().0), (503, 503), "{what}");
        let away = || told(&node, "the key store is away") == 1;
        within(SECOND, what, away);
        postgres.serve();
        let status = if keys { 200 } else { 401 };
        within(SECOND, what, || node.status(&key) == status);
        within(SECOND, what, || node.ready().0 == 200);
        let back = || told(&node, "the key store is back") == 1;
        within(SECOND, what, back);
        assert!(away(), "{what}: told again");
        assert_eq!(node.status(&node.create("another", "")), 200, "{what}");
    }
}

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn a_node_that_is_cut_off_keeps_a_revoked_key_no_longer_than_was_said() {
    let postgres = Postgres::start();
    let relay = Relay::over_tcp(postgres.address);
    let here = Node::start(&postgres.url(OWNER));
    let there = Node::start_with(&postgres.url_via(OWNER, relay.address), SETTINGS);
    let key = here.create("k", "");
    assert_eq!(there.status(&key), 200);
    relay.hold();
    let cut = Instant::now();
    here.key("revoke k");
    assert_eq!(here.status(&key), 401);
    within(TTL, "as long as was said", || there.status(&key) == 503);
    assert!(cut.elapsed() < TTL + PROMPT, "{:?}", cut.elapsed());
    relay.heal();
    within(SECOND, "the end of it", || match there.status(&key) {
        200 => panic!("revived"),
        status => status == 401,
    });
}

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn a_command_says_that_the_database_is_away() {
    let mut postgres = Postgres::start();
    let node = Node::start(&postgres.url(OWNER));
    node.create("k", "");
    let commands = [
        "create --realm intranet --name other",
        "revoke k",
        "show k",
        "list",
    ];
    for (how, leave, come_back) in &WAYS[..3] {
        let relay = Relay::over_tcp(postgres.address);
        leave(&mut postgres, &relay);
        for command in commands {
            let words: Vec<_> = ["key"].into_iter().chain(command.split(' ')).collect();
            let ended = node.htgate.output(&words, "");
            let said = String::from_utf8(ended.stderr).unwrap();
            assert_eq!(ended.status.code(), Some(69), "{how}, {command}: {said}");
            assert!(ended.stdout.is_empty(), "{how}, {command}");
            assert!(!said.contains("p@ss") && !said.contains("p%40ss"), "{said}");
        }
        come_back(&mut postgres, &relay);
        assert!(eventually(2 * SECOND, || node.ready().0 == 200));
    }
    assert_eq!(node.key("list --json").matches("\"name\"").count(), 1);
}
