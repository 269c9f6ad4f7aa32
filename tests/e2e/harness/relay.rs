//! Counts the connections that a proxy opens to htgate, by standing between them.

use std::{
    io,
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    os::unix::net::UnixListener,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use socket2::Socket;

/// Two ways in, over TCP and over a unix socket, and one way out.
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    accepted: Arc<AtomicUsize>,
}

impl Relay {
    /// Takes connections on a free port and at `path`, and passes them on to `address`.
    pub(crate) fn start(path: &Path, to: SocketAddr) -> Self {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let unix = UnixListener::bind(path).unwrap();
        let address = tcp.local_addr().unwrap();
        let accepted = Arc::new(AtomicUsize::new(0));
        let (from_tcp, from_unix) = (Arc::clone(&accepted), Arc::clone(&accepted));
        thread::spawn(move || pass(tcp.incoming().flatten().map(Socket::from), &from_tcp, to));
        thread::spawn(move || pass(unix.incoming().flatten().map(Socket::from), &from_unix, to));
        Self { address, accepted }
    }

    /// Connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

fn pass(incoming: impl Iterator<Item = Socket>, accepted: &AtomicUsize, to: SocketAddr) {
    for near in incoming {
        accepted.fetch_add(1, Ordering::SeqCst);
        // A connection that cannot be passed on is closed here.
        let Ok(far) = TcpStream::connect(to).map(Socket::from) else {
            continue;
        };
        let (near_again, far_again) = (near.try_clone().unwrap(), far.try_clone().unwrap());
        thread::spawn(move || pump(near, far));
        thread::spawn(move || pump(far_again, near_again));
    }
}

/// Copies one direction, and ends both when it ends.
fn pump(mut from: Socket, mut to: Socket) {
    let _ = io::copy(&mut from, &mut to);
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
