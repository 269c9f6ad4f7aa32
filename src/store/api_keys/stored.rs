//! How a record is written down, in every kind of store: its columns, and lists as text.

use ipnet::{AddrParseError, IpNet};

/// The columns of a key, in the order in which they are read into a record.
macro_rules! columns {
    () => {
        "k.id, k.name, k.realm, k.owner, k.scopes, k.networks, \
         k.created, k.expires, k.revoked, k.last_used"
    };
}

pub(super) use columns;

/// Networks as a column has them: separated by spaces.
pub(super) fn networks_text(networks: &[IpNet]) -> String {
    let networks: Vec<_> = networks.iter().map(ToString::to_string).collect();
    networks.join(" ")
}

/// The networks in a column.
pub(super) fn networks(text: &str) -> Result<Vec<IpNet>, AddrParseError> {
    text.split_ascii_whitespace().map(str::parse).collect()
}
