//! The original method (RFC 9110 §9.1): a token, compared with case.

/// A method token, at most 64 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Method(String);

/// Not a method.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a method is a token of at most 64 bytes, such as GET")]
pub struct InvalidMethod;

impl Method {
    /// Takes a token (RFC 9110 §5.6.2).
    ///
    /// # Errors
    /// [`InvalidMethod`].
    pub fn parse(raw: &[u8]) -> Result<Self, InvalidMethod> {
        token(raw).map(|token| Self(token.to_owned()))
    }

    /// The token.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The method named by a header, borrowed from it.
///
/// # Errors
/// [`InvalidMethod`].
pub fn token(raw: &[u8]) -> Result<&str, InvalidMethod> {
    let tchar = |b: &u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b);
    if raw.is_empty() || raw.len() > 64 || !raw.iter().all(tchar) {
        return Err(InvalidMethod);
    }
    std::str::from_utf8(raw).map_err(|_| InvalidMethod)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_a_token() {
        for (raw, good) in [
            ("GET", true),
            ("get", true),
            ("M-SEARCH", true),
            ("GET,POST", false),
            ("GET ", false),
            ("", false),
            ("G\u{c9}T", false),
        ] {
            assert_eq!(Method::parse(raw.as_bytes()).is_ok(), good, "{raw:?}");
        }
        assert!(Method::parse(&[b'A'; 65]).is_err());
    }
}
