//! What goes back to the proxy, before a server writes it.

use http::{HeaderName, HeaderValue, header};
use serde::Serialize;

use super::Trouble;
use crate::decision::{Forbidden, Rejection};

/// Status, headers and, where the proxy relays it, what the body is about. Every reply is sent
/// with `Cache-Control: no-store`: nginx can cache subrequests, and a cached yes lets anybody in.
#[derive(Debug, PartialEq, Eq)]
pub struct Reply {
    /// 200, 400, 401, 403, 429 or 503.
    pub status: u16,
    /// In the order in which they are written.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// What the body says; nothing means that there is none.
    pub problem: Option<Problem>,
}

/// A refusal in words (RFC 9457). It never names users, files or what is wrong inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// For programs: stable.
    pub code: &'static str,
    /// For people: the same for every problem of this code.
    pub title: &'static str,
    /// What to do about it.
    pub detail: String,
}

impl Reply {
    /// A reply with neither headers nor body.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            problem: None,
        }
    }

    pub(super) fn allow(headers: Vec<(HeaderName, HeaderValue)>) -> Self {
        Self {
            status: 200,
            headers,
            problem: None,
        }
    }

    /// With a header more; a value that can't be written makes a bare 403 of it.
    pub(super) fn with(mut self, name: &HeaderName, value: String) -> Self {
        match HeaderValue::try_from(value) {
            Ok(value) => {
                self.headers.push((name.clone(), value));
                self
            }
            Err(_) => Self::new(403),
        }
    }

    /// With the time when asking again may help, where there is one.
    pub(super) fn retry_after(self, trouble: &Trouble) -> Self {
        match trouble.retry_after() {
            Some(seconds) => self.with(&header::RETRY_AFTER, seconds.to_string()),
            None => self,
        }
    }

    pub(super) fn about(mut self, problem: Problem) -> Self {
        self.problem = Some(problem);
        self
    }
}

impl Problem {
    /// Why credentials were not taken.
    pub(super) fn rejected(rejection: &Rejection) -> Self {
        let (code, title) = match rejection {
            Rejection::Absent => ("credentials_missing", "Credentials are needed"),
            Rejection::Several | Rejection::Malformed(_) => {
                ("credentials_malformed", "The credentials can't be read")
            }
            Rejection::NotAccepted
            | Rejection::Password
            | Rejection::UnknownKey
            | Rejection::KeyAddress(_)
            | Rejection::ExpiredKey(_)
            | Rejection::RotatedKey(_)
            | Rejection::RevokedKey(_) => ("credentials_invalid", "The credentials are not valid"),
        };
        Self {
            code,
            title,
            detail: format!("{rejection}."),
        }
    }

    /// Why nobody, or not this one, may pass. Which rule or policy said so is for the log alone.
    pub(super) fn forbidden(forbidden: &Forbidden) -> Self {
        let (code, detail) = match forbidden {
            Forbidden::Closed | Forbidden::NoPolicy => {
                ("closed", "nobody may go there.".to_owned())
            }
            Forbidden::Ambiguous => (
                "ambiguous_path",
                "the path is malformed, or can be read in more than one way.".to_owned(),
            ),
            Forbidden::Requirement { .. } => (
                "not_permitted",
                "these credentials are valid, but do not permit this.".to_owned(),
            ),
            Forbidden::Scope { .. } => ("insufficient_scope", format!("{forbidden}.")),
        };
        Self {
            code,
            title: "Access is forbidden",
            detail,
        }
    }

    /// Why no decision could be made.
    pub(super) fn trouble(trouble: &Trouble) -> Self {
        match trouble {
            Trouble::Description(defect) => Self {
                code: "bad_description",
                title: "The proxy described the request badly",
                detail: format!("{defect}."),
            },
            Trouble::Throttled(_) => Self {
                code: "too_many_attempts",
                title: "Too many wrong passwords",
                detail: "wait before you try again.".to_owned(),
            },
            Trouble::Store(_) | Trouble::TooLong | Trouble::Busy | Trouble::Fault => Self {
                code: "unavailable",
                title: "Access can't be decided at the moment",
                detail: "try again in a moment.".to_owned(),
            },
        }
    }
}
