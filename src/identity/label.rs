//! Names of keys and of their owners.
//!
//! The owner of a key, else its name, is told to the application as the user. So a name must
//! survive a header, must not be taken for a list of names, nor for the `-` that means "none".

use std::fmt;

/// The name of a key or of its owner: 1 to 255 bytes of UTF-8 without control characters and
/// commas, without blanks at its ends; not `-` alone. Compared byte by byte.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Label(Box<str>);

impl Label {
    /// Takes a name as an operator wrote it.
    ///
    /// # Errors
    /// [`InvalidLabel`], saying which rule is broken.
    pub fn parse(raw: &str) -> Result<Self, InvalidLabel> {
        if raw.is_empty() {
            return Err(InvalidLabel::Empty);
        }
        if raw.len() > 255 {
            return Err(InvalidLabel::TooLong(raw.len()));
        }
        if raw == "-" {
            return Err(InvalidLabel::Dash);
        }
        if raw.trim() != raw {
            return Err(InvalidLabel::Blank);
        }
        match raw.chars().find(|&c| c == ',' || c.is_control()) {
            Some(found) => Err(InvalidLabel::Character(found)),
            None => Ok(Self(raw.into())),
        }
    }

    /// The name as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Why a text can't name a key or an owner.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLabel {
    /// Nothing was written.
    #[error("a name can't be empty")]
    Empty,
    /// More than 255 bytes.
    #[error("a name has at most 255 bytes, this one {0}")]
    TooLong(usize),
    /// The word that means "nobody" in the identity headers.
    #[error("`-` can't be a name: it means \"none\" in the identity headers")]
    Dash,
    /// A blank at one end.
    #[error("a name can't begin or end with a blank")]
    Blank,
    /// A character that would break or split a header.
    #[error("a name can't hold {0:?}: no header could carry it as one name")]
    Character(char),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_header_can_carry_as_one_name_is_a_name() {
        for raw in ["ci", "deploy bot (eu)", "jürgen", "a:b/c", "--", "\"x\""] {
            assert_eq!(Label::parse(raw).unwrap().as_str(), raw);
        }
        for (raw, fault) in [
            ("", InvalidLabel::Empty),
            ("-", InvalidLabel::Dash),
            (" ci", InvalidLabel::Blank),
            ("ci\u{a0}", InvalidLabel::Blank),
            ("ci\n", InvalidLabel::Blank),
            ("a,b", InvalidLabel::Character(',')),
            ("a\r\nb", InvalidLabel::Character('\r')),
            ("a\0b", InvalidLabel::Character('\0')),
            ("a\u{7f}b", InvalidLabel::Character('\u{7f}')),
            ("a\u{85}b", InvalidLabel::Character('\u{85}')),
        ] {
            assert_eq!(Label::parse(raw), Err(fault), "{raw:?}");
        }
        assert!(Label::parse(&"n".repeat(255)).is_ok());
        assert!(Label::parse(&"n".repeat(256)).is_err());
    }
}
