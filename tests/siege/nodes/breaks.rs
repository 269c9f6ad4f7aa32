//! The database or a node is killed, restarted, paused or cut off while keys are made and revoked.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use super::{
    SECOND,
    ledger::Ledger,
    load::{Ending, Heard, keep_judging},
};
use crate::{
    harness::{
        Failures, eventually,
        nodes::Node,
        postgres::{OWNER, Postgres},
        relay::Relay,
    },
    trial::Trial,
};

/// How long keys in memory count on a node that is cut off, and so, how long after its end a key
/// may be accepted there.
pub(super) const BOUND: Duration = Duration::from_secs(2);
const SETTINGS: &str = "\n[cache]\noffline_ttl = \"2s\"\n";

/// What breaks, and how it is mended.
struct World {
    postgres: Postgres,
    /// Between the database and the second node.
    relay: Relay,
    /// Of the nodes.
    processes: [Pid; 2],
}

type Break = (&'static str, fn(&mut World), fn(&mut World));

const BREAKS: [Break; 9] = [
    (
        "database killed",
        |w| w.postgres.kill(),
        |w| w.postgres.serve(),
    ),
    (
        "database stopped",
        |w| w.postgres.stop(),
        |w| w.postgres.serve(),
    ),
    ("database restarted", |w| w.postgres.restart(), |_| ()),
    (
        "database paused",
        |w| w.postgres.pause(),
        |w| w.postgres.resume(),
    ),
    (
        "sessions ended",
        |w| assert!(w.postgres.terminate_connections() > 0),
        |_| (),
    ),
    ("node cut off", |w| w.relay.hold(), |w| w.relay.heal()),
    ("connections cut", |w| w.relay.cut(), |_| ()),
    ("connections lost", |w| w.relay.lose(), |_| ()),
    (
        "node killed",
        |w| kill(*fastrand::choice(&w.processes).unwrap()),
        |_| (),
    ),
];

fn kill(process: Pid) {
    kill_process(process, Signal::KILL).unwrap();
}

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn nothing_is_lost_and_nothing_revived_when_a_database_or_a_node_breaks() {
    let mut trial = Trial::begin("a database or a node breaks");
    let rounds = trial.times(BREAKS.len() as u64, 1_000);
    let postgres = Postgres::start();
    let relay = Relay::over_tcp(postgres.address);
    let urls = [postgres.url(OWNER), postgres.url_via(OWNER, relay.address)];
    let mut nodes = urls.map(|url| Node::start_with(&url, SETTINGS));
    let addresses = [0, 1].map(|n| (n, nodes[n].htgate.address));
    let processes = [0, 1].map(|n| pid(&mut nodes[n]));
    let mut world = World {
        postgres,
        relay,
        processes,
    };
    let ledger = Ledger::new();
    for number in 0..20 {
        ledger.create(&format!("first{number}"), &nodes[number % 2]);
    }
    let (over, mut longest) = (AtomicBool::new(false), Duration::ZERO);
    let (mut failures, mut heard) = (Failures::default(), Vec::new());
    thread::scope(|scope| {
        let (ours, still) = (&ledger, &over);
        let asking = addresses.map(|node| scope.spawn(move || keep_judging(node, ours, still)));
        let ending = Ending(&over);
        for round in 0..rounds {
            let what = BREAKS[usize::try_from(round).unwrap() % BREAKS.len()];
            longest = longest.max(broken(&mut world, &mut nodes, &ledger, what));
            for (number, node) in nodes.iter().enumerate() {
                compare(number, node, &ledger, what.0, &mut failures);
            }
            trial.progress(round, rounds);
        }
        drop(ending);
        heard.extend(asking.map(|one| one.join().unwrap()));
    });
    let sum = |count: fn(&Heard) -> u64| heard.iter().map(count).sum::<u64>();
    let (accepted, refused) = (sum(|h| h.accepted), sum(|h| h.refused));
    let (unavailable, users) = (sum(|h| h.unavailable), sum(|h| h.users));
    for heard in heard {
        if let Err(all) = heard.failures.result() {
            failures.add(all);
        }
    }
    failures.report();
    let count = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::SeqCst);
    trial.end(
        &format!(
            "{rounds} times the database or one of 2 nodes was killed, stopped, restarted, paused \
             or cut off; {} commands were acknowledged meanwhile and {} were not; {accepted} \
             requests accepted, {refused} refused, {unavailable} told that the store is away, \
             {users} of users accepted",
            count(&ledger.acknowledged),
            count(&ledger.uncertain),
        ),
        &format!(
            "no key accepted later than promised after its end, no acknowledged change lost; all \
             as before at most {longest:.1?} after the return"
        ),
    );
}

/// Breaks something for a while, under commands; gives how long it took after that until all was
/// well.
fn broken(
    world: &mut World,
    nodes: &mut [Node; 2],
    ledger: &Ledger,
    (what, begin, end): Break,
) -> Duration {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for (number, node) in nodes.iter().enumerate() {
            let over = &over;
            scope.spawn(move || {
                while !over.load(Ordering::SeqCst) {
                    if !ledger.command(number, node) {
                        // What is away is not back at once.
                        thread::sleep(SECOND / 20);
                    }
                }
            });
        }
        let _ending = Ending(&over);
        let pause = || thread::sleep(SECOND.mul_f64(fastrand::f64() * 0.3));
        pause();
        begin(world);
        let long = if fastrand::u8(..4) == 0 { 3.0 } else { 0.6 };
        thread::sleep(SECOND.mul_f64(fastrand::f64() * long));
        end(world);
        pause();
    });
    for (node, process) in nodes.iter_mut().zip(&mut world.processes) {
        if what == "node killed" && !node.is_up() {
            node.htgate.serve();
            *process = pid(node);
        }
    }
    let returned = Instant::now();
    let well = || nodes.iter().all(|node| node.ready().0 == 200);
    assert!(eventually(5 * SECOND, well), "{what}, and not ready again");
    returned.elapsed()
}

/// Holds every key against the ledger, while no command is at work.
fn compare(number: usize, node: &Node, ledger: &Ledger, what: &str, failures: &mut Failures) {
    for entry in ledger.all() {
        let Some(expected) = entry.settled() else {
            continue;
        };
        if !eventually(BOUND, || node.status(&entry.key) == expected) {
            failures.add(format!("after {what}, node {number} is not at {expected}"));
        }
    }
}

fn pid(node: &mut Node) -> Pid {
    let id = node.htgate.process().id();
    Pid::from_raw(i32::try_from(id).unwrap()).unwrap()
}
