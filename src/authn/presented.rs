//! Which credential a request presents: none, one, or too many.

use http::{HeaderName, header};

use super::Realm;
use crate::decision::Rejection;
use crate::http_auth::{Authorization, Scheme, UserPass};
use crate::identity::ApiKey;
use crate::request::{Defect, Description, Field, Headers};

/// The user name that says "the password is an API key", for git, docker and `curl -u`.
pub const KEY_USER: &[u8] = b"apikey";

static X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// How a credential was presented; what was wrong with it doesn't matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// Not at all, or nobody looked.
    None,
    /// `Authorization`, in this scheme.
    Scheme(Scheme),
    /// `Authorization`, in no scheme that is known here.
    OtherScheme,
    /// `X-API-Key`.
    Header,
    /// A parameter of the original query.
    Query,
    /// In more than one way.
    Several,
}

impl Means {
    /// A word that stays as it is, for logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Scheme(Scheme::Basic) => "basic",
            Self::Scheme(Scheme::Bearer) => "bearer",
            Self::Scheme(Scheme::ApiKey) => "apikey",
            Self::OtherScheme => "other",
            Self::Header => "x-api-key",
            Self::Query => "query",
            Self::Several => "several",
        }
    }
}

/// What a request presents.
pub enum Presented {
    /// No credentials.
    Nothing,
    /// A user and a password.
    Password(UserPass),
    /// An API key.
    Key(ApiKey),
    /// Something that proves nothing: malformed, or more than one.
    Unusable(Rejection),
}

/// Everything that a credential can be read from.
pub struct Reading<'a> {
    /// The headers of the subrequest.
    pub headers: &'a dyn Headers,
    /// The original request, for its query.
    pub description: &'a Description<'a>,
}

impl Reading<'_> {
    /// Reads the one credential there may be, for this realm, and how it was presented.
    ///
    /// Both headers count in every realm: a key beside a password would let an application read
    /// the other one of the two.
    ///
    /// # Errors
    /// A [`Defect`] in the description of the query, where the realm takes keys from it.
    pub fn presented(&self, realm: &Realm) -> Result<(Means, Presented), Defect> {
        let query = match &realm.query_param {
            Some(name) => self
                .description
                .query()?
                .map_or(Field::Absent, |q| param(q, name)),
            None => Field::Absent,
        };
        let authorization = self.headers.field(&header::AUTHORIZATION);
        let header = self.headers.field(&X_API_KEY);
        Ok(match (authorization, header, query) {
            (Field::Absent, Field::Absent, Field::Absent) => (Means::None, Presented::Nothing),
            (Field::Once(value), Field::Absent, Field::Absent) => from_authorization(value, realm),
            (Field::Absent, Field::Once(key), Field::Absent) => (Means::Header, from_key(key)),
            (Field::Absent, Field::Absent, Field::Once(key)) => (Means::Query, from_key(key)),
            _ => (Means::Several, Presented::Unusable(Rejection::Several)),
        })
    }
}

fn from_authorization(value: &[u8], realm: &Realm) -> (Means, Presented) {
    let malformed = |error: String| Presented::Unusable(Rejection::Malformed(error));
    let authorization = match Authorization::parse(value) {
        Ok(authorization) => authorization,
        Err(error) => return (Means::OtherScheme, malformed(error.to_string())),
    };
    let presented = match authorization.scheme {
        Scheme::Bearer | Scheme::ApiKey => from_key(authorization.token.as_bytes()),
        Scheme::Basic => match UserPass::decode(authorization.token) {
            Ok(pair) if realm.keys.is_some() && pair.user() == KEY_USER => {
                from_key(pair.password())
            }
            Ok(pair) => Presented::Password(pair),
            Err(error) => malformed(error.to_string()),
        },
    };
    (Means::Scheme(authorization.scheme), presented)
}

fn from_key(value: &[u8]) -> Presented {
    match ApiKey::parse(value) {
        Ok(key) => Presented::Key(key),
        Err(error) => Presented::Unusable(Rejection::Malformed(error.to_string())),
    }
}

/// The values of a query parameter, as they stand: a key never needs an escape.
fn param<'q>(query: &'q [u8], name: &str) -> Field<'q> {
    Field::of_lines(query.split(|b| *b == b'&').filter_map(|pair| {
        let mut parts = pair.splitn(2, |b| *b == b'=');
        let named = parts.next() == Some(name.as_bytes());
        named.then(|| parts.next().unwrap_or_default())
    }))
}
