//! The original path, under every reading that somebody behind us could pick.
//!
//! `/public/..%2fadmin` is one file below `/public/` to a server that takes `%2f` as data, and
//! `/admin` to one that takes it as a slash. nginx, Traefik, Caddy and the application each have
//! their own mind about dot segments, empty segments, encoded slashes, backslashes, `;params`,
//! final dots and double encoding. So a path is not normalised here: rules are asked about each
//! reading, and a path whose readings fall under different policies is refused. A path that
//! nobody reads sensibly has no reading at all.
//!
//! RFC 3986 §5.2.4 and §6.2.2; nginx's `ngx_http_parse_complex_uri`.

mod pattern;
mod readings;

pub use pattern::{InvalidPathPattern, PathPattern};

/// More than any server takes in a request line by default.
const LONGEST: usize = 8192;

/// A path as it was sent, before it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uri<'a> {
    path: &'a [u8],
    plain: bool,
}

/// Why a path can't be read at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoReading {
    /// Not a path: an absolute URI, `*`, or nothing.
    #[error("the path does not start with a slash")]
    NotAPath,
    /// Longer than 8192 bytes.
    #[error("the path is too long")]
    TooLong,
    /// A control byte, a blank or a raw `#`, before or after decoding.
    #[error("the path holds a control character, a blank or a \"#\"")]
    Control,
    /// `%` without two hexadecimal digits.
    #[error("the path holds a bad percent escape")]
    Escape,
    /// Bytes that are not UTF-8 when decoded.
    #[error("the path is not UTF-8")]
    NotUtf8,
    /// More `..` than segments.
    #[error("the path leads above its root")]
    AboveRoot,
    /// So many odd characters that there is no end of readings.
    #[error("the path can be read in too many ways")]
    TooMany,
    /// Escapes in escapes in escapes.
    #[error("the path is encoded too many times over")]
    TooDeep,
}

/// Cuts a request target at its first `?`.
pub(crate) fn split_query(target: &[u8]) -> (&[u8], Option<&[u8]>) {
    let mut parts = target.splitn(2, |b| *b == b'?');
    (parts.next().unwrap_or_default(), parts.next())
}

impl<'a> Uri<'a> {
    /// Takes the path of a target as it was sent: what follows the first raw `?` is no path.
    ///
    /// # Errors
    /// [`NoReading`], where one look is enough to see that there is none.
    pub fn parse(target: &'a [u8]) -> Result<Self, NoReading> {
        let (path, _query) = split_query(target);
        if path.first() != Some(&b'/') {
            return Err(NoReading::NotAPath);
        }
        if path.len() > LONGEST {
            return Err(NoReading::TooLong);
        }
        let plain = readings::is_plain(path);
        Ok(Self { path, plain })
    }

    /// What `judge` says of every reading, if it says the same of all; nothing if they differ.
    ///
    /// A reading is a path after decoding: segments between slashes, in UTF-8, with a NUL byte
    /// where a slash is meant as data.
    ///
    /// # Errors
    /// [`NoReading`], if there is a way of reading the path that leads nowhere.
    pub fn verdict<T>(
        &self,
        mut judge: impl FnMut(&[u8]) -> T,
        same: impl Fn(&T, &T) -> bool,
    ) -> Result<Option<T>, NoReading> {
        if self.plain {
            return Ok(Some(judge(self.path)));
        }
        let mut agreed = None;
        let mut differ = false;
        readings::each(self.path, &mut |reading| {
            let verdict = judge(reading);
            match &agreed {
                None => agreed = Some(verdict),
                Some(first) => differ = !same(first, &verdict),
            }
            !differ
        })?;
        Ok(agreed.filter(|_| !differ))
    }

    /// Every reading, for an explanation: each once, a slash that is data shown as `%2F`.
    ///
    /// # Errors
    /// [`NoReading`].
    pub fn readings(&self) -> Result<Vec<String>, NoReading> {
        let all = self.each_reading(|_| ())?;
        Ok(all.into_iter().map(|(text, ())| text).collect())
    }

    /// What is to be said of each reading, by the reading in that form, each once.
    ///
    /// # Errors
    /// [`NoReading`].
    pub fn each_reading<T>(
        &self,
        said: impl Fn(&[u8]) -> T,
    ) -> Result<Vec<(String, T)>, NoReading> {
        let mut all: Vec<(String, T)> = Vec::new();
        self.verdict(
            |reading| {
                let text = String::from_utf8_lossy(reading).replace('\0', "%2F");
                if !all.iter().any(|(known, _)| *known == text) {
                    all.push((text, said(reading)));
                }
            },
            |(), ()| true,
        )?;
        Ok(all)
    }
}

#[cfg(test)]
mod tests;
