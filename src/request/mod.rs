//! What is asked: the original request, as a proxy describes it.
//!
//! Everything here is read from headers that the proxy in front overwrites. What is missing,
//! doubled or malformed is a [`Defect`], never a guess.

mod description;
pub mod host;
pub mod method;
pub mod network;
pub mod path;

use http::HeaderName;

pub use description::{Defect, Description, FieldName, Names, RequestLine, Target, Told, UrlNames};

/// The fields of a request.
///
/// Our own trait, since a server's header map is its own type and a test wants a list of pairs.
pub trait Headers {
    /// The field of this name.
    fn field(&self, name: &HeaderName) -> Field<'_>;
}

/// All that htgate wants to know of a field: a list is never joined, first or last never chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field<'a> {
    /// No such line.
    Absent,
    /// One line, blanks around the value cut.
    Once(&'a [u8]),
    /// More than one line.
    Repeated,
}

impl<'a> Field<'a> {
    /// The field that these lines make.
    pub fn of_lines(mut lines: impl Iterator<Item = &'a [u8]>) -> Self {
        match (lines.next(), lines.next()) {
            (None, _) => Self::Absent,
            (Some(value), None) => Self::Once(crate::http_auth::trim_blanks(value)),
            (Some(_), Some(_)) => Self::Repeated,
        }
    }
}

impl Headers for &[(&str, &str)] {
    fn field(&self, name: &HeaderName) -> Field<'_> {
        Field::of_lines(
            self.iter()
                .filter(|(n, _)| n.eq_ignore_ascii_case(name.as_str()))
                .map(|(_, value)| value.as_bytes()),
        )
    }
}
