//! What came of all targets, and where the law was broken.

use htgate::policy::PolicyRef;

use super::{models, models::Slashes, sites::Site};
use crate::harness::Failures;

/// Disagreements that are shown in full.
const SHOWN: u64 = 20;

#[derive(Default)]
pub(super) struct Tally {
    /// Targets that the proxy refused by itself.
    refused: u64,
    /// Of the others, judged once for each site.
    open: u64,
    protected: u64,
    ambiguous: u64,
    broken: u64,
    failures: Failures,
}

impl Tally {
    pub(super) fn refused(&mut self) {
        self.refused += 1;
    }

    /// Holds what the rules say of a target as it was told against how others read it: by reader,
    /// and nothing where that one refuses it.
    pub(super) fn judge(
        &mut self,
        sites: &[Site],
        told: &[u8],
        readings: &[(&str, Option<Vec<u8>>)],
    ) {
        for site in sites {
            let verdict = site.verdict(told);
            match verdict {
                None => self.ambiguous += 1,
                Some(PolicyRef::Open) => self.open += 1,
                Some(_) => self.protected += 1,
            }
            for (reader, path) in readings {
                let (Some(verdict), Some(path)) = (verdict, path) else {
                    continue;
                };
                let meant = (site.meaning)(path);
                if meant != verdict {
                    self.broken(&format!(
                        "{}: {} is {verdict:?}, but {reader} reads {}, which is {meant:?}",
                        site.name,
                        told.escape_ascii(),
                        path.escape_ascii()
                    ));
                }
            }
        }
    }

    pub(super) fn broken(&mut self, what: &str) {
        self.broken += 1;
        if self.broken <= SHOWN {
            self.failures.add(what);
        }
    }

    /// The outcome as a cell of the table.
    ///
    /// # Panics
    /// If the law was broken, or if there was next to nothing of a kind: then little was tried.
    pub(super) fn outcome(self, proxy: &str) -> String {
        let Self {
            refused,
            open,
            protected,
            ambiguous,
            broken,
            failures,
        } = self;
        let judged = open + protected + ambiguous;
        if broken > SHOWN {
            eprintln!("{broken} disagreements; the first {SHOWN}:");
        }
        failures.report();
        for count in [open, protected, ambiguous] {
            assert!(count * 100 > judged, "{count} of {judged}");
        }
        let share = |count: u64| count * 100 / judged;
        format!(
            "0 more permissive (nor stricter); {refused} URIs refused by {proxy}; \
             of {judged} verdicts {} % open, {} % protected, {} % refused as ambiguous",
            share(open),
            share(protected),
            share(ambiguous)
        )
    }
}

/// How applications read a target that they get as it is.
pub(super) fn applications(target: &[u8]) -> [(&'static str, Option<Vec<u8>>); 6] {
    [
        (
            "an application like nginx",
            models::nginx(target, Slashes::Merged),
        ),
        (
            "one that keeps slashes",
            models::nginx(target, Slashes::Kept),
        ),
        ("RFC 3986", models::rfc3986(target)),
        ("a servlet container", models::servlet(target)),
        ("a server on Windows", models::windows(target)),
        ("one that decodes twice", models::twice(target)),
    ]
}
