//! htgate beside what it is compared with; `docs/performance.md` says what is measured and how.
//!
//! `benches/compare` installs what is needed and runs this. All servers are started on the
//! loopback and end with this process.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a comparison that cannot go on has failed"
)]

mod contest;
mod cores;
#[path = "../../tests/e2e/harness/mod.rs"]
#[allow(dead_code, reason = "shared with the tests, which use all of it")]
mod harness;
mod load;
mod machine;
mod measures;
mod report;
mod servers;
mod stats;
mod targets;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    process::exit,
};

use clap::Parser;

use crate::{report::Figure, servers::Field};

#[derive(Parser)]
#[command(
    name = "benches/compare",
    about = "Measures htgate beside the servers it is compared with."
)]
struct Options {
    /// How often all contestants are run, one after another.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// How long each of them is run in a round.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// How many keys `keys` puts into PostgreSQL beside a database of 1,000; ten million take some
    /// 10 GB for a while.
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u32).range(100_000..16_000_000))]
    keys: u32,
    /// What to run; all of it but `keys`, and the document is written, if none is named.
    #[arg(value_name = "GROUP")]
    groups: Vec<Group>,
    /// Said by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Group {
    Direct,
    Stores,
    Nginx,
    Traefik,
    Others,
    First,
    Flood,
    Size,
    Start,
    Instructions,
    Keys,
}

fn main() {
    // `cargo test --all-targets` runs this too, with options of its own.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let options = Options::parse();
    // The logs of all servers follow a panic; what it was about is said again below them.
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| compare(&options))) {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or(panic.downcast_ref::<&str>().copied());
        eprintln!("comparison: {}", text.unwrap_or("failed"));
        exit(1);
    }
}

fn compare(options: &Options) {
    let runs = |group| options.groups.is_empty() || options.groups.contains(&group);
    let (rounds, seconds) = (options.rounds, options.seconds);

    let mut field = Field::default();
    for (group, join) in [
        (Group::Direct, servers::direct::join as fn(&mut Field)),
        (Group::Stores, servers::stores::join),
        (Group::Nginx, servers::nginx::join),
        (Group::Traefik, servers::traefik::join),
        (Group::Others, servers::caddy::join),
        (Group::Others, servers::apache::join),
    ] {
        if runs(group) {
            join(&mut field);
        }
    }
    let standings = contest::run(&field.contestants, rounds, seconds);
    drop(field);

    let mut figures = targets::of(&standings);
    for (group, measure) in [
        (
            Group::Instructions,
            &measures::instructions::measure as &dyn Fn() -> Vec<Figure>,
        ),
        (Group::First, &measures::first::measure),
        (Group::Flood, &|| measures::flood::measure(rounds, seconds)),
        (Group::Size, &|| measures::size::measure(rounds, seconds)),
        (Group::Start, &|| measures::start::measure(rounds)),
    ] {
        if runs(group) {
            figures.extend(measure());
        }
    }
    if options.groups.contains(&Group::Keys) {
        figures.extend(measures::keys::measure(rounds, seconds, options.keys));
    }

    let tables = report::tables(&standings, &figures);
    println!("{tables}");
    if options.groups.is_empty() {
        report::write_document(&tables);
    }
}
