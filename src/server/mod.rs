//! The edge: sockets and HTTP. Nothing in this folder decides anything.
//!
//! The endpoints are served by actix-http itself, without actix-web's router: what comes in is
//! two paths, and one thing must be done differently from any web application, namely to answer
//! `Expect: 100-continue` without a 100 (see `handler.rs`). The admin listener is a small
//! actix-web application.

pub mod admin;
mod body;
mod ending;
mod handler;
mod line;
mod listener;
mod passing;
mod unix;

use std::convert::Infallible;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_http::{HttpService, Request};
use actix_rt::net::{TcpStream, UnixStream};
use actix_server::Server;
use actix_service::{ServiceFactoryExt as _, fn_service};

use ending::Ending;
use handler::{Peer, Service, respond};
use line::Cuttable;
pub use listener::{BindError, Bound, Probe, SocketFile};
use passing::Passing;
use unix::QuietStream;

use crate::gate::Gate;
use crate::telemetry::Observer;

/// Proxies keep idle connections for up to two minutes (Caddy); we keep them a little longer, so
/// that it is the proxy that closes them.
const KEEP_ALIVE: Duration = Duration::from_secs(150);
/// How long a proxy may take to send a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a body that nobody asked for is thrown away before the connection is cut.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How long requests may run on after SIGTERM.
const SHUTDOWN_TIMEOUT_SECS: u64 = 5;

/// The HTTP/1 service over a gate; a macro, since its type can't be written.
macro_rules! h1 {
    ($service:expr, $peer:expr, $stopping:expr) => {{
        let service = Rc::new($service.clone());
        let expecting = Rc::clone(&service);
        let stopping = $stopping.clone();
        HttpService::build()
            // Idle connections end with the service, not some time after.
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .keep_alive(KEEP_ALIVE)
            .client_request_timeout(HEAD_TIMEOUT)
            .client_disconnect_timeout(DISCONNECT_TIMEOUT)
            .on_connect_ext(|stream: &Cuttable<_>, extensions| {
                extensions.insert(Rc::clone(&stream.line));
            })
            .expect(fn_service(move |request: Request| {
                let service = Rc::clone(&expecting);
                let request = Passing::from(request);
                async move { Err::<Request, _>(respond(&service, $peer, &request).await) }
            }))
            .h1(fn_service(move |request: Request| {
                let service = Rc::clone(&service);
                let request = Passing::from(request);
                async move { Ok::<_, Infallible>(respond(&service, $peer, &request).await) }
            }))
    }};
}

/// Serves the gate on these listeners until SIGTERM or SIGINT.
///
/// # Errors
/// When a listener can't be handed to the workers.
pub(crate) fn serve(
    gate: &Arc<Gate>,
    observer: &Arc<Observer>,
    listeners: Vec<Bound>,
    workers: usize,
) -> std::io::Result<Server> {
    let mut server = Server::build()
        .workers(workers)
        .disable_signals()
        .backlog(4096)
        .shutdown_timeout(SHUTDOWN_TIMEOUT_SECS);
    let service = Service {
        gate: Arc::clone(gate),
        ending: Ending::default(),
        observer: Arc::clone(observer),
    };
    for listener in listeners {
        let service = service.clone();
        let stopping = server.graceful_shutdown_signal();
        server = match listener {
            Bound::Tcp(listener) => server.listen("tcp", listener, move || {
                fn_service(|stream: TcpStream| async {
                    // Small answers must not wait for more.
                    stream.set_nodelay(true)?;
                    let peer = stream.peer_addr().ok();
                    Ok((Cuttable::new(stream), peer))
                })
                .and_then(h1!(service, Peer::Tcp, stopping))
            })?,
            Bound::Unix(listener) => server.listen_uds("unix", listener, move || {
                fn_service(|stream: UnixStream| async {
                    Ok((Cuttable::new(QuietStream::new(stream)?), None))
                })
                .and_then(h1!(service, Peer::Unix, stopping))
            })?,
        };
    }
    let server = server.run();
    service.ending.at_signal(server.handle())?;
    Ok(server)
}
