//! One request: peer, route, question, answer, response.
//!
//! What proxies forward although it is not meant for us (`Range`, `If-None-Match`, `Upgrade`,
//! `Accept-Encoding`) is not looked at. `Expect: 100-continue` is answered like anything else: no
//! body is wanted, and nginx takes a 100 for a broken answer. actix-http has a service of its own
//! for such requests, and what that one returns as an error is the response; so both services are
//! this handler. A body that is announced is
//! never waited for: the answer goes out at once, and the connection is closed.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use actix_http::body::BoxBody;
use actix_http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_http::uri::PathAndQuery;
use actix_http::{ConnectionType, Request, RequestHead, Response, StatusCode, Version};
use futures_util::FutureExt as _;
use tracing::warn;

use super::body;
use super::ending::Ending;
use super::line::Line;
use crate::endpoint::{Answer, Endpoint, Reply, Route, Trouble};
use crate::gate::{Answered, Gate, Question, World};
use crate::request::{Defect, Field, Headers};
use crate::telemetry::{Decided, Observer};

/// What answers, and whom it tells. Each worker has its own: all would share a count of users,
/// twice a request.
#[derive(Clone)]
pub(super) struct Service {
    pub(super) gate: Arc<Gate>,
    pub(super) ending: Ending,
    pub(super) observer: Arc<Observer>,
}

/// What kind of listener a request came in by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Peer {
    /// The peer's address must be a trusted proxy's.
    Tcp,
    /// Who may connect is a matter of the socket file's owner and mode.
    Unix,
}

impl Headers for HeaderMap {
    fn field(&self, name: &HeaderName) -> Field<'_> {
        Field::of_lines(self.get_all(name).map(HeaderValue::as_bytes))
    }
}

/// Answers a request to the gate. Behind the last request of a connection nothing is decided.
pub(super) async fn respond(service: &Service, peer: Peer, request: &Request) -> Response<BoxBody> {
    let head = request.head();
    let line = request.conn_data::<Rc<Line>>();
    if line.is_some_and(|line| line.is_closing()) {
        return last(response(Reply::new(400), request));
    }
    let busy = line.map(|line| line.arrived());
    let answer = answer(service, peer, request).await;
    drop(busy);
    match line {
        Some(line) if announces_more(head) => line.hang_up(),
        Some(line) if service.ending.is_near() => line.close(),
        Some(line) if head.connection_type() == ConnectionType::Close => line.close(),
        _ => return answer,
    }
    last(answer)
}

/// The answer, with the word that it is the connection's last.
fn last(mut response: Response<BoxBody>) -> Response<BoxBody> {
    response
        .head_mut()
        .set_connection_type(ConnectionType::Close);
    response
}

async fn answer(service: &Service, peer: Peer, request: &Request) -> Response<BoxBody> {
    let begun = Instant::now();
    let world = service.gate.world();
    let head = request.head();
    if !trusted(&world, peer, head.peer_addr) {
        let peer = head
            .peer_addr
            .map_or_else(|| "-".to_owned(), |peer| peer.ip().to_string());
        service.observer.turned_away("untrusted_peer");
        warn!(peer, "403: the peer is not in [server] trusted_proxies");
        return response(Reply::new(403), request);
    }
    let target = head.uri.path_and_query().map_or("", PathAndQuery::as_str);
    let Some(route) = Endpoint::route(head.method.as_str(), target) else {
        let path = head.uri.path();
        service.observer.turned_away("no_endpoint");
        warn!(
            path,
            "404: no endpoint; there are /auth-request and /forward-auth, alone or with /POLICY, and \
             /ext-authz/POLICY/"
        );
        return body::no_endpoint(request);
    };
    let answered = match host(head).and_then(|()| origin(head, route)) {
        Ok(()) => {
            let question = Question {
                route,
                headers: head.headers(),
            };
            // SECURITY: a panic is a fault of ours. Whatever was asked is refused, and the next
            // request is answered as ever; nothing that outlives the question is left half done.
            let answer = AssertUnwindSafe(world.answer(&question)).catch_unwind();
            let fault = |_| Answered::early(Answer::Trouble(Trouble::Fault));
            answer.await.unwrap_or_else(fault)
        }
        Err(defect) => Answered::early(Answer::Trouble(Trouble::Description(defect))),
    };
    service.observer.decided(&Decided {
        route,
        answered: &answered,
        description: route.describe(head.headers()),
        trusted: &world.trusted_proxies,
        took: begun.elapsed(),
    });
    let reply = route
        .endpoint
        .reply(&answered.answer, &world.identity_headers);
    response(reply, request)
}

fn trusted(world: &World, peer: Peer, address: Option<SocketAddr>) -> bool {
    match (peer, address) {
        (Peer::Unix, _) => true,
        (Peer::Tcp, None) => false,
        (Peer::Tcp, Some(address)) => {
            let address = address.ip().to_canonical();
            world
                .trusted_proxies
                .iter()
                .any(|network| network.contains(address))
        }
    }
}

/// Where the question's own target is the original one, no other host may stand in it.
fn origin(head: &RequestHead, route: Route<'_>) -> Result<(), Defect> {
    if route.endpoint == Endpoint::ExtAuthz && head.uri.authority().is_some() {
        return Err(Defect::Malformed("request target"));
    }
    Ok(())
}

/// RFC 9112 §3.2: exactly one `Host` in HTTP/1.1. What it says never matters.
fn host(head: &RequestHead) -> Result<(), Defect> {
    match head.headers().field(&header::HOST) {
        Field::Once(_) => Ok(()),
        Field::Absent if head.version < Version::HTTP_11 => Ok(()),
        Field::Absent => Err(Defect::Missing("Host")),
        Field::Repeated => Err(Defect::Repeated("Host")),
    }
}

/// Whether a body is announced, or another protocol. Nobody waits for it, and after it the connection can't be trusted
/// to begin with a request: a careless nginx announces the client's body and never sends it.
fn announces_more(head: &RequestHead) -> bool {
    let length = head.headers().field(&header::CONTENT_LENGTH);
    head.upgrade()
        || head.headers().contains_key(header::TRANSFER_ENCODING)
        || !matches!(length, Field::Absent | Field::Once(b"0"))
}

/// The reply as actix-http sends it.
fn response(reply: Reply, request: &Request) -> Response<BoxBody> {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::FORBIDDEN);
    let mut response = match &reply.problem {
        Some(problem) => body::problem(status, problem, request),
        None => Response::with_body(status, BoxBody::new(())),
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for (name, value) in reply.headers {
        headers.append(name, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use actix_http::test::TestRequest;

    use super::*;
    use crate::gate::faulty;

    #[actix_rt::test]
    async fn a_fault_of_ours_refuses_that_request_and_no_other() {
        let service = Service {
            gate: Arc::new(faulty::gate()),
            ending: Ending::default(),
            observer: Arc::default(),
        };
        for (path, status, told) in [
            ("/auth-request/faulty", 403, Some("503")),
            ("/forward-auth/faulty", 503, None),
            ("/auth-request/open", 200, None),
        ] {
            let mut request = TestRequest::with_uri(path);
            let request = request.insert_header((header::HOST, "htgate")).finish();
            let response = respond(&service, Peer::Unix, &request).await;
            assert_eq!(response.status(), status, "{path}");
            let header = response.headers().get("x-auth-status");
            assert_eq!(header.map(|value| value.to_str().unwrap()), told, "{path}");
        }
    }
}
