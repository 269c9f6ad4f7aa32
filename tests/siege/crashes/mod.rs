//! `kill -9` at any moment: what was acknowledged is there, and what was not is there whole or
//! not at all.

mod damage;
mod deeds;
mod disk;
mod keys;
mod power;
mod service;
mod users;

use std::{
    collections::HashMap,
    io::Write as _,
    os::unix::process::ExitStatusExt as _,
    process::Child,
    thread,
    time::{Duration, Instant},
};

/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Kills commands at moments spread over the time they take, more of them towards the end, where
/// they write.
#[derive(Default)]
struct Killer {
    /// How long commands of each kind take.
    typical: HashMap<&'static str, Duration>,
    /// How many were killed before they had changed anything, after that, and not at all.
    untouched: u64,
    changed: u64,
    acknowledged: u64,
}

/// How a command ended.
#[derive(Debug)]
struct Ended {
    /// None if it was killed.
    status: Option<i32>,
    printed: String,
}

/// What became of the change that a command was to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Nothing,
    Whole,
}

impl Killer {
    /// Lets a command run for a while of this kind's, then kills it.
    fn kill(&mut self, kind: &'static str, mut child: Child, input: &str) -> Ended {
        // The first of a kind is let be, to see how long it takes.
        let known = self.typical.get(kind).copied();
        let delay = known.map_or(PATIENCE, |typical| {
            typical.mul_f64(1.2 * fastrand::f64().powf(0.25))
        });
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let started = Instant::now();
        while started.elapsed() < delay && child.try_wait().unwrap().is_none() {
            thread::sleep(Duration::from_micros(100));
        }
        let _ = child.kill();
        let took = started.elapsed();
        let output = child.wait_with_output().unwrap();
        let killed = output.status.signal() == Some(9);
        // Later kills follow if it was still running, sooner ones if it had ended.
        let typical = match known {
            Some(typical) if killed => typical.mul_f64(1.02),
            Some(typical) => (typical * 3 + took) / 4,
            None => took,
        };
        self.typical.insert(kind, typical);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            killed || output.status.success(),
            "{kind}: {}: {errors}",
            output.status
        );
        Ended {
            status: output.status.code(),
            printed: String::from_utf8(output.stdout).unwrap(),
        }
    }

    /// Counts a command, and holds what it said against what it did.
    fn count(&mut self, ended: &Ended, change: Change) {
        let acknowledged = ended.status.is_some() || ended.printed.ends_with('\n');
        match (acknowledged, change) {
            (true, Change::Whole) => self.acknowledged += 1,
            (true, Change::Nothing) => panic!("lost after its acknowledgment: {ended:?}"),
            (false, Change::Whole) => self.changed += 1,
            (false, Change::Nothing) => self.untouched += 1,
        }
    }

    /// What was tried.
    fn tried(&self) -> String {
        let Self {
            untouched,
            changed,
            acknowledged,
            ..
        } = self;
        assert!(*acknowledged > 0, "kills came always too soon");
        format!(
            "{untouched} before the change, {changed} after it and before its acknowledgment, \
             {acknowledged} after that"
        )
    }
}

/// One of these.
fn any<T>(choices: &[T]) -> &T {
    &choices[fastrand::usize(..choices.len())]
}
