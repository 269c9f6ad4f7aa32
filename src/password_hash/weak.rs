//! The formats that protect next to nothing, and a realm's word that it wants them anyway.

use std::{fmt, str::FromStr};

/// A format that is read always but verified only where the realm allows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeakFormat {
    /// The original crypt(3): eight characters of seven bits, searched through in hours.
    Des,
    /// nginx's `{PLAIN}`: the password itself.
    Plain,
}

/// A word in `allow_weak` that names no weak format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no weak format has this name; there are \"des\" and \"plain\"")]
pub struct UnknownWeakFormat;

impl FromStr for WeakFormat {
    type Err = UnknownWeakFormat;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "des" => Ok(Self::Des),
            "plain" => Ok(Self::Plain),
            _ => Err(UnknownWeakFormat),
        }
    }
}

/// The word that allows it.
impl fmt::Display for WeakFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Des => "des",
            Self::Plain => "plain",
        })
    }
}

/// A realm's `allow_weak`; by default nothing is allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WeakFormats {
    des: bool,
    plain: bool,
}

impl WeakFormats {
    /// Every weak format.
    pub const ALL: Self = Self {
        des: true,
        plain: true,
    };
    /// No weak format.
    pub const NONE: Self = Self {
        des: false,
        plain: false,
    };

    /// Whether the realm wants this one verified.
    #[must_use]
    pub fn allows(self, format: WeakFormat) -> bool {
        match format {
            WeakFormat::Des => self.des,
            WeakFormat::Plain => self.plain,
        }
    }
}

impl FromIterator<WeakFormat> for WeakFormats {
    fn from_iter<I: IntoIterator<Item = WeakFormat>>(formats: I) -> Self {
        let mut allowed = Self::NONE;
        for format in formats {
            match format {
                WeakFormat::Des => allowed.des = true,
                WeakFormat::Plain => allowed.plain = true,
            }
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_formats_named_are_allowed() {
        for (words, des, plain) in [
            (&[][..], false, false),
            (&["des"], true, false),
            (&["plain"], false, true),
            (&["plain", "des", "des"], true, true),
        ] {
            let allowed: WeakFormats = words.iter().map(|w| w.parse().unwrap()).collect();
            assert_eq!(allowed.allows(WeakFormat::Des), des, "{words:?}");
            assert_eq!(allowed.allows(WeakFormat::Plain), plain, "{words:?}");
        }
    }

    #[test]
    fn a_format_prints_as_the_word_that_allows_it() {
        for format in [WeakFormat::Des, WeakFormat::Plain] {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        assert_eq!("DES".parse::<WeakFormat>(), Err(UnknownWeakFormat));
    }
}
