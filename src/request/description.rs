//! The original request as one proxy describes it, each part read only when it is needed.

use std::net::IpAddr;

use super::host::Host;
use super::method;
use super::network::{Network, address};
use super::path::{NoReading, Uri};

/// What an endpoint found in its proxy's headers. Every part may be wanting: a policy named in
/// the endpoint's own path needs none of them.
#[derive(Clone, Debug)]
pub struct Description<'a> {
    /// The original method.
    pub method: Result<&'a [u8], Defect>,
    /// The original host, with or without port.
    pub host: Result<&'a [u8], Defect>,
    /// The original path and query, as sent.
    pub uri: Result<&'a [u8], Defect>,
    /// One address, or a list that grows at its right end with every trusted proxy.
    pub client: Result<&'a [u8], Defect>,
    /// What the headers are called, for messages.
    pub names: Names,
}

/// The names of the headers that describe a request.
#[derive(Clone, Copy, Debug)]
pub struct Names {
    /// Of the method.
    pub method: &'static str,
    /// Of the host.
    pub host: &'static str,
    /// Of the URI.
    pub uri: &'static str,
    /// Of the client's address.
    pub client: &'static str,
}

/// Why a part of the description can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Defect {
    /// The proxy didn't send it, or sent it empty.
    #[error("the proxy did not send {0}")]
    Missing(&'static str),
    /// More than one line of it.
    #[error("there is more than one {0} header")]
    Repeated(&'static str),
    /// It says something that can't be.
    #[error("the {0} header is malformed")]
    Malformed(&'static str),
    /// Two headers that describe the same thing.
    #[error("both {0} and {1} describe the request")]
    Conflict(&'static str, &'static str),
}

/// What rules are about.
#[derive(Debug)]
pub struct Target<'a> {
    /// The method, with case.
    pub method: &'a str,
    /// The host.
    pub host: Host<'a>,
    /// The path, or why it has no reading.
    pub path: Result<Uri<'a>, NoReading>,
}

impl<'a> Description<'a> {
    /// Method, host and path; all of them must be there.
    ///
    /// # Errors
    /// The first [`Defect`]. A path without a reading is none: it is refused, not reported.
    pub fn target(&self) -> Result<Target<'a>, Defect> {
        let method =
            method::token(self.method?).map_err(|_| Defect::Malformed(self.names.method))?;
        let host = Host::parse(self.host?).map_err(|_| Defect::Malformed(self.names.host))?;
        let path = Uri::parse(self.uri?);
        Ok(Target { method, host, path })
    }

    /// The query of the original URI, or nothing where the proxy tells no URI.
    ///
    /// # Errors
    /// [`Defect`], except for a URI that is missing.
    pub fn query(&self) -> Result<Option<&'a [u8]>, Defect> {
        match self.uri {
            Ok(uri) => Ok(super::path::split_query(uri).1),
            Err(Defect::Missing(_)) => Ok(None),
            Err(defect) => Err(defect),
        }
    }

    /// The client: of the list, the right-most address that is no trusted proxy; if all are
    /// trusted, the left-most. An entry that is no address ends the search as a defect, since
    /// skipping it would believe what stands left of it.
    ///
    /// # Errors
    /// [`Defect`].
    pub fn client(&self, trusted: &[Network]) -> Result<IpAddr, Defect> {
        let mut client = None;
        for hop in self.client?.rsplit(|b| *b == b',') {
            let hop = address(hop).ok_or(Defect::Malformed(self.names.client))?;
            client = Some(hop);
            if !trusted.iter().any(|network| network.contains(hop)) {
                break;
            }
        }
        client.ok_or(Defect::Missing(self.names.client))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(client: &str) -> Description<'_> {
        Description {
            method: Ok(b"GET"),
            host: Ok(b"app.example"),
            uri: Ok(b"/x?k=v?w"),
            client: Ok(client.as_bytes()),
            names: Names {
                method: "X-Forwarded-Method",
                host: "X-Forwarded-Host",
                uri: "X-Forwarded-Uri",
                client: "X-Forwarded-For",
            },
        }
    }

    #[test]
    fn the_client_is_the_right_most_untrusted_address() {
        let trusted = [Network::parse("10.0.0.0/8").unwrap()];
        for (list, client) in [
            ("192.0.2.1", Ok("192.0.2.1")),
            ("6.6.6.6, 192.0.2.1", Ok("192.0.2.1")),
            ("6.6.6.6, 192.0.2.1, 10.0.0.2,10.0.0.1", Ok("192.0.2.1")),
            ("junk, 192.0.2.1", Ok("192.0.2.1")),
            ("10.0.0.3, 10.0.0.1", Ok("10.0.0.3")),
            ("192.0.2.1, junk", Err(())),
            ("192.0.2.1, , 10.0.0.1", Err(())),
            ("unknown", Err(())),
        ] {
            let read = described(list).client(&trusted).map_err(|_| ());
            assert_eq!(read, client.map(|c| c.parse().unwrap()), "{list}");
        }
    }

    #[test]
    fn the_query_starts_at_the_first_question_mark() {
        let description = described("");
        assert_eq!(description.query(), Ok(Some(&b"k=v?w"[..])));
        let missing = Description {
            uri: Err(Defect::Missing("X-Original-URI")),
            ..description
        };
        assert_eq!(missing.query(), Ok(None));
        assert!(missing.target().is_err());
    }
}
