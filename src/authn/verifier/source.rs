//! Where an attempt comes from.

use std::net::{IpAddr, Ipv4Addr};

/// As much as one client can easily have addresses of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Source {
    /// The proxy does not tell.
    Untold,
    /// One address.
    V4(Ipv4Addr),
    /// A /56: more than a /64, which is one link, is what a home is given (RFC 6177, RIPE-690).
    V6([u8; 7]),
}

impl Source {
    /// The source that a client's address, which must be canonical, belongs to.
    pub(super) fn of(client: IpAddr) -> Self {
        match client {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => {
                let [network @ .., _, _, _, _, _, _, _, _, _] = address.octets();
                Self::V6(network)
            }
        }
    }

    /// As bytes that no other source has.
    pub(super) fn bytes(self) -> [u8; 8] {
        let mut bytes = [0; 8];
        match self {
            Self::Untold => {}
            Self::V4(address) => {
                bytes[0] = 4;
                bytes[1..5].copy_from_slice(&address.octets());
            }
            Self::V6(network) => {
                bytes[0] = 6;
                bytes[1..].copy_from_slice(&network);
            }
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_an_address_or_a_customers_network() {
        for (one, other, same) in [
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("2001:db8::1", "2001:db8::ffff:0:0:1", true),
            ("2001:db8::1", "2001:db8:0:ff::1", true),
            ("2001:db8::1", "2001:db8:0:100::1", false),
            ("4.0.0.0", "400::", false),
        ] {
            let [one_source, other_source] =
                [one, other].map(|raw| Source::of(raw.parse().unwrap()));
            assert_eq!(one_source == other_source, same, "{one} and {other}");
            let bytes = (one_source.bytes(), other_source.bytes());
            assert_eq!(bytes.0 == bytes.1, same, "{one} and {other}");
        }
    }
}
