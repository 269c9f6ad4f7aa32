//! A small HTTP/1.1 server in a thread, which remembers what it was asked.

use std::{
    collections::HashMap,
    fmt::Write as _,
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use super::{
    from_latin1,
    http::{Connection, values},
    to_latin1,
};

/// A request as it arrived, header values as Latin-1.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Received {
    /// All values of one header, in order.
    pub(crate) fn all<'a>(&'a self, name: &str) -> Vec<&'a str> {
        values(&self.headers, name)
    }
}

/// The server; it runs until the tests end.
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Received>>>,
}

impl Origin {
    /// Serves what `answer` says, byte for byte.
    pub(crate) fn start(answer: impl Fn(&Received) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&seen), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                // An error here is a connection that the proxy gave up.
                thread::spawn(move || serve(stream, &log, answer.as_ref()));
            }
        });
        Self { address, seen }
    }

    /// A protected application: 200 for everything; `/status/NNN` answers with that status, an
    /// upgrade with 101 and then every byte back.
    pub(crate) fn application() -> Self {
        Self::start(|request| {
            if !request.all("Upgrade").is_empty() {
                // HAProxy holds the answer against the key: RFC 6455 §1.3 has this pair.
                let upgrade = [
                    ("Upgrade", "websocket"),
                    ("Connection", "Upgrade"),
                    ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
                ];
                return answer(101, &upgrade, "");
            }
            let status = request.target.strip_prefix("/staff/status/");
            let status = status.map_or(200, |status| status.parse().unwrap());
            answer(
                status,
                &[("X-Upstream", "reached")],
                "the application's own words",
            )
        })
    }

    /// The requests so far, each told once.
    pub(crate) fn take(&self) -> Vec<Received> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }

    /// The only request since the last look.
    pub(crate) fn take_one(&self) -> Received {
        let mut seen = self.take();
        assert_eq!(
            seen.len(),
            1,
            "one request reaches the application: {seen:?}"
        );
        seen.remove(0)
    }
}

/// An answer as bytes; text is Latin-1.
pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let reasons = HashMap::from([(101, "Switching Protocols"), (200, "OK")]);
    let reason = reasons.get(&status).unwrap_or(&"Status");
    let mut head = format!("HTTP/1.1 {status} {reason}\r\n");
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    if status >= 200 {
        write!(head, "Content-Length: {}\r\n", body.len()).unwrap();
    }
    to_latin1(&(head + "\r\n" + body))
}

fn serve(
    stream: TcpStream,
    log: &Mutex<Vec<Received>>,
    answer: &dyn Fn(&Received) -> Vec<u8>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut echo = stream.try_clone()?;
    let mut connection = Connection::over(stream);
    loop {
        let Some(mut request) = read_head(&mut connection)? else {
            return Ok(());
        };
        if !request.all("Expect").is_empty() {
            connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        request.body = connection.read_framed(&request.headers)?;
        let bytes = answer(&request);
        let to_head = request.method == "HEAD";
        log.lock().unwrap().push(request);
        let head = bytes
            .windows(4)
            .position(|w| w == b"\r\n\r\n")
            .map_or(bytes.len(), |at| at + 4);
        connection.send(if to_head { &bytes[..head] } else { &bytes })?;
        if bytes.starts_with(b"HTTP/1.1 101 ") {
            return give_back(&mut connection, &mut echo);
        }
    }
}

fn give_back(connection: &mut Connection, to: &mut impl Write) -> io::Result<()> {
    loop {
        let byte = connection.read_exactly(1)?;
        to.write_all(&byte)?;
    }
}

/// The request head; none where the connection ended.
fn read_head<S: Read + Write>(connection: &mut Connection<S>) -> io::Result<Option<Received>> {
    let head = match connection.read_through(b"\r\n\r\n") {
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        head => from_latin1(&head?),
    };
    let mut lines = head.trim_end_matches("\r\n").split("\r\n");
    let mut words = lines
        .next()
        .unwrap_or_default()
        .split(' ')
        .map(str::to_owned);
    let (method, target) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let body = Vec::new();
    Ok(Some(Received {
        method,
        target,
        headers,
        body,
    }))
}
