//! Passwords that are none: many different ones, one again and again, and users who are nobody.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use super::world::{NEW, Statuses, Throttle, World, basic, compared, question};
use crate::{
    harness::{eventually, http::PATIENCE},
    observed::time_of,
    trial::Trial,
};

/// What a guess may be answered by: no, too many of yours, too many of all.
const REFUSALS: [u16; 3] = [401, 429, 503];

/// How long the known are watched without any flood.
const WHILE: Duration = Duration::from_millis(500);

/// Sends guesses from many connections at once; `guess` makes the one of each number.
fn guesses(
    world: &World,
    trial: &mut Trial,
    count: u64,
    clients: usize,
    guess: impl Fn(u64) -> Vec<u8> + Sync,
) -> Statuses {
    let next = AtomicU64::new(0);
    let done = AtomicBool::new(false);
    let mut all = Statuses::default();
    thread::scope(|scope| {
        let senders: Vec<_> = (0..clients)
            .map(|_| {
                scope.spawn(|| {
                    let mut connection = world.connect();
                    let mut statuses = Statuses::default();
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= count {
                            done.store(true, Ordering::Relaxed);
                            return statuses;
                        }
                        statuses.add(&connection.ask(&guess(number)).unwrap());
                    }
                })
            })
            .collect();
        while !done.load(Ordering::Relaxed) && senders.iter().any(|sender| !sender.is_finished()) {
            trial.progress(next.load(Ordering::Relaxed).min(count), count);
            thread::sleep(Duration::from_millis(20));
        }
        for sender in senders {
            all.merge(sender.join().unwrap());
        }
    });
    all
}

/// The same while those who are known ask too; with how long their answers took.
fn guesses_beside_the_known(
    world: &World,
    trial: &mut Trial,
    count: u64,
    clients: usize,
    guess: impl Fn(u64) -> Vec<u8> + Sync,
) -> (Statuses, Vec<Duration>) {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let known = scope.spawn(|| world.serve_known(&stop));
        let statuses = guesses(world, trial, count, clients, guess);
        stop.store(true, Ordering::Relaxed);
        (statuses, known.join().unwrap())
    })
}

/// An address of its own for each number.
fn address(number: u64) -> String {
    let [.., a, b, c] = number.to_be_bytes();
    format!("10.{a}.{b}.{c}")
}

fn different_guesses(name: &'static str, throttle: Throttle) {
    let mut trial = Trial::begin(name);
    let cost = if trial.times(0, 100) > 0 { 12 } else { 8 };
    let mut world = World::start(cost, throttle);
    let mut idle = world.serve_known_for(WHILE);
    let hashed = time_of(world.htgate.process(), "hash");
    let start = Instant::now();
    // Enough at once to fill the queue, whose rest is refused at once.
    let (count, clients) = (trial.times(2_000, 1_000_000), 160);
    let flood = |number: u64| {
        let user = if number.is_multiple_of(2) {
            "alice"
        } else {
            "nobody"
        };
        question(
            "members",
            &basic(user, &format!("guess {number}")),
            &address(number),
        )
    };
    let (statuses, mut meanwhile) =
        guesses_beside_the_known(&world, &mut trial, count, clients, flood);
    let (sent, hashed) = (
        statuses.all(&REFUSALS),
        time_of(world.htgate.process(), "hash").saturating_sub(hashed),
    );
    let share = hashed.as_secs_f64() / start.elapsed().as_secs_f64();
    let asked_for = sent / statuses.count(401).max(1);
    assert!(
        asked_for >= 10,
        "{asked_for} times what can be hashed: {}",
        statuses.shown()
    );
    let growth = world.growth();
    let login = question("members", &basic("new", NEW), "198.51.100.1");
    let back = Instant::now();
    let recovered = eventually(PATIENCE, || {
        world.connect().ask(&login).unwrap().status == 200
    });
    assert!(recovered, "a new user can log in afterwards");
    world.is_sound();
    let tried = format!(
        "{sent} different guesses at bcrypt {cost} from as many addresses, {asked_for} times what \
         can be hashed"
    );
    let outcome = format!(
        "{}; {} warm requests, all allowed; {}; hashing took {share:.1} cores; {growth}; a new \
         user logs in {:.1} s after",
        statuses.shown(),
        meanwhile.len(),
        compared(&mut idle, &mut meanwhile),
        back.elapsed().as_secs_f64(),
    );
    trial.end(&tried, &outcome);
}

#[test]
fn different_guesses_leave_the_known_alone() {
    different_guesses("a flood of guesses, unlimited", Throttle::Off);
}

#[test]
fn different_guesses_leave_the_known_alone_where_they_are_limited() {
    different_guesses("a flood of guesses, limited", Throttle::On);
}

#[test]
fn one_wrong_password_is_hashed_once_however_often_it_comes() {
    let mut trial = Trial::begin("one wrong password again and again");
    let mut world = World::start(11, Throttle::On);
    let time = |world: &mut World| time_of(world.htgate.process(), "hash");
    let before = time(&mut world);
    let single = question("members", &basic("alice", "another one"), "192.0.2.9");
    assert_eq!(world.connect().ask(&single).unwrap().status, 401);
    let one = time(&mut world).saturating_sub(before);
    assert!(!one.is_zero(), "a hash takes time that can be seen");

    let (before, start) = (time(&mut world), Instant::now());
    let wrong = question("members", &basic("alice", "wrong"), "192.0.2.10");
    let count = trial.times(3_000, 100_000);
    let statuses = guesses(&world, &mut trial, count, 16, |_| wrong.clone());
    let all = time(&mut world).saturating_sub(before);
    let sent = statuses.all(&[401]);
    // A wrong answer is remembered for half a minute.
    let due = 1 + u32::try_from(start.elapsed().as_secs() / 30).unwrap();
    assert!(
        all <= one * 2 * due,
        "{all:?} of hashing, where one takes {one:?}"
    );
    let growth = world.growth();
    world.is_sound();
    let outcome =
        format!("all 401; {all:.1?} of hashing, where one hash takes {one:.1?}; {growth}");
    trial.end(&format!("the same wrong password {sent} times"), &outcome);
}

#[test]
fn users_who_are_nobody_take_no_memory_and_nobody_elses_turn() {
    let mut trial = Trial::begin("unknown users");
    let mut world = World::start(8, Throttle::On);
    let count = trial.times(3_000, 1_000_000);
    let flood = |number: u64| {
        // Of a file with one cheap entry, and of one with costly ones.
        let policy = if number.is_multiple_of(8) {
            "members"
        } else {
            "old"
        };
        question(
            policy,
            &basic(&format!("user{number}"), "guess"),
            &address(number),
        )
    };
    let mut idle = world.serve_known_for(WHILE);
    let (statuses, mut meanwhile) = guesses_beside_the_known(&world, &mut trial, count, 96, flood);
    let sent = statuses.all(&REFUSALS);
    let growth = world.growth();
    world.is_sound();
    let outcome = format!(
        "{}; {} warm requests, all allowed; {}; {growth}",
        statuses.shown(),
        meanwhile.len(),
        compared(&mut idle, &mut meanwhile),
    );
    trial.end(
        &format!("{sent} users of different names, none of them there"),
        &outcome,
    );
}
