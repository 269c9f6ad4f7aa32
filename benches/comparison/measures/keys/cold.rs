//! Keys that a node was never asked for, looked up by it and by the bare statement.
//!
//! The bare statement is the one that htgate sends, prepared, over a connection of tokio-postgres
//! that this thread drives itself. It gives the very same rows.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use htgate::{identity::api_key::Prefix, store::ApiKeys};
use tokio::{runtime::Runtime, time::sleep};
use tokio_postgres::{Client, NoTls, Statement};

use super::{
    FEW, Rounds,
    database::{Database, key},
};
use crate::stats::{milliseconds, percentile};

/// Who asks at the same moment, where it is asked for as many answers as there can be.
const ASKERS: u32 = 64;

/// So many of the first executions of a statement over a connection aren't counted: PostgreSQL
/// plans each of the first five anew.
const PLANNED: usize = 10;

/// Times of a round, in microseconds.
#[derive(Default)]
pub(super) struct Percentiles {
    pub(super) p50: Rounds,
    pub(super) p99: Rounds,
}

impl Percentiles {
    fn add(&mut self, mut times: Vec<Duration>) {
        let times = &mut times[PLANNED..];
        self.p50.push(percentile(times, 50) * 1e3);
        self.p99.push(percentile(times, 99) * 1e3);
    }
}

/// What one database did, in each round.
#[derive(Default)]
pub(super) struct Cold {
    /// In milliseconds.
    pub(super) open: Rounds,
    pub(super) lookup: Percentiles,
    pub(super) select: Percentiles,
}

/// The statement alone.
struct Bare {
    client: Client,
    statement: Statement,
}

impl Bare {
    async fn connect(database: &Database) -> Self {
        let (client, connection) = tokio_postgres::connect(&database.url(), NoTls)
            .await
            .unwrap();
        tokio::spawn(connection);
        let statement = database.statement("%s.digest = $1");
        let statement = client.prepare(&statement).await.unwrap();
        Self { client, statement }
    }

    async fn ask(&self, number: u32) {
        let index = key(number).digest().index(None);
        let row = self
            .client
            .query_opt(&self.statement, &[&index.as_slice()])
            .await;
        let name: String = row.unwrap().unwrap().get(1);
        assert_eq!(name, format!("key {number}"));
    }
}

/// Where the machine itself stands still for a second, the database is away; that time counts.
async fn ask(keys: &ApiKeys, number: u32) {
    let (key, prefix) = (key(number), Prefix::default());
    let known = loop {
        match keys.lookup(&key, &prefix).await {
            Ok(known) => break known.expect("the key is there"),
            Err(fault) => eprintln!("{fault}"),
        }
        sleep(Duration::from_millis(10)).await;
    };
    assert_eq!(known.record.name.as_str(), format!("key {number}"));
}

/// Asks each database in turn, by a service just opened and by the statement over a connection
/// just made, for keys of their own; as many as the smallest has, none twice.
pub(super) fn times(runtime: &Runtime, databases: &[Database; 2], rounds: u32) -> [Cold; 2] {
    // The statement is known once htgate has sent it.
    for database in databases {
        runtime.block_on(ask(&database.open().0, 1));
    }
    let mut all = [Cold::default(), Cold::default()];
    for round in 1..=rounds {
        let opened = databases.each_ref().map(Database::open);
        let bare = databases
            .each_ref()
            .map(|database| runtime.block_on(Bare::connect(database)));
        let mut times = [(); 2].map(|()| (Vec::new(), Vec::new()));
        let asked = databases
            .each_ref()
            .map(|database| (some(database), some(database)));
        for at in 0..FEW as usize {
            for (which, (looked_up, selected)) in times.iter_mut().enumerate() {
                let (lookups, selects) = &asked[which];
                looked_up.push(runtime.block_on(timed(ask(&opened[which].0, lookups[at]))));
                selected.push(runtime.block_on(timed(bare[which].ask(selects[at]))));
            }
        }
        for ((cold, (looked_up, selected)), (_, time)) in all.iter_mut().zip(times).zip(&opened) {
            cold.open.push(milliseconds(*time));
            cold.lookup.add(looked_up);
            cold.select.add(selected);
        }
        eprintln!("keys: round {round} of {rounds}");
    }
    all
}

/// Keys in no order, none twice.
fn some(database: &Database) -> Vec<u32> {
    let mut random = fastrand::Rng::new();
    let mut all: Vec<u32> = if database.keys == FEW {
        (1..=FEW).collect()
    } else {
        let part = database.keys / FEW;
        (0..FEW)
            .map(|number| number * part + random.u32(1..=part))
            .collect()
    };
    random.shuffle(&mut all);
    all
}

async fn timed(work: impl Future<Output = ()>) -> Duration {
    let started = Instant::now();
    work.await;
    started.elapsed()
}

/// Answers per second to many who ask at the same moment, over one connection: of a node that was
/// never asked for any of these keys, and of the bare statement.
pub(super) fn rates(
    runtime: &Runtime,
    database: &Database,
    rounds: u32,
    seconds: u32,
) -> (Rounds, Rounds) {
    let bare = runtime.block_on(Bare::connect(database));
    let time = Duration::from_secs(seconds.into());
    let mut rates = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let keys = database.open().0;
        let lookups = many(database.keys, time, |number| ask(&keys, number));
        rates.0.push(runtime.block_on(lookups));
        let selects = many(database.keys, time, |number| bare.ask(number));
        rates.1.push(runtime.block_on(selects));
    }
    rates
}

async fn many<F: Future<Output = ()>>(keys: u32, time: Duration, ask: impl Fn(u32) -> F) -> f64 {
    // All keys, once each, in leaps: a prime that divides none of the sizes.
    let leap = 6_700_417;
    let next = Cell::new(fastrand::u32(1..keys));
    let asked = Cell::new(0);
    let started = Instant::now();
    join_all((0..ASKERS).map(async |_| {
        while started.elapsed() < time && asked.get() < keys {
            next.set((next.get() + leap) % keys);
            asked.set(asked.get() + 1);
            ask(next.get() + 1).await;
        }
    }))
    .await;
    f64::from(asked.get()) / started.elapsed().as_secs_f64()
}
