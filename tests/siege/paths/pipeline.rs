//! Many requests ahead of their answers, over as few connections as the server lets us.

use std::net::SocketAddr;

use crate::harness::http::{Connection, Response};

pub(super) struct Pipeline {
    to: SocketAddr,
    host: &'static str,
    connection: Option<Connection>,
}

impl Pipeline {
    pub(super) fn new(to: SocketAddr, host: &'static str) -> Self {
        let connection = None;
        Self {
            to,
            host,
            connection,
        }
    }

    /// The answer to a GET of each target, in their order.
    ///
    /// A refusal can end a connection, and what was sent behind it is then asked again.
    pub(super) fn ask(&mut self, targets: &[Vec<u8>]) -> Vec<Response> {
        let mut answers = Vec::with_capacity(targets.len());
        let mut at_once = targets.len();
        while answers.len() < targets.len() {
            let fresh = self.connection.is_none();
            let rest = &targets[answers.len()..];
            let rest = &rest[..at_once.min(rest.len())];
            let before = answers.len();
            self.ask_some(rest, &mut answers);
            let stuck = answers.len() == before;
            // A connection that ends early can take answers with it: then one by one.
            assert!(
                !(stuck && fresh && at_once == 1),
                "no answer to {}",
                rest[0].escape_ascii()
            );
            at_once = if stuck { 1 } else { targets.len() };
        }
        answers
    }

    fn ask_some(&mut self, targets: &[Vec<u8>], answers: &mut Vec<Response>) {
        let mut connection = self
            .connection
            .take()
            .unwrap_or_else(|| Connection::open(self.to));
        let mut requests = Vec::new();
        for target in targets {
            requests.extend_from_slice(b"GET ");
            requests.extend_from_slice(target);
            requests.extend_from_slice(b" HTTP/1.1\r\nHost: ");
            requests.extend_from_slice(self.host.as_bytes());
            requests.extend_from_slice(b"\r\n\r\n");
        }
        // What it could not take is told by the answers that don't come.
        let _ = connection.send(&requests);
        for _ in targets {
            let Ok(answer) = connection.answer(false) else {
                return;
            };
            let last = answer.all("Connection").contains(&"close");
            answers.push(answer);
            if last {
                return;
            }
        }
        self.connection = Some(connection);
    }
}
