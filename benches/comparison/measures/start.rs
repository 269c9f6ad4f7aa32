//! The smallest service: how soon it answers, how much memory it takes, how large the program is.

use std::{fs, time::Instant};

use super::{ask, question};
use crate::{
    harness::{http::Connection, program::PROGRAM},
    machine::first_value,
    report::{Bound, Figure},
    servers::{gate::Gate, users},
    stats::{Spread, milliseconds},
};

const MIB: f64 = 1024.0 * 1024.0;

pub(crate) fn measure(rounds: u32) -> Vec<Figure> {
    let mut gate = Gate::prepare(&users::few());
    let question = question(&gate.bearer());
    let (mut starts, mut resident) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        gate.htgate.stop();
        let started = Instant::now();
        gate.serve_on(None);
        ask(&mut Connection::open(gate.htgate.address), &question, 200);
        starts.push(milliseconds(started.elapsed()));
        resident.push(mebibytes(memory(gate.htgate.process().id())));
    }
    let program = mebibytes(fs::metadata(PROGRAM).unwrap().len());
    vec![
        Figure {
            what: "start to first answer",
            spread: Spread::of(starts),
            unit: " ms",
            bound: Bound::AtMost(50.0),
        },
        Figure {
            what: "memory after the first answer",
            spread: Spread::of(resident),
            unit: " MiB",
            bound: Bound::AtMost(12.0),
        },
        Figure {
            what: "the program, stripped",
            spread: Spread::of([program]),
            unit: " MiB",
            bound: Bound::AtMost(12.0),
        },
    ]
}

/// The memory that a process has in use (RSS), in bytes.
pub(crate) fn memory(process: u32) -> u64 {
    let value = first_value(&format!("/proc/{process}/status"), "VmRSS");
    let kibibytes: u64 = value.trim_end_matches(" kB").parse().unwrap();
    kibibytes * 1024
}

#[expect(clippy::cast_precision_loss, reason = "sizes far below 2^52")]
pub(super) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / MIB
}
