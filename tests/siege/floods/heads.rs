//! Heads that are too long, or never end.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    thread,
    time::Duration,
};

use super::world::{Throttle, World};
use crate::{harness::http::PATIENCE, trial::Trial};

/// More than any head may have and the sockets between hold.
const TOO_MUCH: usize = 64 << 20;

/// How a head goes on and on.
const ENDLESS: [(&str, &str, &str); 6] = [
    (
        "a value without end",
        "GET /forward-auth/members HTTP/1.1\r\nX-Long: ",
        "aaaaaaaaaaaaaaaa",
    ),
    (
        "lines without end",
        "GET /forward-auth/members HTTP/1.1\r\nHost: x\r\n",
        "X-Line: aaaa\r\n",
    ),
    (
        "a name without end",
        "GET /forward-auth/members HTTP/1.1\r\n",
        "aaaaaaaaaaaaaaaa",
    ),
    (
        "a target without end",
        "GET /forward-auth/",
        "aaaaaaaaaaaaaaaa",
    ),
    ("a method without end", "G", "GGGGGGGGGGGGGGGG"),
    (
        "a credential without end",
        "GET / HTTP/1.1\r\nAuthorization: Basic ",
        "YWxpY2U6YWxpY2U6",
    ),
];

/// How a head that ends is too long.
fn long(kind: usize) -> String {
    let line = match kind {
        0 => format!("X-Long: {}\r\n", "a".repeat(200_000)),
        1 => "X-Line: a\r\n".repeat(10_000),
        _ => format!("Authorization: Basic {}\r\n", "YWxp".repeat(50_000)),
    };
    format!("GET /forward-auth/members HTTP/1.1\r\nHost: x\r\n{line}\r\n")
}

#[test]
fn a_head_without_bounds_is_refused_and_its_connection_closed() {
    let mut trial = Trial::begin("heads without bounds");
    let mut world = World::start(4, Throttle::Off);
    let (rounds, clients) = (trial.times(2, 100), 16);
    let address = world.htgate.address;
    for round in 0..rounds {
        thread::scope(|scope| {
            for client in 0..clients {
                scope.spawn(move || {
                    let kind = client % (ENDLESS.len() + 3);
                    let stream = TcpStream::connect(address).unwrap();
                    let (name, answer) = match ENDLESS.get(kind) {
                        Some((name, start, more)) => (*name, endless(stream, start, more)),
                        None => {
                            let head = long(kind - ENDLESS.len());
                            ("a long head", endless(stream, &head, ""))
                        }
                    };
                    let status = answer.get(9..12).unwrap_or("none").to_owned();
                    assert!(
                        ["400", "431", "none"].contains(&&*status),
                        "{name}: {answer}"
                    );
                });
            }
        });
        trial.progress(round, rounds);
    }
    let growth = world.growth();
    for known in world.known() {
        assert_eq!(world.connect().ask(&known).unwrap().status, 200);
    }
    world.is_sound();
    let tried = format!(
        "{} heads with 10,000 lines, lines of 200 kB, or without end",
        rounds * clients as u64
    );
    trial.end(
        &tried,
        &format!("refused with 400 or 431, or closed; {growth}"),
    );
}

/// Sends a head and more of it until the other side has enough; gives the answer, if there is one.
fn endless(mut stream: TcpStream, start: &str, more: &str) -> String {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    let mut sent = start.len();
    let more = more.repeat(1000);
    let mut ended = stream.write_all(start.as_bytes()).is_err();
    while !ended && !more.is_empty() {
        assert!(sent < TOO_MUCH, "{sent} bytes of {start:?} are taken");
        ended = stream.write_all(more.as_bytes()).is_err();
        sent += more.len();
    }
    // The answer, if the reset that may follow it leaves one.
    let mut answer = Vec::new();
    let closed = match stream.read_to_end(&mut answer) {
        Ok(_) => true,
        Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
    };
    assert!(closed, "the connection stays open after {start:.40?}");
    thread::sleep(Duration::from_millis(1));
    String::from_utf8_lossy(&answer).into_owned()
}
