//! `htgate key list`, of a small realm and of all keys.

use std::{io::Read as _, time::Instant};

use super::{
    Rounds,
    database::{Database, SMALL},
};
use crate::{
    machine::first_value,
    measures::{start::mebibytes, timed},
    stats::milliseconds,
};

/// How long it takes to list ten keys, in milliseconds.
pub(super) fn of_a_realm(databases: &[Database; 2], rounds: u32) -> [Rounds; 2] {
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        for (database, times) in databases.iter().zip(&mut times) {
            let mut list = String::new();
            let time = timed(|| list = database.node.key(&format!("list --realm {SMALL}")));
            assert_eq!(list.lines().count(), 1 + 10);
            times.push(milliseconds(time));
        }
    }
    times
}

/// What listing all keys takes, once.
pub(super) struct All {
    /// In seconds.
    pub(super) time: Rounds,
    /// The most it has in use, in MiB.
    pub(super) memory: Rounds,
}

pub(super) fn of_all(database: &Database) -> All {
    let started = Instant::now();
    let mut command = database.node.htgate.spawn(&["key", "list"]);
    let mut output = command.stdout.take().unwrap();
    let (mut lines, mut memory) = (0, 0);
    let mut part = vec![0; 1 << 16];
    while let read @ 1.. = output.read(&mut part).unwrap() {
        memory = memory.max(peak(command.id()));
        lines += memchr::memchr_iter(b'\n', &part[..read]).count();
    }
    assert!(command.wait().unwrap().success());
    assert_eq!(lines, 1 + database.keys as usize);
    All {
        time: vec![started.elapsed().as_secs_f64()],
        memory: vec![mebibytes(memory)],
    }
}

/// The most memory that a process had in use so far, in bytes; none once it has ended.
fn peak(process: u32) -> u64 {
    let value = first_value(&format!("/proc/{process}/status"), "VmHWM");
    let kibibytes = value.trim_end_matches(" kB").parse();
    kibibytes.map_or(0, |kibibytes: u64| kibibytes * 1024)
}
