//! What a 401 asks for: `WWW-Authenticate` (RFC 9110 §11.6.1).

use std::fmt;

use super::{Realm, Scheme};

/// One challenge; `Display` writes it as a field value.
///
/// Basic always says `charset="UTF-8"`: it makes clients that would send Latin-1 send UTF-8
/// (RFC 7617 §2.1). Bearer may say what was wrong with a key (RFC 6750 §3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge<'a> {
    /// How to answer.
    pub scheme: Scheme,
    /// For which protection space.
    pub realm: &'a Realm,
    /// What was wrong with the key that was presented; only Bearer has words for it.
    pub error: Option<BearerError<'a>>,
}

/// The `error` of a Bearer challenge (RFC 6750 §3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BearerError<'a> {
    /// The request is malformed, or has more than one credential.
    InvalidRequest,
    /// The key is unknown, expired or revoked; said in words only to its holder.
    InvalidToken(Option<&'static str>),
    /// The key is good, but lacks these scopes.
    InsufficientScope(&'a str),
}

impl fmt::Display for Challenge<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} realm={}", self.scheme, self.realm)?;
        match (self.scheme, &self.error) {
            (Scheme::Basic, _) => f.write_str(r#", charset="UTF-8""#),
            (Scheme::Bearer, Some(error)) => write!(f, ", {error}"),
            (Scheme::Bearer | Scheme::ApiKey, _) => Ok(()),
        }
    }
}

impl fmt::Display for BearerError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidRequest => f.write_str(r#"error="invalid_request""#),
            Self::InvalidToken(None) => f.write_str(r#"error="invalid_token""#),
            Self::InvalidToken(Some(why)) => write!(
                f,
                r#"error="invalid_token", error_description="the key is {why}""#
            ),
            Self::InsufficientScope(scopes) => {
                write!(f, r#"error="insufficient_scope", scope="{scopes}""#)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_written_as_the_rfcs_do() {
        let realm = Realm::parse("Main \"API\"").unwrap();
        for (scheme, error, written) in [
            (
                Scheme::Basic,
                None,
                r#"Basic realm="Main \"API\"", charset="UTF-8""#,
            ),
            (Scheme::ApiKey, None, r#"ApiKey realm="Main \"API\"""#),
            // RFC 6750 §3.1: no error code when nothing was presented.
            (Scheme::Bearer, None, r#"Bearer realm="Main \"API\"""#),
            (
                Scheme::Bearer,
                Some(BearerError::InvalidToken(Some("expired"))),
                r#"Bearer realm="Main \"API\"", error="invalid_token", error_description="the key is expired""#,
            ),
            (
                Scheme::Bearer,
                Some(BearerError::InsufficientScope("api:read api:write")),
                r#"Bearer realm="Main \"API\"", error="insufficient_scope", scope="api:read api:write""#,
            ),
            (
                Scheme::Basic,
                Some(BearerError::InvalidRequest),
                r#"Basic realm="Main \"API\"", charset="UTF-8""#,
            ),
        ] {
            let challenge = Challenge {
                scheme,
                realm: &realm,
                error,
            };
            assert_eq!(challenge.to_string(), written);
        }
    }
}
