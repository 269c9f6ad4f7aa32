//! Keys in PostgreSQL, few and many: looking up what a node was never asked for, beside the bare
//! statement, and what else must not grow with their number.

mod cold;
mod database;
mod list;
mod table;

use tokio::runtime::Builder;

use self::{cold::Cold, database::Database, table::Table};
use crate::{
    report::{Bound, Figure},
    stats::Spread,
};

/// What few keys are.
const FEW: u32 = 1_000;

/// One figure, in each round.
type Rounds = Vec<f64>;

/// Prints tables and plans, and gives the figures that have a target.
pub(crate) fn measure(rounds: u32, seconds: u32, many: u32) -> Vec<Figure> {
    let databases = [FEW, many].map(Database::of);
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();

    let mut table = Table::of(&databases);
    let cold = cold::times(&runtime, &databases, rounds);
    table.add_cold(&cold);
    table.add(
        "start of the store, ms",
        cold.each_ref().map(|cold| &cold.open),
    );
    let realm = list::of_a_realm(&databases, rounds);
    table.add("`htgate key list --realm`, 10 keys, ms", realm.each_ref());
    let all = databases.each_ref().map(list::of_all);
    table.add("`htgate key list`, s", all.each_ref().map(|all| &all.time));
    table.add(
        "`htgate key list`, memory, MiB",
        all.each_ref().map(|all| &all.memory),
    );
    let rates = databases
        .each_ref()
        .map(|database| cold::rates(&runtime, database, rounds, seconds));
    table.add(
        "look-ups per second",
        rates.each_ref().map(|(node, _)| node),
    );
    table.add(
        "bare SELECTs per second",
        rates.each_ref().map(|(_, bare)| bare),
    );
    println!("{}\n{}", table.text, databases[1].plans());
    targets(&cold)
}

fn targets([few, many]: &[Cold; 2]) -> Vec<Figure> {
    [
        (
            "cold look-up p99, 1,000 keys / bare SELECT",
            &few.lookup,
            &few.select,
        ),
        (
            "cold look-up p99, many keys / bare SELECT",
            &many.lookup,
            &many.select,
        ),
        (
            "cold look-up p99, many keys / 1,000",
            &many.lookup,
            &few.lookup,
        ),
    ]
    .map(|(what, upper, lower)| Figure {
        what,
        spread: Spread::of_ratios(&upper.p99, &lower.p99),
        unit: "",
        bound: Bound::AtMost(1.5),
    })
    .into()
}
