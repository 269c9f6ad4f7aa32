//! Addresses and networks of clients and proxies.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

/// A network in CIDR form, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(IpNet);

/// Not a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither an address nor a network such as 192.168.1.0/24")]
pub struct InvalidNetwork(String);

impl Network {
    /// Takes `10.0.0.0/8`, `::1`, `192.168.1.7`; bits after the prefix are ignored.
    ///
    /// # Errors
    /// [`InvalidNetwork`].
    pub fn parse(raw: &str) -> Result<Self, InvalidNetwork> {
        let network = raw
            .parse::<IpNet>()
            .or_else(|_| raw.parse::<IpAddr>().map(IpNet::from));
        network
            .map(|network| Self(network.trunc()))
            .map_err(|_| InvalidNetwork(raw.to_owned()))
    }

    /// Whether the address, which must be canonical (see [`address`]), lies in the network.
    #[must_use]
    pub fn contains(self, address: IpAddr) -> bool {
        self.0.contains(&address)
    }

    /// The length of the prefix in bits; 0 is everybody.
    #[must_use]
    pub fn prefix_len(self) -> u8 {
        self.0.prefix_len()
    }
}

impl From<Network> for IpNet {
    fn from(network: Network) -> Self {
        network.0
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Reads the address of one hop: `192.0.2.1`, `2001:db8::1`, in brackets or with a port.
///
/// An IPv4 address written as IPv6 (`::ffff:192.0.2.1`) is that IPv4 address.
#[must_use]
pub fn address(raw: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(crate::http_auth::trim_blanks(raw)).ok()?;
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    let address = bare
        .map_or_else(
            || text.parse(),
            |v6| v6.parse::<std::net::Ipv6Addr>().map(IpAddr::V6),
        )
        .or_else(|_| {
            text.parse::<std::net::SocketAddr>()
                .map(|socket| socket.ip())
        });
    address.ok().map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_their_addresses() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("10.1.2.3/8", "10.0.0.1", "11.0.0.1"),
            ("::1", "::1", "::2"),
            ("127.0.0.1", "127.0.0.1", "127.0.0.9"),
        ] {
            let network = Network::parse(network).unwrap();
            assert!(network.contains(inside.parse().unwrap()), "{network}");
            assert!(!network.contains(outside.parse().unwrap()), "{network}");
        }
        for junk in ["", "10.0.0.0/33", "localhost", "10.0.0"] {
            assert!(Network::parse(junk).is_err(), "{junk}");
        }
    }

    #[test]
    fn addresses_come_bare_bracketed_or_with_a_port() {
        for (raw, address_text) in [
            ("192.0.2.1", Some("192.0.2.1")),
            (" 192.0.2.1 ", Some("192.0.2.1")),
            ("192.0.2.1:4711", Some("192.0.2.1")),
            ("[2001:db8::1]:443", Some("2001:db8::1")),
            ("[2001:db8::1]", Some("2001:db8::1")),
            ("::ffff:192.0.2.1", Some("192.0.2.1")),
            ("unknown", None),
            ("", None),
            ("192.0.2.1, 192.0.2.2", None),
        ] {
            let expected = address_text.map(|text| text.parse().unwrap());
            assert_eq!(address(raw.as_bytes()), expected, "{raw}");
        }
    }
}
