//! Metrics, in the text format of `OpenMetrics`, which Prometheus reads.
//!
//! What is counted as it happens is here; what can be looked up is looked up for each scrape. No
//! label holds anything that a client chose: realms are those of the configuration, and everything
//! else is a word of ours, so the number of series has a bound.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::Decided;
use crate::authn::Load;
use crate::fingerprint::Looks;

/// From a remembered key, some ten microseconds, to the longest wait for a slow hash.
const BUCKETS: [f64; 14] = [
    0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1.0,
    2.5, 10.0,
];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Decision {
    endpoint: &'static str,
    realm: String,
    code: &'static str,
    means: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Endpoint {
    endpoint: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Why {
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Ended {
    result: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfRealm {
    realm: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Kept {
    cache: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Looked {
    cache: &'static str,
    result: &'static str,
}

/// What is counted as it happens.
pub(super) struct Metrics {
    decisions: Family<Decision, Counter>,
    seconds: Family<Endpoint, Histogram, fn() -> Histogram>,
    turned_away: Family<Why, Counter>,
    reloads: Family<Ended, Counter>,
    /// In seconds since 1970.
    reloaded: AtomicI64,
    generation: AtomicU64,
}

/// What is looked up for a scrape.
#[derive(Debug)]
pub struct State {
    /// Whether the key store answers; nothing where there is none.
    pub store_up: Option<bool>,
    /// Looks into the cache of keys.
    pub keys: Looks,
    /// What verifying passwords has cost, and has to do.
    pub verifier: Load,
    /// How many users each realm has, by its name.
    pub users: Vec<(String, usize)>,
}

impl Default for Metrics {
    fn default() -> Self {
        let metrics = Self {
            decisions: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            turned_away: Family::default(),
            reloads: Family::default(),
            reloaded: AtomicI64::new(now()),
            generation: AtomicU64::new(1),
        };
        for result in ["done", "failed"] {
            drop(metrics.reloads.get_or_create(&Ended { result }));
        }
        metrics
    }
}

impl Metrics {
    pub(super) fn decided(&self, decided: &Decided<'_>) {
        let endpoint = decided.route.endpoint.path();
        let seconds = self.seconds.get_or_create(&Endpoint { endpoint });
        seconds.observe(decided.took.as_secs_f64());
        let decision = Decision {
            endpoint,
            realm: decided.realm().to_owned(),
            code: decided.answered.answer.code(),
            means: decided.answered.means.as_str(),
        };
        self.decisions.get_or_create(&decision).inc();
    }

    pub(super) fn turned_away(&self, reason: &'static str) {
        self.turned_away.get_or_create(&Why { reason }).inc();
    }

    pub(super) fn reloaded(&self, done: bool) {
        let result = if done { "done" } else { "failed" };
        self.reloads.get_or_create(&Ended { result }).inc();
        if done {
            self.generation.fetch_add(1, Ordering::Relaxed);
            self.reloaded.store(now(), Ordering::Relaxed);
        }
    }

    /// All of it, as a scrape wants it.
    pub(super) fn text(&self, state: &State) -> String {
        let mut registry = Registry::with_prefix("htgate");
        self.register(&mut registry);
        state.register(&mut registry);
        let mut text = String::new();
        // Writing to a string doesn't fail.
        let _ = encode(&mut text, &registry);
        text
    }

    fn register(&self, registry: &mut Registry) {
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The version that runs", version);
        registry.register(
            "decisions",
            "Answers, by endpoint, realm, reason and how a credential was presented",
            self.decisions.clone(),
        );
        registry.register_with_unit(
            "decision",
            "How long an answer took",
            Unit::Seconds,
            self.seconds.clone(),
        );
        registry.register(
            "turned_away",
            "Requests that were no question: from a peer that isn't trusted, or to no endpoint",
            self.turned_away.clone(),
        );
        registry.register(
            "reloads",
            "Reloads, by how they ended",
            self.reloads.clone(),
        );
        gauge(
            registry,
            "reload_timestamp_seconds",
            "When everything was last read anew, or the start",
            self.reloaded.load(Ordering::Relaxed),
        );
        let generation = self.generation.load(Ordering::Relaxed);
        counted(
            registry,
            "generation",
            "How often everything was read",
            generation,
        );
    }
}

impl State {
    fn register(&self, registry: &mut Registry) {
        if let Some(up) = self.store_up {
            gauge(
                registry,
                "key_store_up",
                "Whether the key store answers",
                i64::from(up),
            );
        }
        let (entries, looks) = (
            Family::<Kept, Gauge>::default(),
            Family::<Looked, Counter>::default(),
        );
        for (cache, found) in [("passwords", self.verifier.looks), ("keys", self.keys)] {
            let kept = i64::try_from(found.entries).unwrap_or(i64::MAX);
            entries.get_or_create(&Kept { cache }).set(kept);
            for (result, count) in [("hit", found.hits), ("miss", found.misses)] {
                looks.get_or_create(&Looked { cache, result }).inc_by(count);
            }
        }
        registry.register("cache_entries", "What is remembered", entries);
        registry.register("cache_looks", "Looks into what is remembered", looks);

        let load = &self.verifier;
        let hashes = ConstCounter::new(load.hashes);
        registry.register("hashes", "Password hashes that were computed", hashes);
        registry.register_with_unit(
            "hash",
            "How long computing them took, in all",
            Unit::Seconds,
            ConstCounter::new(load.hashing.as_secs_f64()),
        );
        let joined = ConstCounter::new(load.joined);
        registry.register(
            "hashes_joined",
            "Checks that waited for an equal one",
            joined,
        );
        for (name, help, count) in [
            (
                "hashing_waiting",
                "Checks that wait for a hashing thread",
                load.waiting,
            ),
            ("hashing_running", "Checks that are computed", load.running),
            ("hashing_limit", "How many may wait", load.most),
        ] {
            counted(registry, name, help, count as u64);
        }

        let users = Family::<OfRealm, Gauge>::default();
        for (realm, count) in &self.users {
            let realm = realm.clone();
            let count = i64::try_from(*count).unwrap_or(i64::MAX);
            users.get_or_create(&OfRealm { realm }).set(count);
        }
        registry.register("users", "Entries of each realm's htpasswd file", users);
    }
}

fn gauge(registry: &mut Registry, name: &str, help: &str, value: i64) {
    registry.register(name, help, ConstGauge::new(value));
}

fn counted(registry: &mut Registry, name: &str, help: &str, value: u64) {
    gauge(
        registry,
        name,
        help,
        i64::try_from(value).unwrap_or(i64::MAX),
    );
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}
