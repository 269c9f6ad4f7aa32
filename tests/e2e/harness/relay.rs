//! A network between two programs: it counts connections, and can be broken.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    os::unix::net::UnixListener,
    path::Path,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use socket2::Socket;

/// Ways in, over TCP and perhaps over a unix socket, and one way out.
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    line: Arc<Line>,
}

/// What all connections share.
struct Line {
    to: SocketAddr,
    accepted: AtomicUsize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Nothing passes.
    held: bool,
    /// Of connections before this one, nothing ever passes again.
    lost: usize,
    /// Both ends of every connection.
    open: Vec<(usize, Socket)>,
}

impl Relay {
    /// Takes connections on a free port and at `path`, and passes them on to `to`.
    pub(crate) fn start(path: &Path, to: SocketAddr) -> Self {
        let relay = Self::over_tcp(to);
        let unix = UnixListener::bind(path).unwrap();
        let line = Arc::clone(&relay.line);
        thread::spawn(move || line.take(unix.incoming().flatten().map(Socket::from)));
        relay
    }

    /// Takes connections on a free port alone.
    pub(crate) fn over_tcp(to: SocketAddr) -> Self {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = tcp.local_addr().unwrap();
        let line = Arc::new(Line {
            to,
            accepted: AtomicUsize::new(0),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let taking = Arc::clone(&line);
        thread::spawn(move || taking.take(tcp.incoming().flatten().map(Socket::from)));
        Self { address, line }
    }

    /// Connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.line.accepted.load(Ordering::SeqCst)
    }
}

#[allow(dead_code, reason = "for tests/nodes and tests/siege")]
impl Relay {
    /// From here on nothing passes and nothing is said of it, as when a cable is pulled out.
    pub(crate) fn hold(&self) {
        self.line.state.lock().unwrap().held = true;
    }

    /// What was held arrives, and everything passes.
    pub(crate) fn heal(&self) {
        self.line.state.lock().unwrap().held = false;
        self.line.changed.notify_all();
    }

    /// Forgets the connections that are there, as a firewall may: they stay open, and all that
    /// they carry from here on is lost. New ones pass.
    pub(crate) fn lose(&self) {
        self.line.state.lock().unwrap().lost = self.connections();
        self.heal();
    }

    /// Ends the connections that are there. New ones pass.
    pub(crate) fn cut(&self) {
        let open = std::mem::take(&mut self.line.state.lock().unwrap().open);
        for (_, socket) in open {
            let _ = socket.shutdown(Shutdown::Both);
        }
        self.heal();
    }
}

impl Line {
    fn take(self: &Arc<Self>, incoming: impl Iterator<Item = Socket>) {
        for near in incoming {
            let number = self.accepted.fetch_add(1, Ordering::SeqCst);
            let line = Arc::clone(self);
            thread::spawn(move || line.pass(number, near));
        }
    }

    /// Passes one connection on, until it ends.
    fn pass(self: Arc<Self>, number: usize, near: Socket) {
        if !self.passes(number) {
            return;
        }
        // A connection that cannot be passed on is closed here.
        let Ok(far) = TcpStream::connect(self.to).map(Socket::from) else {
            return;
        };
        let (near_again, far_again) = (near.try_clone().unwrap(), far.try_clone().unwrap());
        let ends = [&near, &far].map(|end| (number, end.try_clone().unwrap()));
        self.state.lock().unwrap().open.extend(ends);
        let back = Arc::clone(&self);
        let back = thread::spawn(move || back.pump(number, far_again, near_again));
        self.pump(number, near, far);
        back.join().unwrap();
        let mut state = self.state.lock().unwrap();
        state.open.retain(|(other, _)| *other != number);
    }

    /// Copies one direction, and ends both when it ends.
    fn pump(&self, number: usize, mut from: Socket, mut to: Socket) {
        let mut buffer = [0; 16 * 1024];
        loop {
            let count = from.read(&mut buffer).unwrap_or(0);
            if !self.passes(number) {
                if count == 0 {
                    return; // and the other side never hears of it
                }
                continue;
            }
            if count == 0 || to.write_all(&buffer[..count]).is_err() {
                let _ = from.shutdown(Shutdown::Both);
                let _ = to.shutdown(Shutdown::Both);
                return;
            }
        }
    }

    /// Waits while everything is held; whether this connection has not been lost.
    fn passes(&self, number: usize) -> bool {
        let state = self.state.lock().unwrap();
        let state = self.changed.wait_while(state, |state| state.held).unwrap();
        number >= state.lost
    }
}
