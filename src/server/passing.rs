//! A request that leaves nothing behind.
//!
//! actix-http keeps the heads of requests for the next ones, a pile for each worker, and all that
//! was in them until then.

use std::ops::Deref;

use actix_http::{Request, Uri};

/// As many as are kept.
const KEPT: usize = 128;

/// SECURITY: a request whose head is emptied when it goes, answered or given up.
pub(super) struct Passing(Request);

impl From<Request> for Passing {
    fn from(request: Request) -> Self {
        Self(request)
    }
}

impl Deref for Passing {
    type Target = Request;

    fn deref(&self) -> &Request {
        &self.0
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        let head = self.0.head_mut();
        head.headers_mut().clear();
        head.uri = Uri::default();
    }
}

/// Empties all heads that this worker keeps.
pub(super) fn sweep() {
    let all: Vec<Passing> = (0..KEPT).map(|_| Request::new().into()).collect();
    drop(all);
}

#[cfg(test)]
mod tests {
    use actix_http::header::{AUTHORIZATION, HeaderValue};

    use super::*;

    fn with_secrets() -> Request {
        let mut request = Request::new();
        let head = request.head_mut();
        head.uri = Uri::from_static("/?api_key=secret");
        let secret = HeaderValue::from_static("Bearer secret");
        head.headers_mut().insert(AUTHORIZATION, secret);
        request
    }

    #[test]
    fn the_next_request_finds_nothing_of_the_one_before() {
        for (how, go) in [
            (
                "answered",
                (|request| drop(Passing::from(request))) as fn(Request),
            ),
            ("swept", |request| {
                drop(request);
                sweep();
            }),
        ] {
            // Headers are emptied by actix-http too, but not before the head is used again.
            go(with_secrets());
            assert_eq!(*Request::new().uri(), Uri::default(), "{how}");
        }
    }
}
