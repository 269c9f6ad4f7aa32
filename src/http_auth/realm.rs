//! The protection space named in a challenge.
//!
//! A realm is what a client remembers its credentials under. RFC 9110 §11.5 gives its meaning,
//! §5.6.4 the quoted-string form, in which it is always sent (RFC 7617 §2).

use std::fmt;

/// A realm as a client is told it: up to 128 bytes of printable ASCII, kept unescaped.
///
/// `Display` writes the quoted-string form, ready for a `WWW-Authenticate` field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Realm(String);

/// Why a text can't be a realm.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRealm {
    /// A byte that a challenge can't carry everywhere.
    #[error("a realm is printable ASCII; {0:?} is not")]
    Character(char),
    /// More than 128 bytes.
    #[error("a realm has at most 128 bytes, this one {0}")]
    TooLong(usize),
}

impl Realm {
    /// Takes a realm as an administrator wrote it, without quotes.
    ///
    /// # Errors
    /// [`InvalidRealm`], naming the character or the length.
    pub fn parse(raw: &str) -> Result<Self, InvalidRealm> {
        if let Some(odd) = raw.chars().find(|c| !matches!(c, ' '..='~')) {
            return Err(InvalidRealm::Character(odd));
        }
        if raw.len() > 128 {
            return Err(InvalidRealm::TooLong(raw.len()));
        }
        Ok(Self(raw.to_owned()))
    }

    /// The realm without quotes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Realm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for c in self.0.chars() {
            if matches!(c, '"' | '\\') {
                f.write_str("\\")?;
            }
            write!(f, "{c}")?;
        }
        f.write_str("\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_backslashes_are_escaped() {
        for (raw, written) in [
            ("WallyWorld", r#""WallyWorld""#), // RFC 7617 §2
            ("", r#""""#),
            (r"ends in \", r#""ends in \\""#),
            (r#"Ops "East", \ Bearer"#, r#""Ops \"East\", \\ Bearer""#),
        ] {
            assert_eq!(Realm::parse(raw).unwrap().to_string(), written, "{raw}");
        }
    }

    #[test]
    fn what_a_header_cannot_carry_is_no_realm() {
        for raw in ["a\nb", "a\u{7f}b", "tab\t", "caf\u{e9}", &"r".repeat(129)] {
            assert!(Realm::parse(raw).is_err(), "{raw:?}");
        }
    }
}
