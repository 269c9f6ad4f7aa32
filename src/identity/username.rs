//! The name of a user, as an htpasswd file and Basic credentials carry it.
//!
//! RFC 7617 §2 forbids the colon and control characters. The rest of the rules come from
//! where the name goes afterwards: an identity header, in which it may stand in a list and in
//! which `-` says "nobody".

use std::{borrow::Borrow, fmt};

/// A user name: 1 to 255 bytes in any encoding, compared byte by byte.
///
/// Never in it: a colon, a comma, control bytes (0 to 31 and 127), a space at either end; and
/// it is never just `-`. `Display` is safe for logs: what is not UTF-8, and what a terminal
/// would not show, comes out escaped.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Username(Box<[u8]>);

/// Why some bytes are no user name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUsername {
    /// There is nothing.
    #[error("the user name is empty")]
    Empty,
    /// It is longer than [`Username::MAX_LEN`].
    #[error("the user name has {0} bytes, more than 255")]
    TooLong(usize),
    /// It has a colon, which ends a user name in the file and in Basic credentials.
    #[error("the user name has a colon")]
    Colon,
    /// It has a comma, which would make one name look like two in a header.
    #[error("the user name has a comma")]
    Comma,
    /// It has a control byte.
    #[error("the user name has a control character")]
    Control,
    /// It has a space at one end, which a header would lose.
    #[error("the user name starts or ends with a space")]
    Blank,
    /// It is `-`, which stands for "nobody" in an identity header.
    #[error("the user name is \"-\", which stands for nobody")]
    Hyphen,
}

impl Username {
    /// The longest name, in bytes; the bound of the `htpasswd` program.
    pub const MAX_LEN: usize = 255;

    /// Takes a name as it stands in a file or in credentials.
    ///
    /// # Errors
    /// [`InvalidUsername`], saying what is wrong.
    pub fn parse(raw: &[u8]) -> Result<Self, InvalidUsername> {
        Self::check(raw)?;
        Ok(Self(raw.into()))
    }

    /// Whether it is one, where the bytes stay where they are.
    ///
    /// # Errors
    /// [`InvalidUsername`], saying what is wrong.
    pub fn check(raw: &[u8]) -> Result<(), InvalidUsername> {
        let barred = |byte: &&u8| byte.is_ascii_control() || matches!(byte, b':' | b',');
        match raw.iter().find(barred) {
            Some(b':') => return Err(InvalidUsername::Colon),
            Some(b',') => return Err(InvalidUsername::Comma),
            Some(_) => return Err(InvalidUsername::Control),
            None => {}
        }
        match raw {
            [] => Err(InvalidUsername::Empty),
            _ if raw.len() > Self::MAX_LEN => Err(InvalidUsername::TooLong(raw.len())),
            [b' ', ..] | [.., b' '] => Err(InvalidUsername::Blank),
            [b'-'] => Err(InvalidUsername::Hyphen),
            _ => Ok(()),
        }
    }

    /// The name as it was written.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Lets a map of names be asked with the bytes of a request; both hash and compare alike.
impl Borrow<[u8]> for Username {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Shown(&self.0).fmt(f)
    }
}

/// A name's bytes where they stay where they are, shown as [`Username`] shows them.
#[derive(Clone, Copy)]
pub struct Shown<'n>(pub &'n [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                match c {
                    '\'' | '"' => write!(f, "{c}")?,
                    _ => write!(f, "{}", c.escape_debug())?,
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Username({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_any_bytes_that_a_header_list_can_carry() {
        use InvalidUsername::{Blank, Colon, Comma, Control, Empty, Hyphen, TooLong};
        let longest = [b'u'; 255];
        let too_long = [b'u'; 256];
        for (raw, result) in [
            (&b"alice"[..], None),
            (b"Alice Smith", None),
            (b"--", None),
            (b"#alice", None),
            ("zo\u{eb}".as_bytes(), None),
            (b"zo\xeb", None),
            (&longest, None),
            (b"", Some(Empty)),
            (&too_long, Some(TooLong(256))),
            (b"a:b", Some(Colon)),
            (b"a,b", Some(Comma)),
            (b"a\0b", Some(Control)),
            (b"a\tb", Some(Control)),
            (b"a\x7f", Some(Control)),
            (b" a", Some(Blank)),
            (b"a ", Some(Blank)),
            (b" ", Some(Blank)),
            (b"-", Some(Hyphen)),
        ] {
            assert_eq!(Username::parse(raw).err(), result, "{}", raw.escape_ascii());
        }
    }

    #[test]
    fn display_can_be_printed_on_a_terminal() {
        for (raw, shown) in [
            (&b"alice"[..], "alice"),
            (b"O'Brien", "O'Brien"),
            (b"back\\slash", r"back\\slash"),
            ("zo\u{eb}".as_bytes(), "zo\u{eb}"),
            (b"zo\xeb!", r"zo\xeb!"),
            ("evil\u{202e}name".as_bytes(), r"evil\u{202e}name"),
        ] {
            assert_eq!(Username::parse(raw).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn names_that_only_look_alike_are_different() {
        let composed = Username::parse("\u{e9}".as_bytes()).unwrap();
        let combining = Username::parse("e\u{301}".as_bytes()).unwrap();
        assert_ne!(composed, combining);
        assert_ne!(Username::parse(b"Alice"), Username::parse(b"alice"));
    }
}
