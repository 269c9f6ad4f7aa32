//! The authentication schemes that htgate can offer and accept.

use std::fmt;

/// A scheme, named without regard to case (RFC 9110 §11.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// RFC 7617: a user and a password.
    Basic,
    /// RFC 6750: an API key as a bearer token.
    Bearer,
    /// An API key under the name that many clients use; not in the IANA registry.
    ApiKey,
}

impl Scheme {
    /// All schemes, in the order in which they are best offered.
    pub const ALL: [Self; 3] = [Self::Basic, Self::Bearer, Self::ApiKey];

    /// The scheme of this name, in any case, or nothing.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|scheme| scheme.name().eq_ignore_ascii_case(name))
    }

    /// The name as it is written in a challenge.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Basic => "Basic",
            Self::Bearer => "Bearer",
            Self::ApiKey => "ApiKey",
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_compare_without_case() {
        for (name, scheme) in [
            ("basic", Some(Scheme::Basic)),
            ("BASIC", Some(Scheme::Basic)),
            ("bEaReR", Some(Scheme::Bearer)),
            ("apikey", Some(Scheme::ApiKey)),
            ("Basics", None),
            ("Digest", None),
            ("", None),
        ] {
            assert_eq!(Scheme::parse(name), scheme, "{name}");
        }
    }
}
