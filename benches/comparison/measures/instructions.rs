//! Instructions per warm request, as callgrind counts them: the one figure that no load on the
//! machine disturbs.
//!
//! valgrind knows no SHA instructions, so SHA-256 counts as if it were computed without them.

use std::{fs, net::SocketAddr, path::Path, process::Command};

use tempfile::TempDir;

use super::{ask, question};
use crate::{
    harness::{
        http::Connection,
        postgres::{OWNER, Postgres},
        program::PROGRAM,
        site::{ALICE, basic},
    },
    report::{Bound, Figure},
    servers::{
        bare::{self, Bare, Says},
        gate::{Gate, STORE},
        users,
    },
    stats::Spread,
};

/// Two runs that differ in the number of requests alone: start and first request cancel out.
const SHORT: u32 = 2_000;
const LONG: u32 = 12_000;

/// The first request is not measured, and under valgrind an earnest hash takes long.
const LOWEST_COST: u32 = 4;

pub(crate) fn measure() -> Vec<Figure> {
    let bare = |says| per_request(|out, requests| bare(says, out, requests));
    let gate = |asks| per_request(|out, requests| gate(asks, STORE, out, requests));
    let figure = |what, says, asks| {
        let (limit, gate) = (bare(says), gate(asks));
        eprintln!("{what}: {gate:.0} / {limit:.0}");
        Figure {
            what,
            spread: Spread::of([gate / limit]),
            unit: "",
            bound: Bound::AtMost(1.25),
        }
    };
    vec![
        figure(
            "instructions per warm request, Basic / bare handler",
            Says::Basic,
            Says::Basic,
        ),
        figure(
            "instructions per warm request, API key / bare handler",
            Says::ApiKey,
            Says::ApiKey,
        ),
        stores(),
    ]
}

/// The keys in PostgreSQL, beside the same in a file. What the service asks of the database in the
/// meantime counts too.
fn stores() -> Figure {
    let file = per_request(|out, requests| gate(Says::ApiKey, STORE, out, requests));
    let database = per_request(|out, requests| {
        let server = Postgres::start();
        gate(Says::ApiKey, &server.url(OWNER), out, requests);
    });
    eprintln!("in PostgreSQL, in SQLite: {database:.0} / {file:.0}");
    Figure {
        what: "instructions per warm request, key in PostgreSQL / in SQLite",
        spread: Spread::of([database / file]),
        unit: "",
        bound: Bound::AtMost(1.02),
    }
}

/// Runs twice, each time with a file for what callgrind has to say.
fn per_request(run: impl Fn(&Path, u32)) -> f64 {
    let [short, long] = [SHORT, LONG].map(|requests| {
        let folder = TempDir::new().unwrap();
        let out = folder.path().join("callgrind.out");
        run(&out, requests);
        instructions(&out)
    });
    (long - short) / f64::from(LONG - SHORT)
}

fn bare(says: Says, out: &Path, requests: u32) {
    let program = bare::program();
    let mut bare = Bare::start_by(callgrind(out, program.to_str().unwrap()), says);
    send(bare.address, &question(&basic(ALICE)), requests);
    bare.process.terminate();
}

fn gate(asks: Says, store: &str, out: &Path, requests: u32) {
    let mut gate = Gate::prepare_with(&users::entry(ALICE, LOWEST_COST), store);
    gate.serve_by(callgrind(out, PROGRAM));
    let credentials = match asks {
        Says::Basic => basic(ALICE),
        Says::ApiKey => gate.bearer(),
    };
    send(gate.htgate.address, &question(&credentials), requests);
    gate.htgate.process().terminate();
}

/// Sends so many requests over one connection, which is closed at the end.
fn send(to: SocketAddr, question: &[u8], requests: u32) {
    let mut connection = Connection::open(to);
    for _ in 0..requests {
        ask(&mut connection, question, 200);
    }
}

fn callgrind(out: &Path, program: &str) -> Command {
    let mut command = Command::new("valgrind");
    command
        .args(["--quiet", "--tool=callgrind"])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(program);
    command
}

/// All instructions of a run.
fn instructions(out: &Path) -> f64 {
    let text = fs::read_to_string(out).unwrap();
    let total = text.lines().find_map(|line| {
        line.strip_prefix("totals:")
            .or(line.strip_prefix("summary:"))
    });
    total.unwrap().trim().parse().unwrap()
}
