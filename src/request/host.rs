//! The host of the original request, and patterns for it.

use std::borrow::Cow;
use std::fmt;

/// A host without case, port or final dot: `app.example`, `192.0.2.1`, `[2001:db8::1]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host<'a>(Cow<'a, str>);

/// Not a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a host name or address, with or without a port")]
pub struct InvalidHost;

impl<'a> Host<'a> {
    /// Reads a host as a proxy tells it. Userinfo, lists and names that are not letters, digits,
    /// `-` and `_` between single dots are refused (RFC 9110 §4.2.4; IDNA names come as A-labels).
    ///
    /// # Errors
    /// [`InvalidHost`].
    pub fn parse(raw: &'a [u8]) -> Result<Self, InvalidHost> {
        let text = std::str::from_utf8(raw).map_err(|_| InvalidHost)?;
        let (name, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, after) = rest.split_once(']').ok_or(InvalidHost)?;
                address
                    .parse::<std::net::Ipv6Addr>()
                    .map_err(|_| InvalidHost)?;
                let name = text.get(..address.len() + 2).ok_or(InvalidHost)?;
                let port = after.strip_prefix(':').or(after.is_empty().then_some(""));
                (name, port.ok_or(InvalidHost)?)
            }
            None => {
                let (name, port) = text.split_once(':').unwrap_or((text, ""));
                let name = name.strip_suffix('.').unwrap_or(name);
                if !is_name(name) {
                    return Err(InvalidHost);
                }
                (name, port)
            }
        };
        let digits = port.bytes().all(|b| b.is_ascii_digit());
        if !digits || !(port.is_empty() || port.parse::<u16>().is_ok()) {
            return Err(InvalidHost);
        }
        Ok(Self(if name.bytes().any(|b| b.is_ascii_uppercase()) {
            Cow::Owned(name.to_ascii_lowercase())
        } else {
            Cow::Borrowed(name)
        }))
    }

    /// The host, in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// At most 253 bytes of labels of 1 to 63 letters, digits, hyphens and underscores.
fn is_name(name: &str) -> bool {
    let mut label = 0;
    for byte in name.bytes() {
        match byte {
            b'.' if label == 0 => return false,
            b'.' => label = 0,
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => label += 1,
            _ => return false,
        }
        if label > 63 {
            return false;
        }
    }
    label > 0 && name.len() <= 253
}

/// `app.example`, or `*.example`: any name below it, of any depth, but not `example` itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HostPattern {
    /// This host.
    Exact(String),
    /// Names that end in this, which starts with a dot.
    Below(String),
}

/// Not a pattern for hosts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a host; write \"app.example\" or \"*.example\", without a scheme or path")]
pub struct InvalidHostPattern(String);

impl HostPattern {
    /// Takes a host, or `*.` and a host.
    ///
    /// # Errors
    /// [`InvalidHostPattern`], quoting the text.
    pub fn parse(raw: &str) -> Result<Self, InvalidHostPattern> {
        let host = |text: &str| match Host::parse(text.as_bytes()) {
            Ok(host) => Ok(host.0.into_owned()),
            Err(InvalidHost) => Err(InvalidHostPattern(raw.to_owned())),
        };
        match raw.strip_prefix("*.") {
            Some(rest) => Ok(Self::Below(format!(".{}", host(rest)?))),
            None => Ok(Self::Exact(host(raw)?)),
        }
    }

    /// Whether the pattern covers all that another one does.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Below(suffix), Self::Exact(name) | Self::Below(name)) => name.ends_with(suffix),
            (Self::Exact(_), _) => self == other,
        }
    }

    /// Whether the pattern covers the host.
    #[must_use]
    pub fn matches(&self, host: &Host<'_>) -> bool {
        match self {
            Self::Exact(name) => host.as_str() == name,
            Self::Below(suffix) => {
                host.as_str().len() > suffix.len() && host.as_str().ends_with(suffix)
            }
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => f.write_str(name),
            Self::Below(suffix) => write!(f, "*{suffix}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_lose_case_port_and_one_final_dot() {
        for (raw, host) in [
            ("app.example", "app.example"),
            ("APP.Example:8443", "app.example"),
            ("app.example.", "app.example"),
            ("app.example.:80", "app.example"),
            ("app.example:", "app.example"),
            ("[2001:DB8::1]:443", "[2001:db8::1]"),
            ("xn--pp-8cd.example", "xn--pp-8cd.example"),
            ("my_app", "my_app"),
        ] {
            assert_eq!(Host::parse(raw.as_bytes()).unwrap().as_str(), host, "{raw}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for raw in [
            "",
            ".",
            "..",
            ".app.example",
            "app..example",
            "app.example..",
            "alice@app.example",
            "app.example,evil.test",
            "app.example:80@evil.test",
            "app.example:x",
            "app.example:65536",
            "app.example/x",
            "app.example?x",
            "a b",
            "*",
            "[::1",
            "[::1]x",
            "[zz]",
            "app.example:80:80",
            "\u{430}pp.example",
        ] {
            assert_eq!(Host::parse(raw.as_bytes()), Err(InvalidHost), "{raw}");
        }
    }

    #[test]
    fn patterns_cover_one_host_or_all_below_it() {
        for (pattern, host, covered) in [
            ("app.example", "app.example", true),
            ("App.Example", "app.example", true),
            ("app.example", "xapp.example", false),
            ("*.example", "app.example", true),
            ("*.example", "a.b.example", true),
            ("*.example", "example", false),
            ("*.example", "notexample", false),
        ] {
            let pattern = HostPattern::parse(pattern).unwrap();
            let host = Host::parse(host.as_bytes()).unwrap();
            assert_eq!(pattern.matches(&host), covered, "{pattern:?} {host:?}");
        }
        for raw in ["*", "**.example", "a*.example", "https://app.example", "*."] {
            assert!(HostPattern::parse(raw).is_err(), "{raw}");
        }
    }
}
