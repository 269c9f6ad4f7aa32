//! The original request as one proxy describes it, each part read only when it is needed.

use std::net::IpAddr;

use http::HeaderName;

use super::host::Host;
use super::method;
use super::network::{Network, address};
use super::path::{NoReading, Uri};
use super::{Field, Headers};

/// The original request, in the headers of one proxy's family. Every part may be wanting: a policy
/// named in the endpoint's own path needs none of them.
#[derive(Clone, Copy)]
pub struct Description<'a> {
    /// The headers of the subrequest.
    pub headers: &'a dyn Headers,
    /// Which of them describe the original request.
    pub names: &'static Names,
    /// What the subrequest's own first line says of it, where that counts.
    pub line: RequestLine<'a>,
}

/// What a subrequest's own first line says of the original request; empty is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestLine<'a> {
    /// The method.
    pub method: &'a [u8],
    /// The path and query, as sent.
    pub uri: &'a [u8],
}

/// The name of a field that describes a request.
#[derive(Debug)]
pub struct FieldName {
    /// As it is looked up.
    pub key: HeaderName,
    /// As people write it.
    pub shown: &'static str,
}

impl FieldName {
    /// A name in lower case, and as people write it.
    ///
    /// # Panics
    /// When the first is no field name in lower case.
    #[must_use]
    pub const fn new(key: &'static str, shown: &'static str) -> Self {
        Self {
            key: HeaderName::from_static(key),
            shown,
        }
    }
}

/// Where a part of the description is.
#[derive(Debug)]
pub enum Told {
    /// In a header.
    Header(FieldName),
    /// In the subrequest's own first line; the word is for messages.
    Line(&'static str),
}

impl Told {
    const fn shown(&self) -> &'static str {
        match self {
            Self::Header(name) => name.shown,
            Self::Line(shown) => shown,
        }
    }
}

/// The names of what describes a request.
#[derive(Debug)]
pub struct Names {
    /// Of the method.
    pub method: Told,
    /// Of the host, with or without port.
    pub host: FieldName,
    /// Of the path and query, as sent.
    pub uri: Told,
    /// Of the client's address: one, or a list that grows at its right end with every trusted proxy.
    pub client: FieldName,
    /// Another form that some proxies of the family use.
    pub url: Option<UrlNames>,
}

/// One absolute URL in place of scheme, host and URI.
#[derive(Debug)]
pub struct UrlNames {
    /// Of the URL.
    pub url: FieldName,
    /// Of the scheme in the other form.
    pub proto: FieldName,
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
        let names = self.names;
        let method =
            method::token(self.method()?).map_err(|_| Defect::Malformed(names.method.shown()))?;
        let (host, name, uri) = match self.url()? {
            Some(url) => (url.host, url.name, Ok(url.uri)),
            None => (
                self.required(&names.host)?,
                &names.host,
                self.told(&names.uri, self.line.uri),
            ),
        };
        let host = Host::parse(host).map_err(|_| Defect::Malformed(name.shown))?;
        let path = Uri::parse(uri?);
        Ok(Target { method, host, path })
    }

    /// The original method, as sent.
    ///
    /// # Errors
    /// [`Defect`].
    pub fn method(&self) -> Result<&'a [u8], Defect> {
        self.told(&self.names.method, self.line.method)
    }

    /// The original host, as sent.
    ///
    /// # Errors
    /// [`Defect`].
    pub fn host(&self) -> Result<&'a [u8], Defect> {
        match self.url()? {
            Some(url) => Ok(url.host),
            None => self.required(&self.names.host),
        }
    }

    /// The original path and query, as sent.
    ///
    /// # Errors
    /// [`Defect`].
    pub fn uri(&self) -> Result<&'a [u8], Defect> {
        match self.url()? {
            Some(url) => Ok(url.uri),
            None => self.told(&self.names.uri, self.line.uri),
        }
    }

    /// The query of the original URI, or nothing where the proxy tells no URI.
    ///
    /// # Errors
    /// [`Defect`], except for a URI that is missing.
    pub fn query(&self) -> Result<Option<&'a [u8]>, Defect> {
        match self.uri() {
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
        let name = &self.names.client;
        for hop in self.required(name)?.rsplit(|b| *b == b',') {
            let hop = address(hop).ok_or(Defect::Malformed(name.shown))?;
            client = Some(hop);
            if !trusted.iter().any(|network| network.contains(hop)) {
                break;
            }
        }
        client.ok_or(Defect::Missing(name.shown))
    }

    /// A part that must be there, in a header or in this part of the line.
    fn told(&self, told: &Told, line: &'a [u8]) -> Result<&'a [u8], Defect> {
        match told {
            Told::Header(name) => self.required(name),
            Told::Line(shown) if line.is_empty() => Err(Defect::Missing(shown)),
            Told::Line(_) => Ok(line),
        }
    }

    /// The value of a header that must be there, once and not empty.
    fn required(&self, name: &FieldName) -> Result<&'a [u8], Defect> {
        match self.headers.field(&name.key) {
            Field::Absent | Field::Once(b"") => Err(Defect::Missing(name.shown)),
            Field::Once(value) => Ok(value),
            Field::Repeated => Err(Defect::Repeated(name.shown)),
        }
    }

    /// The other form, where it is used. Where parts of both are there, one of them is the
    /// client's, and nobody here can tell which.
    fn url(&self) -> Result<Option<Url<'a>>, Defect> {
        let Some(UrlNames { url: name, proto }) = &self.names.url else {
            return Ok(None);
        };
        if self.headers.field(&name.key) == Field::Absent {
            return Ok(None);
        }
        let uri = match &self.names.uri {
            Told::Header(uri) => Some(uri),
            Told::Line(_) => None,
        };
        for other in uri.into_iter().chain([&self.names.host, proto]) {
            if self.headers.field(&other.key) != Field::Absent {
                return Err(Defect::Conflict(name.shown, other.shown));
            }
        }
        let malformed = Defect::Malformed(name.shown);
        let url = self.required(name)?;
        let rest = url
            .strip_prefix(b"http://")
            .or_else(|| url.strip_prefix(b"https://"))
            .ok_or(malformed)?;
        let slash = rest.iter().position(|b| *b == b'/').ok_or(malformed)?;
        let (host, uri) = rest.split_at_checked(slash).ok_or(malformed)?;
        Ok(Some(Url { name, host, uri }))
    }
}

/// The parts of an absolute URL.
struct Url<'a> {
    name: &'static FieldName,
    host: &'a [u8],
    uri: &'a [u8],
}

#[cfg(test)]
mod tests {
    use super::*;

    static NAMES: Names = Names {
        method: Told::Header(FieldName::new("x-original-method", "X-Original-Method")),
        host: FieldName::new("x-original-host", "X-Original-Host"),
        uri: Told::Header(FieldName::new("x-original-uri", "X-Original-URI")),
        client: FieldName::new("x-real-ip", "X-Real-IP"),
        url: None,
    };

    fn described(headers: &dyn Headers) -> Description<'_> {
        let names = &NAMES;
        Description {
            headers,
            names,
            line: RequestLine::default(),
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
            let headers = [("X-Real-IP", list)];
            let read = described(&headers.as_slice())
                .client(&trusted)
                .map_err(|_| ());
            assert_eq!(read, client.map(|c| c.parse().unwrap()), "{list}");
        }
    }

    #[test]
    fn the_query_starts_at_the_first_question_mark() {
        let headers = [("X-Original-URI", "/x?k=v?w")];
        assert_eq!(
            described(&headers.as_slice()).query(),
            Ok(Some(&b"k=v?w"[..]))
        );
        assert_eq!(described(&[].as_slice()).query(), Ok(None));
    }
}
