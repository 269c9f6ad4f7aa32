//! `htgate key migrate`: from one store to another and back, with nothing lost, revived or made
//! twice.

use std::{collections::BTreeMap, path::Path};

use serde_json::Value;

use crate::{
    harness::{
        nodes::Node,
        postgres::{OWNER, Postgres},
    },
    reload,
};

/// Keys in every state that there is, with what each gets.
struct Keys(Vec<(String, u16)>);

impl Keys {
    /// Makes them with a node that serves, and uses one.
    fn make(node: &Node) -> Self {
        let mut keys = Vec::new();
        let more = "--owner alice --scope b --scope a --ip 192.0.2.0/24 --expires 90d";
        keys.push((node.create("full", more), 200));
        keys.push((
            node.create("elsewhere", "--ip 10.0.0.0/8 --ip 2001:db8::/32"),
            401,
        ));
        keys.push((node.create("revoked", ""), 401));
        node.key("revoke revoked");
        keys.push((node.create("expired", ""), 401));
        node.key("update expired --expires 2020-01-01");
        keys.push((node.create("graced", ""), 200));
        keys.push((node.key("rotate graced --grace 1h"), 200));
        keys.push((node.create("rotated", ""), 401));
        keys.push((node.key("rotate rotated --grace 0s"), 200));
        let import = ["key", "import", "--realm", "intranet", "--name", "imported"];
        node.htgate
            .run(&import, "a key made elsewhere".replace(' ', "-").as_str());
        keys.push(("a-key-made-elsewhere".to_owned(), 200));
        keys.push((node.create("deleted", ""), 401));
        node.key("delete deleted");
        let keys = Self(keys);
        keys.assert(node, "where they were made");
        keys
    }

    fn assert(&self, node: &Node, place: &str) {
        for (key, status) in &self.0 {
            assert_eq!(node.status(key), *status, "{key} {place}");
        }
    }
}

/// What commands tell of all keys.
fn told(node: &Node) -> Value {
    serde_json::from_str(&node.key("list --json")).unwrap()
}

/// Every secret and its end, by digest.
type Secrets = BTreeMap<String, (String, Option<i64>)>;

fn secrets_in_sqlite(file: &Path) -> Secrets {
    let store = rusqlite::Connection::open(file).unwrap();
    let mut secrets = store
        .prepare("SELECT lower(hex(digest)), key_id, not_after FROM secrets")
        .unwrap();
    let secrets = secrets.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))));
    secrets.unwrap().map(Result::unwrap).collect()
}

fn secrets_in(postgres: &Postgres) -> Secrets {
    let rows =
        postgres.query("SELECT encode(digest, 'hex'), key_id, not_after FROM htgate.secrets");
    let secrets = rows.into_iter().map(|row| {
        let [digest, id, end] = row.try_into().unwrap();
        (digest, (id, end.parse().ok()))
    });
    secrets.collect()
}

/// Changes the store in a node's configuration, as an operator does after moving.
fn point(node: &Node, from: &str, to: &str) {
    let (status, said) = reload(node, from, to);
    assert_eq!(status, Some(0), "{said}");
}

/// What a refused `htgate key` says.
fn refused(node: &Node, words: &str) -> String {
    let words: Vec<_> = ["key"].into_iter().chain(words.split(' ')).collect();
    let ended = node
        .htgate
        .output(&words, "a-key-that-is-imported-too-late");
    assert!(!ended.status.success(), "{words:?}: {ended:?}");
    assert!(ended.stdout.is_empty(), "{words:?}: {ended:?}");
    String::from_utf8(ended.stderr).unwrap()
}

const CHANGES: [&str; 6] = [
    "create --realm intranet --name late",
    "update full --scope c",
    "rotate full",
    "revoke full",
    "delete full",
    "import --realm intranet --name late",
];

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn keys_move_there_and_back() {
    let postgres = Postgres::start();
    let url = postgres.url(OWNER);
    let mut node = Node::start("sqlite:keys.db");
    let keys = Keys::make(&node);
    // Last uses are written at the latest when the service ends.
    node.htgate.process().terminate();
    node.htgate.serve();
    let before = told(&node);
    assert!(
        before.to_string().contains("\"last_used\":\"20"),
        "{before}"
    );
    let secrets = secrets_in_sqlite(&node.htgate.path("keys.db"));

    node.key(&format!("migrate --to {url}"));
    assert_eq!(secrets_in(&postgres), secrets);
    keys.assert(&node, "while the old store is still named");
    for change in CHANGES {
        let said = refused(&node, change);
        assert!(said.contains("moved"), "{change}: {said}");
        assert!(!said.contains("p@ss") && !said.contains("p%40ss"), "{said}");
    }
    assert!(refused(&node, &format!("migrate --to {url}")).contains("moved"));

    point(&node, "sqlite:keys.db", &url);
    assert_eq!(told(&node), before);
    keys.assert(&node, "in the new store");

    // What changes there has changed for good.
    node.key("revoke full");
    let late = node.create("late", "");
    node.key("delete imported");
    let before = told(&node);
    let secrets = secrets_in(&postgres);
    let file = node.htgate.path("keys.db");
    node.key(&format!("migrate --to sqlite:{}", file.display()));
    assert_eq!(secrets_in_sqlite(&file), secrets);
    for change in &CHANGES[..2] {
        assert!(refused(&node, change).contains("moved"), "{change}");
    }
    point(&node, &url, "sqlite:keys.db");
    assert_eq!(told(&node), before);
    assert_eq!(node.status(&late), 200);
    let gone = [&keys.0[0].0, "a-key-made-elsewhere"];
    assert_eq!(gone.map(|key| node.status(key)), [401, 401]);
    node.key("revoke late");
    assert_eq!(node.status(&late), 401);
}

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn keys_move_to_another_server_under_the_eyes_of_all_nodes() {
    let (old, new) = (Postgres::start(), Postgres::start());
    let (from, to) = (old.url(OWNER), new.url(OWNER));
    let nodes: Vec<_> = (0..2).map(|_| Node::start(&from)).collect();
    let keys = Keys::make(&nodes[0]);
    nodes[1].key(&format!("migrate --to {to}"));
    for node in &nodes {
        keys.assert(node, "while the old server is still named");
        assert!(refused(node, "revoke full").contains("moved"));
    }
    point(&nodes[0], &from, &to);
    nodes[0].key("revoke full");
    point(&nodes[1], &from, &to);
    for node in &nodes {
        assert_eq!(node.status(&keys.0[0].0), 401);
        keys.0[1..]
            .iter()
            .for_each(|(key, status)| assert_eq!(node.status(key), *status));
    }
}

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn keys_of_its_own_are_not_replaced() {
    let postgres = Postgres::start();
    let url = postgres.url(OWNER);
    let here = Node::start("sqlite:keys.db");
    let key = here.create("here", "");
    let there = Node::start(&url);
    let other = there.create("there", "");
    let before = postgres.dump();
    let said = refused(&here, &format!("migrate --to {url}"));
    assert!(!said.contains("p@ss") && !said.contains("p%40ss"), "{said}");
    assert_eq!(postgres.dump(), before);
    // And the old store goes on.
    here.key("update here --scope a");
    assert_eq!((here.status(&key), there.status(&other)), (200, 200));

    let itself = format!("sqlite:{}", here.htgate.path("keys.db").display());
    for (what, target) in [
        ("no server", "postgres://htgate@127.0.0.1:1/htgate"),
        ("nothing that can be understood", "keys.db"),
        ("itself", &itself),
    ] {
        refused(&here, &format!("migrate --to {target}"));
        here.key("update here --scope b");
        assert_eq!(here.status(&key), 200, "{what}");
    }
}
