//! How long a "no" takes tells nothing: not who exists, not whose entry is locked.
//!
//! Over HTTP, each attempt with a password of its own where nothing is to be remembered. Samples
//! of all classes are taken in turn, in an order that is drawn anew each time. Two classes are
//! held apart by the medians (1 %) and by Welch's t (4.5) over what is left without the slowest
//! twentieth, which are the machine's own. A machine that is busy can part two equal classes, so
//! what looks different is looked at again; what is different stays so.

mod samples;

use std::{
    fmt::Write as _,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Instant,
};

use self::samples::{Class, difference};
use crate::{
    harness::{
        http::{Connection, request},
        program::Htgate,
        site::basic,
    },
    trial::Trial,
};

/// How often what looks different is looked at again.
const LOOKS: usize = 5;

const CONFIGURATION: &str = r#"
[realms.intranet]
htpasswd = "users.htpasswd"

[policies.members]
realm = "intranet"

[throttle]
failures = 0
"#;

const SHA: (&str, &str) = ("{SHA}", "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=");
const APR1: (&str, &str) = ("apr1", "$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0");
const BCRYPT: (&str, &str) = (
    "bcrypt 4",
    "$2y$04$1qx3YCQL7yvBRUsHr7n4i.i10hdGAjwkLOKM96tSud4GZrA3ILBOK",
);
const SHA_512: (&str, &str) = (
    "sha512-crypt of 30,000 rounds",
    "$6$rounds=30000$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq.H91p5hVO1",
);

/// A service with these users, and one connection to it.
struct Asker {
    connection: Connection,
    attempts: u64,
    htgate: Htgate,
}

impl Asker {
    fn start(users: &str) -> Self {
        let htgate = Htgate::start(CONFIGURATION, &[("users.htpasswd", users)]);
        Self {
            connection: Connection::open(htgate.address),
            attempts: 0,
            htgate,
        }
    }

    /// Microseconds until the "no" to a password that nobody tried before.
    fn cold(&mut self, user: &str) -> f64 {
        self.attempts += 1;
        let password = format!("guess {:08}", self.attempts);
        self.time(user, &password)
    }

    fn time(&mut self, user: &str, password: &str) -> f64 {
        let question = question(user, password);
        let started = Instant::now();
        let status = self.connection.ask(&question).unwrap().status;
        let took = started.elapsed();
        assert_eq!(status, 401, "{user}");
        took.as_secs_f64() * 1e6
    }
}

fn question(user: &str, password: &str) -> Vec<u8> {
    let headers = [
        ("Host", "htgate"),
        ("X-Real-IP", "192.0.2.7"),
        ("Authorization", &basic((user, password))),
    ];
    request("GET", "/auth-request/members", &headers, b"")
}

fn ask(connection: &mut Connection, user: &str, password: &str) -> u16 {
    connection.ask(&question(user, password)).unwrap().status
}

/// Samples of all classes in turn, until no two of them differ or there were enough looks. What
/// differs most in the last look.
fn compare(
    names: &[&str],
    rounds: u64,
    mut sample: impl FnMut(&str) -> f64,
) -> Result<String, String> {
    let mut worst = String::new();
    for _ in 0..LOOKS {
        let mut classes: Vec<Class> = names.iter().map(|name| Class::new(name)).collect();
        for _ in 0..rounds {
            // So that no class always comes after the same other one.
            fastrand::shuffle(&mut classes);
            for class in &mut classes {
                let took = sample(&class.name);
                class.samples.push(took);
            }
        }
        let found = difference(&classes);
        worst = found.to_string();
        if found.is_none() {
            return Ok(worst);
        }
        eprintln!("once more: {worst}");
    }
    Err(worst)
}

#[test]
fn unknown_and_locked_users_take_as_long_as_wrong_passwords() {
    let mut trial = Trial::begin("equal time, one kind of hash");
    let mut outcomes = Vec::new();
    let mut most = 0;
    for (kind, hash) in [SHA, APR1, BCRYPT] {
        let users = format!("alice:{hash}\ndavid:!{hash}\nerwin:$2y$04$cut\n");
        let mut asker = Asker::start(&users);
        let rounds = match kind {
            "{SHA}" => trial.times(400, 100_000),
            _ => trial.times(200, 10_000),
        };
        most = rounds.max(most);
        // Known, unknown, locked and malformed: names of one length.
        let names = ["alice", "carol", "david", "erwin"];
        let cold = compare(&names, rounds, |user| asker.cold(user));
        let remembered = compare(&names, rounds, |user| asker.time(user, "the same one"));
        for (state, outcome) in [("cold", cold), ("remembered", remembered)] {
            let worst = outcome.unwrap_or_else(|worst| panic!("{kind}, {state}: {worst}"));
            outcomes.push(format!("{kind} {state}: {worst}"));
            trial.progress(outcomes.len() as u64, 6);
        }
    }
    trial.end(
        &format!(
            "known, unknown, locked and malformed users of files with one kind of hash; up to \
             {most} attempts each, in turn"
        ),
        &format!("the pairs that differ most: {}", outcomes.join("; ")),
    );
}

/// A mixed file, by how long its hashes take, each several times as long as the one before; and how
/// many users have each.
const MIXED: [(&str, &str); 3] = [SHA, BCRYPT, SHA_512];
const SHARES: [usize; 3] = [10, 40, 30];

#[test]
fn in_a_mixed_file_unknown_and_locked_users_are_spread_as_the_known_ones() {
    let mut trial = Trial::begin("equal time, mixed file");
    let mut users = String::new();
    for (at, ((_, hash), share)) in MIXED.iter().zip(SHARES).enumerate() {
        for number in 0..share {
            writeln!(users, "known-{at}-{number:03}:{hash}").unwrap();
        }
    }
    let names = usize::try_from(trial.times(100, 2_000)).unwrap();
    for number in 0..names {
        writeln!(users, "locks-9-{number:03}:!").unwrap();
    }
    let mut asker = Asker::start(&users);
    let typical: Vec<f64> = (0..MIXED.len())
        .map(|at| quickest(&mut asker, &format!("known-{at}-000")))
        .collect();
    let rounds = trial.times(50, 3_000);
    let mut outcomes = Vec::new();
    // Whoever isn't known, by the kind of hash that each name costs.
    let groups: Vec<Vec<Vec<String>>> = ["nobod", "locks"]
        .map(|word| {
            let mut kinds = vec![Vec::new(); MIXED.len()];
            for number in 0..names {
                let name = format!("{word}-9-{number:03}");
                kinds[kind_of(&mut asker, &name, &typical)].push(name);
            }
            kinds
        })
        .into();
    for kinds in &groups {
        outcomes.push(shares(kinds, names));
    }
    for (at, (kind, _)) in MIXED.iter().enumerate() {
        let mut turn = 0;
        let worst = compare(&["known", "unknown", "locked"], rounds, |class| {
            turn += 1;
            let name = match class {
                "known" => format!("known-{at}-{:03}", turn % SHARES[at]),
                "unknown" => groups[0][at][turn % groups[0][at].len()].clone(),
                _ => groups[1][at][turn % groups[1][at].len()].clone(),
            };
            asker.cold(&name)
        });
        let worst = worst.unwrap_or_else(|worst| panic!("{kind}: {worst}"));
        outcomes.push(format!("{kind}: {worst}"));
        trial.progress(at as u64 + 1, MIXED.len() as u64);
    }
    trial.end(
        &format!(
            "{names} unknown and {names} locked names in a file of {{SHA}}, bcrypt and sha512-crypt; \
             then {rounds} attempts for each kind and class, in turn"
        ),
        &outcomes.join("; "),
    );
}

/// The quickest of some attempts: what a busy machine adds is left out.
fn quickest(asker: &mut Asker, name: &str) -> f64 {
    (0..5).map(|_| asker.cold(name)).fold(f64::MAX, f64::min)
}

/// Which kind of hash a name costs, by the typical times of the kinds.
fn kind_of(asker: &mut Asker, name: &str, typical: &[f64]) -> usize {
    let took = quickest(asker, name);
    let distance = |other: &f64| (took / other).ln().abs();
    let kinds = typical.iter().enumerate();
    let nearest = kinds.min_by(|one, other| distance(one.1).total_cmp(&distance(other.1)));
    nearest.unwrap().0
}

/// Holds the shares of the kinds among so many names against those in the file: within five
/// standard deviations.
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn shares(kinds: &[Vec<String>], names: usize) -> String {
    let all: usize = SHARES.iter().sum();
    let mut shown = Vec::new();
    for ((found, share), (kind, _)) in kinds.iter().zip(SHARES).zip(MIXED) {
        let share = share as f64 / all as f64;
        let expected = names as f64 * share;
        let deviation = (expected * (1.0 - share)).sqrt();
        let found = found.len() as f64;
        assert!(
            (found - expected).abs() < 5.0 * deviation,
            "{kind}: {found} names instead of {expected}"
        );
        shown.push(format!("{found:.0} of {expected:.0} {kind}"));
    }
    format!("shares {}", shown.join(", "))
}

#[test]
fn while_others_ask_a_no_takes_as_long_for_everybody_and_the_known_pass() {
    let mut trial = Trial::begin("equal time, under load");
    let hash = BCRYPT.1;
    let mut asker = Asker::start(&format!("alice:{hash}\nerwin:{hash}\ndavid:!{hash}\n"));
    let rounds = trial.times(150, 10_000);
    let address = asker.htgate.address;
    let busy = AtomicBool::new(true);
    let (worst, passed) = thread::scope(|scope| {
        let known = scope.spawn(|| {
            let mut connection = Connection::open(address);
            let mut passed = 0_u64;
            while busy.load(Ordering::Relaxed) {
                assert_eq!(ask(&mut connection, "erwin", "correct horse"), 200);
                passed += 1;
            }
            passed
        });
        let worst = compare(&["alice", "carol", "david"], rounds, |user| {
            asker.cold(user)
        });
        busy.store(false, Ordering::Relaxed);
        (worst, known.join().unwrap())
    });
    let worst = worst.unwrap_or_else(|worst| panic!("{worst}"));
    trial.progress(rounds, rounds);
    assert!(
        passed > rounds,
        "{passed} answers for the known beside {rounds} rounds"
    );
    trial.end(
        &format!("known, unknown and locked users, {rounds} attempts each, while another connection asks for a user who is known"),
        &format!("{worst}; the known user passed {passed} times"),
    );
}
