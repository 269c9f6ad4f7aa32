//! Several nodes and one PostgreSQL, under load: how soon a change is everywhere, and what is left
//! of it when any of them breaks.

mod breaks;
mod ledger;
mod load;

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use self::load::{Ending, keep_asking};
use crate::{
    harness::{
        eventually,
        nodes::{Client, Node, nodes},
        postgres::{OWNER, Postgres},
    },
    trial::Trial,
};

/// What a change may take to reach every node.
const SECOND: Duration = Duration::from_secs(1);

/// When requests for a key were sent, and whether it was accepted.
type Seen = Vec<(Instant, bool)>;

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn a_revoked_key_is_refused_by_every_node_in_time() {
    let mut trial = Trial::begin("revocation on several nodes");
    let rounds = trial.times(8, 1_000);
    let postgres = Postgres::start();
    let nodes = nodes(2, &postgres.url(OWNER));
    // A command would take longer to start than what is measured.
    let session = postgres.session();
    let others: Vec<_> = (0..50)
        .map(|n| nodes[n % 2].create(&format!("other{n}"), ""))
        .collect();
    let (mut by_sql, mut by_command) = (Vec::new(), Duration::ZERO);
    let over = AtomicBool::new(false);
    let (load, stood_still): (u64, _) = thread::scope(|scope| {
        let standstill = scope.spawn(|| standstill(&over));
        let loads = nodes.iter().map(|node| {
            let (address, others, over) = (node.htgate.address, &others, &over);
            scope.spawn(move || keep_asking(address, others, over))
        });
        let loads: Vec<_> = loads.collect();
        let ending = Ending(&over);
        for round in 0..rounds {
            let [here, there] = if round % 2 == 0 { [0, 1] } else { [1, 0] }.map(|n| &nodes[n]);
            let (sql, command) = (format!("sql{round}"), format!("command{round}"));
            by_sql.push(refused_after(there, here, &sql, || {
                session.run(&format!(
                    "UPDATE htgate.keys SET revoked = 1 WHERE name = '{sql}'"
                ));
            }));
            by_command = by_command.max(revoked_by_command(here, there, &command));
            trial.progress(round, rounds);
        }
        drop(ending);
        let load = loads.into_iter().map(|load| load.join().unwrap()).sum();
        (load, standstill.join().unwrap())
    });
    by_sql.sort();
    let last = by_sql.len() - 1;
    let [median, p99, longest] = [last / 2, last * 99 / 100, last].map(|n| by_sql[n]);
    assert!(
        longest.max(by_command) <= SECOND + stood_still,
        "{by_sql:?} {by_command:?}, and the machine stood still for {stood_still:?}"
    );
    trial.end(
        &format!("{} keys revoked while 2 nodes answered {load} other requests", 2 * rounds),
        &format!(
            "refused by a node after the database was told: median {median:.0?}, p99 {p99:.0?}, \
             longest {longest:.0?} (the machine stood still for {stood_still:.0?} at most); after a command returned: at once where it ran, {by_command:.0?} \
             at most by the other one"
        ),
    );
}

/// Makes a key on one node, has it revoked, and gives how long after the beginning of that the
/// other one refuses it.
fn refused_after(asked: &Node, maker: &Node, name: &str, revoke: impl FnOnce()) -> Duration {
    let key = maker.create(name, "");
    is_warm(asked, &key);
    thread::scope(|scope| {
        let watching = scope.spawn(|| watch(asked.client(), &key));
        let told = Instant::now();
        revoke();
        let refused = first_refusal(&watching.join().unwrap());
        refused.saturating_duration_since(told)
    })
}

/// The same by a command, from its return on, after which its own node must refuse the key.
fn revoked_by_command(here: &Node, there: &Node, name: &str) -> Duration {
    let key = here.create(name, "");
    is_warm(here, &key);
    is_warm(there, &key);
    thread::scope(|scope| {
        let watching = scope.spawn(|| watch(there.client(), &key));
        here.key(&format!("revoke {name}"));
        let returned = Instant::now();
        assert_ne!(here.status(&key), 200, "where its command has returned");
        let refused = first_refusal(&watching.join().unwrap());
        refused.saturating_duration_since(returned)
    })
}

/// Has the node look the key up, for which a busy machine may take too long at first.
fn is_warm(node: &Node, key: &str) {
    assert!(eventually(5 * SECOND, || node.status(key) == 200));
}

/// How long a thread that only sleeps is kept from running, at most: nobody else gets on then.
fn standstill(over: &AtomicBool) -> Duration {
    let nap = Duration::from_millis(10);
    let mut longest = Duration::ZERO;
    while !over.load(Ordering::SeqCst) {
        let begun = Instant::now();
        thread::sleep(nap);
        longest = longest.max(begun.elapsed().saturating_sub(nap));
    }
    longest
}

/// Asks for a key until it has been refused for a while.
fn watch(mut client: Client, key: &str) -> Seen {
    let mut seen = Seen::new();
    let mut refusals = 0;
    let given_up = Instant::now() + 10 * SECOND;
    while refusals < 50 {
        let sent = Instant::now();
        assert!(sent < given_up, "it is still accepted");
        thread::sleep(Duration::from_micros(200));
        let accepted = client.key(key).status == 200;
        refusals = if accepted { 0 } else { refusals + 1 };
        seen.push((sent, accepted));
    }
    seen
}

/// When the first request was sent after which none was accepted.
fn first_refusal(seen: &Seen) -> Instant {
    let accepted = seen.iter().rposition(|(_, accepted)| *accepted);
    seen[accepted.map_or(0, |last| last + 1)].0
}
