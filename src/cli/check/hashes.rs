//! What each hash costs on this machine, and whose are weak or slow.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::identity::{Password, Shown};
use crate::password_hash::{Kind, stand_in};
use crate::store::Htpasswd;

/// Quicker ones let a thief of the file try too many passwords.
const QUICK: Duration = Duration::from_millis(10);
/// Slower ones keep a new visitor waiting, and the cores busy.
const SLOW: Duration = Duration::from_millis(500);
/// What a new hash should take, at most: bcrypt's cost is the highest that does.
const FITTING: Duration = Duration::from_millis(250);
/// So many entries are named.
const NAMED: usize = 10;

/// The hashes of one kind in one realm.
pub(super) struct Hashes {
    realm: String,
    kind: Kind,
    entries: usize,
    cost: Duration,
    /// The first of them, as `file:line NAME`, where they are weak or slow.
    named: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Weak,
    Good,
    Slow,
}

impl Hashes {
    /// Measures each kind of hash in a file.
    pub(super) fn of(realm: &str, file: &Path, users: &Htpasswd) -> Vec<Self> {
        let kinds: BTreeMap<Kind, usize> = users.kinds().collect();
        let all = kinds.into_iter().map(|(kind, entries)| Self {
            realm: realm.to_owned(),
            kind,
            entries,
            cost: measure(kind),
            named: Vec::new(),
        });
        let mut all: Vec<Self> = all.collect();
        for hashes in all
            .iter_mut()
            .filter(|hashes| hashes.verdict() != Verdict::Good)
        {
            let entries = users.entries().filter(|entry| entry.is_live());
            let of_kind =
                entries.filter(|entry| entry.hash().is_ok_and(|hash| hash.kind() == hashes.kind));
            let named = of_kind.take(NAMED).map(|entry| {
                format!(
                    "{}:{} {}",
                    file.display(),
                    entry.line(),
                    Shown(entry.name())
                )
            });
            hashes.named = named.collect();
        }
        all
    }

    fn verdict(&self) -> Verdict {
        if self.kind.weak_format().is_some() || self.cost < QUICK {
            Verdict::Weak
        } else if self.cost > SLOW {
            Verdict::Slow
        } else {
            Verdict::Good
        }
    }

    fn millis(&self) -> f64 {
        self.cost.as_secs_f64() * 1000.0
    }

    /// What there is.
    pub(super) fn note(&self) -> String {
        format!(
            "realm {}: {} × {}, {:.1} ms each",
            self.realm,
            self.entries,
            self.kind,
            self.millis()
        )
    }

    /// What should be better, whose they are, and what mends it.
    pub(super) fn warning(&self) -> Option<String> {
        let millis = self.millis();
        let what = match self.verdict() {
            Verdict::Good => return None,
            Verdict::Weak => format!(
                "{} takes {millis:.1} ms here: who gets hold of the file tries {:.0} passwords a second \
                 on each core",
                self.kind,
                1000.0 / millis.max(0.001)
            ),
            Verdict::Slow => format!(
                "{} takes {millis:.0} ms here; each first request of a user waits for it",
                self.kind
            ),
        };
        let more = match self.entries.saturating_sub(self.named.len()) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        Some(format!(
            "realm {}: {what}: {}{more}; `htgate user set --realm {} NAME` makes a new one",
            self.realm,
            self.named.join(", "),
            self.realm
        ))
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "realm": self.realm,
            "kind": self.kind.to_string(),
            "entries": self.entries,
            "milliseconds": self.millis(),
            "verdict": match self.verdict() {
                Verdict::Weak => "weak",
                Verdict::Good => "good",
                Verdict::Slow => "slow",
            },
            "named": self.named,
        })
    }
}

/// The highest cost of bcrypt that takes no longer than a new hash should.
pub(super) fn fitting_bcrypt_cost() -> u8 {
    let (mut cost, mut takes) = (10, measure(Kind::Bcrypt { cost: 10 }));
    while takes * 2 <= FITTING && cost < 17 {
        cost += 1;
        takes *= 2;
    }
    cost
}

/// How long one verification of this kind takes.
fn measure(kind: Kind) -> Duration {
    let hash = stand_in(kind);
    let password = Password::new(Zeroizing::new(b"a password of the usual length".to_vec()));
    let once = || {
        let started = Instant::now();
        std::hint::black_box(hash.verify(&password));
        started.elapsed()
    };
    // The best of three: what else runs on the machine is no property of the hash.
    once().min(once()).min(once())
}
