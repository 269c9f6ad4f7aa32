//! A trial: how much of it is done, how far it is, and its row in the table.

use std::{
    env, fs,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// The size of a campaign in percent of a full one; without it, trials are small.
const SIZE: &str = "HTGATE_CAMPAIGN";
/// Where rows are put; `tests/campaign` makes a table of them.
const ROWS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/campaign");
/// How often progress is told.
const PACE: Duration = Duration::from_secs(10);

/// Trials measure, and fill queues and disks: one at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// A trial under way.
pub(crate) struct Trial {
    name: &'static str,
    percent: Option<u64>,
    started: Instant,
    told: Instant,
    _alone: MutexGuard<'static, ()>,
}

impl Trial {
    /// Begins as soon as no other trial runs. The name is a row's first column, and unique.
    pub(crate) fn begin(name: &'static str) -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let percent = env::var(SIZE).ok();
        let percent = percent.map(|text| text.parse().expect("a number of percent"));
        let started = Instant::now();
        Self {
            name,
            percent,
            started,
            told: started,
            _alone: alone,
        }
    }

    /// How often to do something: `small` beside the other tests, `full` in a full campaign.
    pub(crate) fn times(&self, small: u64, full: u64) -> u64 {
        match self.percent {
            None => small,
            Some(percent) => (full * percent / 100).max(small),
        }
    }

    /// Tells how far it is, now and then.
    pub(crate) fn progress(&mut self, done: u64, all: u64) {
        if self.told.elapsed() >= PACE {
            self.told = Instant::now();
            let seconds = self.started.elapsed().as_secs();
            eprintln!("{}: {done} of {all} after {seconds} s", self.name);
        }
    }

    /// Ends well: what was tried and how often, and what came out, as cells of the table.
    pub(crate) fn end(self, tried: &str, outcome: &str) {
        let seconds = self.started.elapsed().as_secs_f64();
        let row = format!("| {} | {tried} | {outcome} | {seconds:.0} s |", self.name);
        eprintln!("{row}");
        if self.percent.is_some() {
            fs::create_dir_all(ROWS).unwrap();
            let file = self.name.replace(|c: char| !c.is_alphanumeric(), "-");
            fs::write(Path::new(ROWS).join(file), row + "\n").unwrap();
        }
    }
}
