//! Decisions by the million, each held against an oracle that is written from the documentation.

#[path = "../../fuzz/entry/mod.rs"]
#[allow(
    unreachable_pub,
    unused_imports,
    dead_code,
    reason = "shared with the fuzz targets, which use all of it"
)]
mod entry;

use std::env;

use entry::decision::{Verdict, judge};

use crate::trial::Trial;

/// Fixes the cases, to see them again.
const SEED: &str = "HTGATE_SEED";
/// The bytes that a case is chosen by.
const CASE: usize = 160;
/// How many wrong answers are shown.
const SHOWN: usize = 5;

#[test]
fn no_decision_differs_from_the_oracle() {
    let mut trial = Trial::begin("decisions");
    let cases = trial.times(10_000, 10_000_000);
    let seed = env::var(SEED).ok().map(|text| text.parse().unwrap());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    let mut random = fastrand::Rng::with_seed(seed);
    let mut case = [0; CASE];
    let mut tally = Tally::default();
    for done in 0..cases {
        random.fill(&mut case);
        tally.note(&case);
        trial.progress(done, cases);
    }
    assert!(
        tally.accepted_wrongly + tally.denied_wrongly == 0,
        "{SEED}={seed}: {} false accepts, {} false denies, such as\n{}",
        tally.accepted_wrongly,
        tally.denied_wrongly,
        tally.shown.join("\n\n"),
    );
    let [yes, odd] = [tally.allowed, tally.ambiguous].map(|count| count * 100 / cases);
    assert!(
        yes > 2 && odd > 2,
        "the cases test nothing: {yes} % allowed, {odd} % odd"
    );
    let outcome = format!(
        "0 false accepts, 0 false denies outside the ambiguous class; {yes} % allowed, {odd} % refused as ambiguous"
    );
    trial.end(
        &format!("{cases} pairs of configuration and request against an oracle"),
        &outcome,
    );
}

#[derive(Default)]
struct Tally {
    allowed: u64,
    ambiguous: u64,
    accepted_wrongly: u64,
    denied_wrongly: u64,
    shown: Vec<String>,
}

impl Tally {
    fn note(&mut self, bytes: &[u8]) {
        let count = match judge(bytes) {
            Verdict::Allowed => &mut self.allowed,
            Verdict::Ambiguous => &mut self.ambiguous,
            Verdict::Refused => return,
            Verdict::FalseAccept(case) => {
                self.shown
                    .extend((self.shown.len() < SHOWN).then_some(case));
                &mut self.accepted_wrongly
            }
            Verdict::FalseDeny(case) => {
                self.shown
                    .extend((self.shown.len() < SHOWN).then_some(case));
                &mut self.denied_wrongly
            }
        };
        *count += 1;
    }
}
