//! A service with somebody to be known there, and what is asked of it meanwhile.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::{
    harness::{
        http::{Connection, Response, request},
        program::Htgate,
        site,
    },
    observed::resident,
};

/// What no flood may add to the memory of the service,
pub(crate) const ROOM: u64 = 64 << 20;
/// and what each connection may that is open meanwhile, with its buffers.
const CONNECTION: u64 = 32 << 10;

const CONFIGURATION: &str = r#"
[realms.intranet]
htpasswd = "users.htpasswd"
api_keys = true

[realms.old]
htpasswd = "old.htpasswd"

[policies.members]
realm = "intranet"

[policies.old]
realm = "old"

[api_keys]
store = "sqlite:keys.db"
"#;

pub(crate) const ALICE: &str = "a known password";
pub(crate) const NEW: &str = "one that nobody has used yet";

/// The service, and those it knows.
pub(crate) struct World {
    pub(crate) htgate: Htgate,
    pub(crate) key: String,
    before: u64,
}

/// Whether guesses are limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Throttle {
    /// As it comes.
    On,
    /// Not at all.
    Off,
}

impl World {
    /// Starts it with passwords at this cost, and lets it know alice and a key.
    pub(crate) fn start(cost: u32, throttle: Throttle) -> Self {
        let mut world = Self::prepare(cost, throttle);
        world.htgate.serve();
        world.settle();
        world
    }

    /// The same, not running yet.
    pub(crate) fn prepare(cost: u32, throttle: Throttle) -> Self {
        let [alice, new] = [ALICE, NEW].map(|password| bcrypt::hash(password, cost).unwrap());
        let throttle = match throttle {
            Throttle::On => "",
            Throttle::Off => "[throttle]\nfailures = 0\n",
        };
        let files = [
            ("users.htpasswd", &*format!("alice:{alice}\nnew:{new}\n")),
            // "secret", by SHA-1.
            ("old.htpasswd", "carol:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n"),
        ];
        let htgate = Htgate::prepare(&format!("{CONFIGURATION}{throttle}"), &files);
        Self {
            htgate,
            key: String::new(),
            before: 0,
        }
    }

    /// Makes the service know whom it shall know.
    pub(crate) fn settle(&mut self) {
        self.key = self.htgate.create_key("key", "any");
        for known in self.known() {
            let answer = self.connect().ask(&known).unwrap();
            assert_eq!(answer.status, 200, "{answer:?}");
        }
        self.before = resident(self.htgate.process());
    }

    pub(crate) fn connect(&self) -> Connection {
        Connection::open(self.htgate.address)
    }

    /// The questions of those whom the service knows.
    pub(crate) fn known(&self) -> Vec<Vec<u8>> {
        let alice = basic("alice", ALICE);
        let key = format!("Bearer {}", self.key);
        vec![
            question("members", &alice, "192.0.2.1"),
            question("members", &key, "192.0.2.1"),
            question("old", &basic("carol", "secret"), "192.0.2.1"),
        ]
    }

    /// How much its memory has grown since it settled, which must have been within bounds.
    pub(crate) fn growth(&mut self) -> String {
        self.growth_with(0)
    }

    /// The same with so many connections open at a time.
    pub(crate) fn growth_with(&mut self, connections: u64) -> String {
        let growth = resident(self.htgate.process()).saturating_sub(self.before);
        assert!(
            growth <= ROOM + connections * CONNECTION,
            "its memory has grown by {} MB",
            growth >> 20
        );
        format!("memory +{:.1} MB", to_mb(growth))
    }

    /// Nothing in the log is a bug.
    pub(crate) fn is_sound(&self) {
        let log = self.htgate.log();
        let bugs: Vec<&str> = log
            .lines()
            .filter(|line| line.contains("panicked"))
            .collect();
        assert!(bugs.is_empty(), "{bugs:?}");
    }

    /// Asks as those who are known until told to stop; gives how long each answer took. Every one
    /// of them must be a yes.
    pub(crate) fn serve_known(&self, stop: &AtomicBool) -> Vec<Duration> {
        let questions = self.known();
        let ask = |address: SocketAddr| {
            let mut connection = Connection::open(address);
            let mut times = Vec::new();
            for question in questions.iter().cycle() {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let start = Instant::now();
                let answer = connection.ask(question).expect("the known are answered");
                times.push(start.elapsed());
                assert_eq!(answer.status, 200, "{answer:?}");
                thread::sleep(Duration::from_millis(2));
            }
            times
        };
        ask(self.htgate.address)
    }

    /// The same for a while.
    pub(crate) fn serve_known_for(&self, span: Duration) -> Vec<Duration> {
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let known = scope.spawn(|| self.serve_known(&stop));
            thread::sleep(span);
            stop.store(true, Ordering::Relaxed);
            known.join().unwrap()
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
fn to_mb(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// `p99 1.0 ms idle, 1.2 ms meanwhile`.
pub(crate) fn compared(idle: &mut [Duration], meanwhile: &mut [Duration]) -> String {
    let [idle, busy] = [idle, meanwhile].map(|times| {
        times.sort();
        times[times.len() * 99 / 100].as_secs_f64() * 1e3
    });
    format!("p99 of the known {idle:.1} ms idle, {busy:.1} ms meanwhile")
}

pub(crate) fn basic(user: &str, password: &str) -> String {
    site::basic((user, password))
}

/// Asks for a policy with these credentials, from this address.
pub(crate) fn question(policy: &str, authorization: &str, client: &str) -> Vec<u8> {
    let headers = [
        ("Host", "htgate"),
        ("Authorization", authorization),
        ("X-Forwarded-For", client),
    ];
    request("GET", &format!("/forward-auth/{policy}"), &headers, b"")
}

/// Counts answers by status.
#[derive(Default)]
pub(crate) struct Statuses(std::collections::BTreeMap<u16, u64>);

impl Statuses {
    pub(crate) fn add(&mut self, answer: &Response) {
        *self.0.entry(answer.status).or_default() += 1;
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for (status, count) in other.0 {
            *self.0.entry(status).or_default() += count;
        }
    }

    pub(crate) fn count(&self, status: u16) -> u64 {
        self.0.get(&status).copied().unwrap_or_default()
    }

    /// All of them, which must be of these.
    pub(crate) fn all(&self, expected: &[u16]) -> u64 {
        let strange = self.0.keys().find(|status| !expected.contains(status));
        assert!(strange.is_none(), "{:?}", self.0);
        self.0.values().sum()
    }

    /// `401: 5, 503: 95`.
    pub(crate) fn shown(&self) -> String {
        let each = self
            .0
            .iter()
            .map(|(status, count)| format!("{status}: {count}"));
        each.collect::<Vec<_>>().join(", ")
    }
}
