//! Peers that take their time: with a head, the first or a later one, or with taking answers.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::net::UnixStream,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use socket2::{Domain, Socket, Type};

use super::world::{Throttle, World, question};
use crate::{
    harness::http::{Connection, PATIENCE},
    trial::Trial,
};

/// How long a head may take at most, and what a busy machine adds.
const LIMIT: Duration = Duration::from_secs(60);

/// Longer than that.
const SPAN: Duration = Duration::from_secs(11);
/// A small question with a long answer.
const UNKNOWN: &[u8] = b"GET /forward-auth/members HTTP/1.1\r\nHost: x\r\n\r\n";
/// Between one byte and the next.
const PAUSE: Duration = Duration::from_millis(500);

/// A connection of either kind.
trait Stream: Read + Write + Send {
    fn set_patience(&self, limit: Duration);
}

impl Stream for TcpStream {
    fn set_patience(&self, limit: Duration) {
        self.set_read_timeout(Some(limit)).unwrap();
        self.set_write_timeout(Some(limit)).unwrap();
    }
}

impl Stream for UnixStream {
    fn set_patience(&self, limit: Duration) {
        self.set_read_timeout(Some(limit)).unwrap();
        self.set_write_timeout(Some(limit)).unwrap();
    }
}

/// What a slow peer does on its connection; gives how it ended.
type Peer = fn(&mut dyn Stream, &[u8]) -> Result<(), String>;

const PEERS: [(&str, Peer); 5] = [
    ("a first head, byte by byte", |stream, asked| {
        drip(stream, asked)
    }),
    ("a later head, byte by byte", |stream, asked| {
        answered(stream, asked)?;
        drip(stream, asked)
    }),
    ("half a later head", |stream, asked| {
        answered(stream, asked)?;
        stream.write_all(&asked[..asked.len() / 2]).unwrap();
        is_closed(stream)
    }),
    ("a head and a half", |stream, asked| {
        let [whole, half] = [asked, &asked[..asked.len() / 2]];
        answered(stream, &[whole, half].concat())?;
        // One more byte, or it were an idle connection with a rest of something.
        stream.write_all(b"x").unwrap();
        is_closed(stream)
    }),
    ("answers that nobody takes", |stream, _| {
        let many = UNKNOWN.repeat(100);
        let start = Instant::now();
        while start.elapsed() < LIMIT {
            match stream.write(&many) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return Ok(()),
            }
        }
        Err("it is still open".to_owned())
    }),
];

#[test]
fn a_peer_that_takes_for_ever_is_cut_off() {
    let trial = Trial::begin("slow peers");
    let mut world = World::start(4, Throttle::Off);
    let (each, mut failures) = (trial.times(2, 20), Vec::new());
    let asked = world.known().remove(1);
    let (tcp, unix) = (world.htgate.address, world.htgate.socket());
    let (patient, steady) = thread::scope(|scope| {
        let mut peers = Vec::new();
        for number in 0..each {
            for (name, peer) in PEERS {
                let mut stream: Box<dyn Stream> = if number.is_multiple_of(2) {
                    Box::new(taking_little(tcp))
                } else {
                    Box::new(UnixStream::connect(&unix).unwrap())
                };
                let asked = &asked;
                stream.set_patience(PAUSE);
                peers.push((name, scope.spawn(move || peer(&mut *stream, asked))));
            }
        }
        // The nearest that is none of it: slow, but it gets on; and idle between two requests.
        let steady = scope.spawn(|| slow_but_steady(&unix));
        let idle = scope.spawn(|| idle_between(world.connect(), &asked));
        let known = world.serve_known_for(Duration::from_secs(1)).len();
        for (name, peer) in peers {
            if let Err(why) = peer.join().unwrap() {
                failures.push(format!("{name}: {why}"));
            }
        }
        idle.join().unwrap();
        (known, steady.join().unwrap())
    });
    let growth = world.growth();
    assert!(failures.is_empty(), "{failures:#?}");
    world.is_sound();
    let tried = format!(
        "{each} each, by TCP and unix socket, of: {}",
        PEERS.map(|(name, _)| name).join("; ")
    );
    let outcome = format!(
        "all closed within {} s; {patient} warm requests meanwhile and {steady} of a slow but \
         steady peer, all allowed; {growth}",
        LIMIT.as_secs()
    );
    trial.end(&tried, &outcome);
}

/// A connection whose buffer answers that nobody takes soon fill. It is small before it connects:
/// one that shrinks later has offered more than it takes, and the kernels of both ends then wait for
/// each other for minutes, with nothing for the service to see.
fn taking_little(service: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::for_address(service), Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(8 << 10).unwrap();
    socket.connect(&service.into()).unwrap();
    socket.into()
}

/// Asks once and takes the answer.
fn answered(mut stream: &mut dyn Stream, asked: &[u8]) -> Result<(), String> {
    stream.set_patience(PATIENCE);
    let answer = Connection::over(&mut stream).ask(asked);
    stream.set_patience(PAUSE);
    match answer {
        Ok(answer) if answer.status == 200 => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

/// Sends a byte every half second, until the connection is closed.
fn drip(stream: &mut dyn Stream, asked: &[u8]) -> Result<(), String> {
    let start = Instant::now();
    for byte in asked {
        if stream.write_all(&[*byte]).is_err() || has_ended(stream) {
            return Ok(());
        }
        if start.elapsed() > LIMIT {
            return Err("it is still open".to_owned());
        }
    }
    Err("a whole head was taken".to_owned())
}

fn is_closed(stream: &mut dyn Stream) -> Result<(), String> {
    let start = Instant::now();
    while start.elapsed() < LIMIT {
        if has_ended(stream) {
            return Ok(());
        }
    }
    Err("it is still open".to_owned())
}

/// Takes what there is for half a second; whether that was the end.
fn has_ended(stream: &mut dyn Stream) -> bool {
    let mut taken = [0; 4096];
    loop {
        match stream.read(&mut taken) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() != ErrorKind::WouldBlock,
        }
    }
}

/// Sends so many requests at once that the answers don't fit into the socket, and takes them slowly
/// for longer than a peer may stand still.
fn slow_but_steady(socket: &Path) -> u32 {
    let (times, each) = (110, 20);
    let mut connection = Connection::over(UnixStream::connect(socket).unwrap());
    connection
        .send(&UNKNOWN.repeat((times * each) as usize))
        .unwrap();
    for _ in 0..times {
        for _ in 0..each {
            let answer = connection
                .answer(false)
                .expect("it gets on, and isn't cut off");
            assert_eq!(answer.status, 401);
        }
        thread::sleep(SPAN / times);
    }
    times * each
}

/// Asks, waits for longer than a head may take, and asks again.
fn idle_between(mut connection: Connection, asked: &[u8]) {
    let ask = |connection: &mut Connection| connection.ask(asked).map(|answer| answer.status);
    let first: io::Result<u16> = ask(&mut connection);
    thread::sleep(SPAN);
    let second = ask(&mut connection);
    assert!(
        matches!((&first, &second), (Ok(200), Ok(200))),
        "{first:?} {second:?}"
    );
    // Nor is who asks in the middle of the patience there is with a head.
    let third = connection.ask(&question("old", "Basic Y2Fyb2w6c2VjcmV0", "192.0.2.1"));
    assert_eq!(third.unwrap().status, 200);
}
