//! Talks to the running service of a configuration, by its admin listener.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::{Exit, Failure};
use crate::config::{Listen, Settings, Source};
use crate::server::admin::{CONFIG_HEADER, Report, STORE_HEADER};
use crate::store::Place;

/// How long a service may take over a change.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What is wanted of the service.
#[derive(Clone, Copy)]
pub(super) enum Change<'a> {
    /// Read everything anew.
    Reload,
    /// Read users and groups anew.
    Users,
    /// Take up every change of keys in this store.
    Keys(&'a Place),
}

/// Asks the running service for a change and waits until it is in force. Nothing if no service
/// runs for this configuration.
///
/// # Errors
/// When a service is there but doesn't answer as it should.
pub(super) fn ask(
    change: Change<'_>,
    source: &Source,
    settings: &Settings,
) -> Result<Option<Report>, Failure> {
    let place = &settings.admin.listen;
    let failed = |error: io::Error| {
        Failure::new(
            Exit::Unavailable,
            format_args!("the service at {place} does not answer as htgate does: {error}"),
        )
    };
    let answer = match place {
        Listen::Systemd => return Ok(None), // no configuration has it here
        Listen::Tcp(address) => match TcpStream::connect(address) {
            Err(error) if is_absent(&error) => return Ok(None),
            connected => connected.and_then(|stream| {
                stream.set_read_timeout(Some(TIMEOUT))?;
                post(stream, change, source)
            }),
        },
        Listen::Unix(path) => match UnixStream::connect(path) {
            Err(error) if is_absent(&error) => return Ok(None),
            connected => connected.and_then(|stream| {
                stream.set_read_timeout(Some(TIMEOUT))?;
                post(stream, change, source)
            }),
        },
    };
    let answer = answer.map_err(failed)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    let status = head.split(' ').nth(1);
    match status {
        Some("200") => serde_json::from_str(body)
            .map(Some)
            .map_err(|e| failed(e.into())),
        // The service of another configuration has the address.
        Some("409") => Ok(None),
        _ => Err(failed(io::Error::other("it is another program"))),
    }
}

/// Whether nobody listens.
fn is_absent(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, NotFound};
    matches!(error.kind(), ConnectionRefused | NotFound)
}

fn post(mut stream: impl Read + Write, change: Change<'_>, source: &Source) -> io::Result<String> {
    let path = match change {
        Change::Reload => "/reload",
        Change::Users => "/refresh/users",
        Change::Keys(_) => "/refresh/keys",
    };
    write!(stream, "POST {path} HTTP/1.0\r\nContent-Length: 0\r\n")?;
    if let Change::Keys(store) = change {
        write!(stream, "{STORE_HEADER}: {}\r\n", store.identity())?;
    }
    write!(stream, "{CONFIG_HEADER}: ")?;
    stream.write_all(source.identity().as_os_str().as_encoded_bytes())?;
    stream.write_all(b"\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Who took a change up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refreshed {
    /// The running service of this configuration.
    Service,
    /// There is none that is known.
    Nobody,
}

/// After a command has changed users or keys: makes the running service answer by it.
///
/// # Errors
/// When there is a service, and it doesn't.
pub(super) fn refresh(
    change: Change<'_>,
    source: &Source,
    settings: &Settings,
) -> Result<Refreshed, Failure> {
    let Some(report) = ask(change, source, settings)? else {
        return Ok(Refreshed::Nobody);
    };
    match report.problem {
        None => Ok(Refreshed::Service),
        Some(problem) => Err(Failure::new(
            Exit::Unavailable,
            format_args!("the change is made, but the running service says: {problem}"),
        )),
    }
}
