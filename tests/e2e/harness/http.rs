//! HTTP over a plain socket, since a test wants to send exactly its own bytes and see the answer's.

use std::{
    fmt::Write as _,
    io::{self, Read, Write},
    net::{IpAddr, SocketAddr, TcpStream},
    time::Duration,
};

use super::{from_latin1, to_latin1};

/// How long any answer may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A request head and body as bytes, with exactly these header lines; text is Latin-1.
pub(crate) fn request(
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Vec<u8> {
    let mut head = format!("{method} {target} HTTP/1.1\r\n");
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    let mut bytes = to_latin1(&(head + "\r\n"));
    bytes.extend_from_slice(body);
    bytes
}

/// An answer, header values as Latin-1.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) version: String,
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// All values of one header, in order.
    pub(crate) fn all<'a>(&'a self, name: &str) -> Vec<&'a str> {
        values(&self.headers, name)
    }

    /// The value of a header that is there once.
    pub(crate) fn one(&self, name: &str) -> &str {
        let [value] = self.all(name)[..] else {
            panic!("{name} is not there exactly once: {self:?}");
        };
        value
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// All values of one header, in order; names compare without case.
pub(crate) fn values<'a>(headers: &'a [(String, String)], name: &str) -> Vec<&'a str> {
    let named = headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
    named.map(|(_, value)| value.as_str()).collect()
}

/// One connection.
pub(crate) struct Connection<S = TcpStream> {
    stream: S,
    /// Read from the stream, but not yet part of an answer.
    pending: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(to: SocketAddr) -> Self {
        Self::try_open(to).unwrap_or_else(|e| panic!("connect to {to}: {e}"))
    }

    pub(crate) fn try_open(to: SocketAddr) -> io::Result<Self> {
        TcpStream::connect(to).map(Self::new)
    }

    /// A connection that comes from the given address of this machine.
    pub(crate) fn open_from(from: IpAddr, to: SocketAddr) -> Self {
        let socket =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from((from, 0)).into()).unwrap();
        socket.connect(&to.into()).unwrap();
        Self::new(socket.into())
    }

    fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self::over(stream)
    }

    /// How long to wait for the next bytes from here on.
    pub(crate) fn patience(&self, limit: Duration) {
        self.stream.set_read_timeout(Some(limit)).unwrap();
    }
}

impl<S: Read + Write> Connection<S> {
    pub(crate) fn over(stream: S) -> Self {
        let pending = Vec::new();
        Self { stream, pending }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)?;
        self.stream.flush()
    }

    /// Sends a request and reads its final answer.
    pub(crate) fn ask(&mut self, request: &[u8]) -> io::Result<Response> {
        // A server may answer and close before it has read everything.
        let sent = self.send(request);
        let answer = self.answer(request.starts_with(b"HEAD "));
        if answer.is_err() {
            sent?;
        }
        answer
    }

    /// Reads the next final answer, over any interim ones. `to_head` where no body can follow.
    pub(crate) fn answer(&mut self, to_head: bool) -> io::Result<Response> {
        loop {
            let response = self.next_answer(to_head)?;
            if response.status >= 200 || response.status == 101 {
                return Ok(response);
            }
        }
    }

    /// Reads the next answer, interim ones included.
    pub(crate) fn next_answer(&mut self, to_head: bool) -> io::Result<Response> {
        let head = from_latin1(&self.read_through(b"\r\n\r\n")?);
        let mut lines = head.trim_end_matches("\r\n").split("\r\n");
        let (version, status) = status_line(lines.next().unwrap_or_default())?;
        let headers = lines.map(header_line).collect::<io::Result<Vec<_>>>()?;
        let mut response = Response {
            version,
            status,
            headers,
            body: Vec::new(),
        };
        if !to_head && status >= 200 && status != 204 && status != 304 {
            response.body = self.read_body(&response.headers)?;
        }
        Ok(response)
    }

    /// Reads a body that ends as the headers of an answer say.
    fn read_body(&mut self, headers: &[(String, String)]) -> io::Result<Vec<u8>> {
        if values(headers, "Content-Length").is_empty()
            && values(headers, "Transfer-Encoding").is_empty()
        {
            return self.read_to_end();
        }
        self.read_framed(headers)
    }

    /// Reads a body that ends as the headers say, which is at once where they say nothing.
    pub(crate) fn read_framed(&mut self, headers: &[(String, String)]) -> io::Result<Vec<u8>> {
        match (
            &values(headers, "Transfer-Encoding")[..],
            &values(headers, "Content-Length")[..],
        ) {
            ([], []) => Ok(Vec::new()),
            (["chunked"], []) => self.read_chunks(),
            ([], [length]) => {
                self.read_exactly(length.parse().map_err(|_| malformed("length", length))?)
            }
            _ => Err(malformed("framing", &format!("{headers:?}"))),
        }
    }

    fn read_chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = from_latin1(&self.read_through(b"\r\n")?);
            let size = usize::from_str_radix(line.trim_end(), 16)
                .map_err(|_| malformed("chunk", &line))?;
            body.extend(self.read_exactly(size)?);
            self.read_exactly(2)?;
            if size == 0 {
                return Ok(body);
            }
        }
    }

    /// Reads up to and with the given bytes.
    pub(crate) fn read_through(&mut self, end: &[u8]) -> io::Result<Vec<u8>> {
        loop {
            if let Some(at) = self.pending.windows(end.len()).position(|w| w == end) {
                return Ok(self.pending.drain(..at + end.len()).collect());
            }
            self.read_more()?;
        }
    }

    /// Reads exactly so many bytes.
    pub(crate) fn read_exactly(&mut self, count: usize) -> io::Result<Vec<u8>> {
        while self.pending.len() < count {
            self.read_more()?;
        }
        Ok(self.pending.drain(..count).collect())
    }

    /// Reads until the other side closes.
    pub(crate) fn read_to_end(&mut self) -> io::Result<Vec<u8>> {
        loop {
            match self.read_more() {
                Ok(()) => (),
                Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                    return Ok(std::mem::take(&mut self.pending));
                }
                Err(e) => return Err(e),
            }
        }
    }

    fn read_more(&mut self) -> io::Result<()> {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                self.pending.extend_from_slice(&buffer[..count]);
                Ok(())
            }
        }
    }
}

fn status_line(line: &str) -> io::Result<(String, u16)> {
    let (version, rest) = line
        .split_once(' ')
        .ok_or_else(|| malformed("status line", line))?;
    let status = rest.get(..3).and_then(|digits| digits.parse().ok());
    match status {
        Some(status) if version.starts_with("HTTP/1.") => Ok((version.to_owned(), status)),
        _ => Err(malformed("status line", line)),
    }
}

fn header_line(line: &str) -> io::Result<(String, String)> {
    let (name, value) = line
        .split_once(':')
        .ok_or_else(|| malformed("header", line))?;
    let token = !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic());
    let clean = value.chars().all(|c| c == '\t' || !c.is_ascii_control());
    if !token || !clean {
        return Err(malformed("header", line));
    }
    Ok((name.to_owned(), value.trim_matches([' ', '\t']).to_owned()))
}

fn malformed(what: &str, text: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("malformed {what}: {text:?}"),
    )
}
