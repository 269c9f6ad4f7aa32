//! Connections by the thousand: idle ones, half-open ones, and bodies that are announced.

use std::{
    net::TcpStream,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::world::{Throttle, World, compared};
use crate::{
    harness::{eventually, http::Connection},
    trial::Trial,
};

/// How long the known are watched without anything.
const WHILE: Duration = Duration::from_millis(500);

/// As many files as we may have, and the service as our child.
fn raise_our_limit() -> u64 {
    let limits = getrlimit(Resource::Nofile);
    let all = Rlimit {
        current: limits.maximum,
        ..limits
    };
    setrlimit(Resource::Nofile, all).unwrap();
    limits.maximum.unwrap_or(u64::MAX)
}

#[test]
fn idle_and_half_open_connections_take_nothing_from_the_others() {
    let mut trial = Trial::begin("idle connections and slow ones");
    let allowed = raise_our_limit();
    let mut world = World::start(4, Throttle::Off);
    let (idle, slow) = (trial.times(1_000, 5_000), trial.times(100, 500));
    assert!(
        allowed > idle + slow + 100,
        "ulimit -n {allowed} is too low for this"
    );
    let asked = world.known().remove(1);
    let mut before = world.serve_known_for(WHILE);

    let mut connections = Vec::new();
    for number in 0..idle {
        let mut connection = world.connect();
        assert_eq!(connection.ask(&asked).unwrap().status, 200);
        connections.push(connection);
        trial.progress(number, idle);
    }
    let half = &asked[..asked.len() / 2];
    let halves: Vec<Connection> = (0..slow)
        .map(|_| {
            let mut connection = world.connect();
            connection.send(half).unwrap();
            connection
        })
        .collect();
    let mut meanwhile = world.serve_known_for(WHILE * 4);
    let growth = world.growth_with(idle + slow);
    // The half-open are cut off, the idle are not.
    for mut connection in halves {
        connection.patience(Duration::from_secs(14));
        let end = connection.read_to_end();
        assert!(end.is_ok() || end.is_err_and(|e| e.kind() == std::io::ErrorKind::ConnectionReset));
    }
    for mut connection in connections {
        assert_eq!(connection.ask(&asked).unwrap().status, 200);
    }
    world.serve_known_for(Duration::from_millis(100));
    world.is_sound();
    let outcome = format!(
        "{} warm requests, all allowed; {}; half heads cut off, idle connections answered again; \
         {growth}",
        meanwhile.len(),
        compared(&mut before, &mut meanwhile),
    );
    trial.end(
        &format!("{idle} idle connections and {slow} with half a head"),
        &outcome,
    );
}

#[test]
fn bodies_that_never_come_are_not_waited_for() {
    let mut trial = Trial::begin("announced bodies that never come");
    raise_our_limit();
    let mut world = World::start(4, Throttle::Off);
    let count = trial.times(400, 5_000);
    let asked = world.known().remove(1);
    let front = &asked[..asked.len() - 2];
    let stop = AtomicBool::new(false);
    let mut before = world.serve_known_for(WHILE);
    let (mut slowest, mut meanwhile) = (Duration::ZERO, Vec::new());
    thread::scope(|scope| {
        let known = scope.spawn(|| world.serve_known(&stop));
        let mut open = Vec::new();
        for number in 0..count {
            let body = match number % 4 {
                0 => "Content-Length: 5\r\n\r\n",
                1 => "Content-Length: 1000000000\r\n\r\n12345",
                2 => "Transfer-Encoding: chunked\r\n\r\n",
                _ => "Transfer-Encoding: chunked\r\n\r\nfffffff\r\n123",
            };
            let mut connection = world.connect();
            let start = Instant::now();
            let answer = connection.ask(&[front, body.as_bytes()].concat()).unwrap();
            slowest = slowest.max(start.elapsed());
            assert_eq!(answer.status, 200, "{body:?}");
            open.push(connection);
            trial.progress(number, count);
        }
        for connection in open {
            is_closed(connection);
        }
        stop.store(true, Ordering::Relaxed);
        meanwhile = known.join().unwrap();
    });
    let growth = world.growth_with(count);
    world.is_sound();
    let outcome = format!(
        "all answered, the slowest after {:.1} ms, and closed; {} warm requests, all allowed; {}; \
         {growth}",
        slowest.as_secs_f64() * 1e3,
        meanwhile.len(),
        compared(&mut before, &mut meanwhile),
    );
    trial.end(&format!("{count} bodies by length and in chunks"), &outcome);
}

fn is_closed(mut connection: Connection<TcpStream>) {
    let closed = eventually(Duration::from_secs(5), || {
        let end = connection.read_to_end();
        end.is_ok() || end.is_err_and(|e| e.kind() == std::io::ErrorKind::ConnectionReset)
    });
    assert!(closed, "it stays open");
}
