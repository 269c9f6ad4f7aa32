//! Clients that go on asking, each time on a connection of its own, and miss no answer.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    thread,
};

use crate::machine::Machine;

const QUESTION: &[u8] =
    b"GET /auth-request/staff HTTP/1.1\r\nHost: htgate\r\nConnection: close\r\n\r\n";

/// How many answers came over each kind of socket while `work` was done; each was whole and right.
///
/// # Panics
/// With the first that wasn't.
pub(crate) fn during(machine: &Machine, work: impl FnOnce()) -> [u32; 2] {
    let (over, answers) = (
        AtomicBool::new(false),
        [AtomicU32::new(0), AtomicU32::new(0)],
    );
    let (over, [tcp, unix]) = (&over, &answers);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(move || {
                machine.enter_network();
                ask_until(over, tcp, || TcpStream::connect("127.0.0.1:9180"));
            });
            scope.spawn(move || {
                ask_until(over, unix, || machine.unix("/run/htgate/htgate.sock"));
            });
        }
        work();
        over.store(true, Ordering::Relaxed);
    });
    answers.map(AtomicU32::into_inner)
}

fn ask_until<S: Read + Write>(
    over: &AtomicBool,
    answers: &AtomicU32,
    connect: impl Fn() -> io::Result<S>,
) {
    while !over.load(Ordering::Relaxed) {
        let answer = ask(connect()).unwrap_or_else(|error| panic!("no answer: {error}"));
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer:?}");
        assert!(answer.ends_with("\r\n\r\n"), "{answer:?}");
        answers.fetch_add(1, Ordering::Relaxed);
    }
}

fn ask(connection: io::Result<impl Read + Write>) -> io::Result<String> {
    let mut connection = connection?;
    connection.write_all(QUESTION)?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    Ok(answer)
}
