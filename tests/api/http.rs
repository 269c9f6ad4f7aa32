//! HTTP over a bare socket: requests as they are written, answers as they come.

use std::io::{BufRead as _, BufReader, Read, Write};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// The value of an `Authorization` header.
pub(crate) fn basic((user, password): (&str, &str)) -> String {
    let pair = BASE64_STANDARD.encode(format!("{user}:{password}"));
    format!("Basic {pair}")
}

/// A GET request of HTTP/1.1.
pub(crate) fn get(target: &str, headers: &[(&str, &str)]) -> String {
    request("GET", target, headers)
}

/// A request of HTTP/1.1 with a `Host`.
pub(crate) fn request(method: &str, target: &str, headers: &[(&str, &str)]) -> String {
    let lines: Vec<String> = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let lines = lines.concat();
    format!("{method} {target} HTTP/1.1\r\nHost: htgate\r\n{lines}\r\n")
}

/// An answer as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Status line and header lines, these by name, less the date.
    pub(crate) lines: Vec<String>,
    /// How long the head was on the wire.
    pub(crate) head_len: usize,
    pub(crate) body: String,
}

impl Answer {
    /// All values of a header, in order.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let fields = self.lines.iter().filter_map(|line| line.split_once(':'));
        fields
            .filter(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
            .collect()
    }

    /// The value of a header that has to be there once.
    pub(crate) fn one(&self, name: &str) -> &str {
        let all = self.all(name);
        let [value] = all[..] else {
            panic!("{name} is not there exactly once: {self:?}");
        };
        value
    }
}

/// One connection, over which requests are sent as they are written.
pub(crate) struct Connection<S>(BufReader<S>);

impl<S: Read + Write> Connection<S> {
    pub(crate) fn over(stream: S) -> Self {
        Self(BufReader::new(stream))
    }

    pub(crate) fn send(&mut self, bytes: &str) {
        // A server may answer and close before it has read everything.
        drop(self.0.get_mut().write_all(bytes.as_bytes()));
    }

    /// Sends a request and reads the first answer to it, an interim one included.
    pub(crate) fn ask(&mut self, request: &str) -> Answer {
        self.send(request);
        self.answer(request)
    }

    /// Reads the next answer, to this request.
    pub(crate) fn answer(&mut self, request: &str) -> Answer {
        let mut lines = Vec::new();
        let mut head_len = 0;
        loop {
            let mut line = String::new();
            head_len += self.0.read_line(&mut line).unwrap();
            assert!(line.ends_with("\r\n"), "cut off: {lines:?} {line:?}");
            match line.trim_end() {
                "" => break,
                line if line.to_ascii_lowercase().starts_with("date:") => {}
                line => lines.push(line.to_owned()),
            }
        }
        // The order of fields with different names means nothing (RFC 9110 §5.3).
        lines[1..].sort_by_key(|line| line.split(':').next().unwrap().to_ascii_lowercase());
        let status = lines[0].split(' ').nth(1).unwrap().parse().unwrap();
        let mut answer = Answer {
            status,
            lines,
            head_len,
            body: String::new(),
        };
        if status >= 200 && !request.starts_with("HEAD ") {
            let mut body = vec![0; answer.one("Content-Length").parse().unwrap()];
            self.0.read_exact(&mut body).unwrap();
            answer.body = String::from_utf8(body).unwrap();
        }
        answer
    }

    /// Whether the other side closes, with nothing more to say.
    pub(crate) fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Ok(_) => rest.is_empty(),
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }

    /// What else comes before the connection is closed, as it has to be.
    pub(crate) fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).unwrap();
        String::from_utf8_lossy(&rest).into_owned()
    }
}
