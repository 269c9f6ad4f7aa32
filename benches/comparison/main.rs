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
#[path = "../../tests/e2e/harness/mod.rs"]
#[allow(dead_code, reason = "shared with the tests, which use all of it")]
mod harness;
mod load;
mod machine;
mod report;
mod servers;
mod stats;

use clap::Parser;

use crate::servers::Field;

#[derive(Parser)]
#[command(about = "Measures htgate beside the servers it is compared with.")]
struct Options {
    /// How often all contestants are run, one after another.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// How long each of them is run in a round.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// What to run; all of it, and the document is written, if none is named.
    #[arg(value_name = "GROUP")]
    groups: Vec<Group>,
    /// Said by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Group {
    Direct,
    Nginx,
    Traefik,
    Others,
    First,
    Flood,
    Size,
    Start,
    Instructions,
}

fn main() {
    // `cargo test --all-targets` runs this too, with options of its own.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let options = Options::parse();
    let mut field = Field::default();
    servers::direct::join(&mut field);
    let standings = contest::run(&field.contestants, options.rounds, options.seconds);
    println!("{}", report::tables(&standings, &[]));
}
