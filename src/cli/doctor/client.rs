//! A client that sends exactly what it is told: odd targets, doubled headers, no `Host`. One request
//! a connection; answers are read whole, up to a bound.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// How long the site may take for anything.
const PATIENCE: Duration = Duration::from_secs(10);
/// As much of an answer as is looked at, in bytes.
const MOST: usize = 256 << 10;

/// Where the site is, and how it is reached.
pub(super) struct Client {
    tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    /// What is connected to, `host:port`.
    at: String,
    /// The site's name, with its port where that isn't the scheme's.
    pub(super) host: String,
    /// The path that is to be protected.
    pub(super) path: String,
    pub(super) scheme: &'static str,
}

/// Something to ask.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) method: String,
    pub(super) target: String,
    /// `Host`, if there is to be one.
    pub(super) host: Option<String>,
    pub(super) headers: Vec<(String, String)>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        found.next().map(|(_, value)| value.as_str())
    }

    /// Whether the page was given.
    pub(super) fn is_open(&self) -> bool {
        (200..300).contains(&self.status) || self.status == 304
    }
}

impl Client {
    /// For this URL; `connect` is where to find the site, if not by its name.
    ///
    /// # Errors
    /// A sentence on what is wrong with the URL.
    pub(super) fn new(url: &str, connect: Option<String>) -> Result<Self, String> {
        let wrong =
            |why: &str| format!("{url:?} {why}; write for example https://app.example/reports");
        let uri: Uri = url.parse().map_err(|_| wrong("is no URL"))?;
        let (scheme, port) = match uri.scheme_str() {
            Some("http") => ("http", 80),
            Some("https") => ("https", 443),
            _ => return Err(wrong("has neither http:// nor https://")),
        };
        let name = uri.host().ok_or_else(|| wrong("names no host"))?.to_owned();
        let host = match uri.port_u16() {
            Some(own) if own != port => format!("{name}:{own}"),
            _ => name.clone(),
        };
        let at = connect.unwrap_or_else(|| format!("{name}:{}", uri.port_u16().unwrap_or(port)));
        let tls = if scheme == "https" {
            let bare = name
                .trim_start_matches('[')
                .trim_end_matches(']')
                .to_owned();
            let server =
                ServerName::try_from(bare).map_err(|_| wrong("names no host that TLS knows"))?;
            Some((configuration()?, server))
        } else {
            None
        };
        Ok(Self {
            tls,
            at,
            host,
            path: uri.path().to_owned(),
            scheme,
        })
    }

    /// The page itself, without anything else.
    pub(super) fn question(&self) -> Question {
        Question {
            method: "GET".to_owned(),
            target: self.path.clone(),
            host: Some(self.host.clone()),
            headers: Vec::new(),
        }
    }

    /// Whether this machine is the site's.
    pub(super) fn is_local(&self) -> bool {
        let mut addresses = self.at.to_socket_addrs().into_iter().flatten();
        addresses.any(|address| address.ip().is_loopback())
    }

    /// Whether somebody listens on another port of the site's.
    pub(super) fn listens_on(&self, port: u16) -> bool {
        let host = self
            .at
            .rsplit_once(':')
            .map_or(self.at.as_str(), |(host, _)| host);
        let addresses = format!("{host}:{port}").to_socket_addrs();
        let mut addresses = addresses.into_iter().flatten();
        addresses
            .any(|address| TcpStream::connect_timeout(&address, Duration::from_secs(2)).is_ok())
    }

    /// Asks.
    ///
    /// # Errors
    /// When nobody answers, or not in HTTP.
    pub(super) fn ask(&self, question: &Question) -> io::Result<Answer> {
        let mut addresses = self.at.to_socket_addrs()?;
        let address = addresses
            .next()
            .ok_or_else(|| io::Error::other("no address"))?;
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        match &self.tls {
            None => exchange(stream, question),
            Some((configuration, name)) => {
                let connection = ClientConnection::new(Arc::clone(configuration), name.clone());
                let connection = connection.map_err(io::Error::other)?;
                exchange(StreamOwned::new(connection, stream), question)
            }
        }
    }
}

fn configuration() -> Result<Arc<ClientConfig>, String> {
    let mut roots = RootCertStore::empty();
    for certificate in rustls_native_certs::load_native_certs().certs {
        // One that can't be read is no reason to do without the others.
        let _ = roots.add(certificate);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = versions.map_err(|error| error.to_string())?;
    Ok(Arc::new(
        builder.with_root_certificates(roots).with_no_client_auth(),
    ))
}

/// Sends a question and reads the answer: to its end by its own word, or to that of the connection.
fn exchange(mut stream: impl Read + Write, question: &Question) -> io::Result<Answer> {
    stream.write_all(question.head().as_bytes())?;
    let mut bytes = Vec::new();
    let mut part = [0; 8192];
    while bytes.len() < MOST && !is_whole(&bytes, question) {
        match stream.read(&mut part) {
            Ok(0) => break,
            Ok(read) => bytes.extend_from_slice(part.get(..read).unwrap_or_default()),
            Err(error) if bytes.is_empty() => return Err(error),
            // Some end a connection without a word, when all is said.
            Err(_) => break,
        }
    }
    Answer::parse(&bytes).ok_or_else(|| io::Error::other("the answer is no HTTP"))
}

/// Whether nothing more can come of this answer.
fn is_whole(bytes: &[u8], question: &Question) -> bool {
    let Some(answer) = Answer::parse(bytes) else {
        return false;
    };
    if question.method == "HEAD" || matches!(answer.status, 101 | 204 | 304) {
        return true;
    }
    match answer.header("content-length").map(str::parse::<usize>) {
        Some(Ok(length)) => answer.body.len() >= length,
        _ => answer.header("transfer-encoding").is_some() && bytes.ends_with(b"0\r\n\r\n"),
    }
}

impl Question {
    fn head(&self) -> String {
        let version = if self.host.is_some() {
            "HTTP/1.1"
        } else {
            "HTTP/1.0"
        };
        let host = self.host.iter().map(|host| ("Host", host.as_str()));
        let own = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let says = |name: &str| {
            own.clone()
                .any(|(known, _)| known.eq_ignore_ascii_case(name))
        };
        let close = (!says("connection")).then_some(("Connection", "close"));
        let lines = host.chain(close).chain(own.clone());
        let lines: Vec<String> = lines
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        format!(
            "{} {} {version}\r\n{}\r\n",
            self.method,
            self.target,
            lines.concat()
        )
    }

    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A line to ask it again. Credentials are left for the reader to fill in.
    pub(super) fn curl(&self, client: &Client) -> String {
        let mut words = vec![format!("curl -i --path-as-is -X {}", self.method)];
        if self.host.is_none() {
            words.push("--http1.0 -H Host:".to_owned());
        }
        for (name, value) in &self.headers {
            let shown = if name == "Authorization" {
                "…"
            } else {
                value
            };
            words.push(format!("-H '{name}: {shown}'"));
        }
        if let Some(host) = self.host.as_ref().filter(|host| **host != client.host) {
            words.push(format!("-H 'Host: {host}'"));
        }
        words.push(format!(
            "'{}://{}{}'",
            client.scheme, client.host, self.target
        ));
        words.join(" ")
    }
}

impl Answer {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut headers = [httparse::EMPTY_HEADER; 128];
        let mut response = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(end) = response.parse(bytes).ok()? else {
            return None;
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let headers = response.headers.iter();
        let headers = headers.map(|header| (header.name.to_ascii_lowercase(), text(header.value)));
        Some(Self {
            status: response.code?,
            headers: headers.collect(),
            body: text(bytes.get(end..).unwrap_or_default()),
        })
    }
}
