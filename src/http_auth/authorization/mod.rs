//! The value of one `Authorization` field (RFC 9110 §11.6.2) and what Basic puts into it
//! (RFC 7617 §2).
//!
//! Of the two forms that RFC 9110 §11.4 allows after the scheme, the schemes accepted here use
//! one token only; anything else is malformed for them. Where Apache, nginx and Go differ (blanks,
//! padding, what may follow), the strict reading is taken, except that missing padding is forgiven.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use super::Scheme;

/// A scheme and the token after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authorization<'a> {
    /// A scheme that can be accepted here.
    pub scheme: Scheme,
    /// One token, not empty: token68 for Basic, an API key for the others.
    pub token: &'a str,
}

/// What is wrong with an `Authorization` value, in words for whoever sent it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAuthorization {
    /// An empty value.
    #[error("the Authorization header is empty")]
    Empty,
    /// A lone token: most often a key without `Bearer` before it.
    #[error("the Authorization header has no scheme; send \"Bearer <key>\"")]
    NoScheme,
    /// A scheme that is not Basic, Bearer or `ApiKey`.
    #[error("the Authorization header has a scheme that is not accepted here")]
    UnknownScheme,
    /// A scheme with nothing after it.
    #[error("the Authorization header has nothing after its scheme")]
    NoCredentials,
    /// Something that is not one token68 after the scheme.
    #[error("the Authorization header has something other than one token after its scheme")]
    NotToken68,
}

impl<'a> Authorization<'a> {
    /// Reads a field value; blanks around it are not part of it (RFC 9110 §5.5).
    ///
    /// # Errors
    /// [`InvalidAuthorization`], which never holds any part of the value.
    pub fn parse(value: &'a [u8]) -> Result<Self, InvalidAuthorization> {
        use InvalidAuthorization as Invalid;
        let value = trim_blanks(value);
        if value.is_empty() {
            return Err(Invalid::Empty);
        }
        let text = std::str::from_utf8(value).map_err(|_| Invalid::NotToken68)?;
        let blank = value.iter().position(|byte| *byte == b' ');
        let Some((scheme, rest)) = blank.and_then(|blank| text.split_at_checked(blank)) else {
            return Err(match Scheme::parse(text) {
                Some(_) => Invalid::NoCredentials,
                None => Invalid::NoScheme,
            });
        };
        let scheme = Scheme::parse(scheme).ok_or(Invalid::UnknownScheme)?;
        let token = rest.trim_start_matches(' ');
        let fits = match scheme {
            Scheme::Basic => is_token68(token),
            Scheme::Bearer | Scheme::ApiKey => is_key_token(token),
        };
        if !fits {
            return Err(Invalid::NotToken68);
        }
        Ok(Self { scheme, token })
    }
}

/// token68 of RFC 9110 §11.2: letters, digits and `-._~+/`, at least one, then any `=`.
fn is_token68(text: &str) -> bool {
    let front = text.trim_end_matches('=');
    !front.is_empty()
        && front
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b))
}

/// A key made elsewhere may hold more than token68, such as the `:` and `%` of RFC 8959. What could
/// be auth-params or a list (RFC 9110 §11.4) is no key.
fn is_key_token(text: &str) -> bool {
    let front = text.trim_end_matches('=');
    !front.is_empty()
        && front
            .bytes()
            .all(|b| b.is_ascii_graphic() && !b"\",=".contains(&b))
}

/// The value without the spaces and tabs around it.
pub(crate) fn trim_blanks(value: &[u8]) -> &[u8] {
    let blank = |b: &u8| matches!(b, b' ' | b'\t');
    let start = value.iter().position(|b| !blank(b)).unwrap_or(value.len());
    let end = value
        .iter()
        .rposition(|b| !blank(b))
        .map_or(start, |i| i + 1);
    value.get(start..end).unwrap_or_default()
}

/// A decoded user-pass pair: bytes as they came, split at the first colon.
pub struct UserPass {
    pair: Zeroizing<Vec<u8>>,
    colon: usize,
}

/// What is wrong with the token of a Basic credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBasic {
    /// Not the standard alphabet, bits left over, or wrong padding.
    #[error("the Basic credentials are not base64")]
    Base64,
    /// No colon between user and password.
    #[error("the Basic credentials have no colon between user and password")]
    NoColon,
    /// RFC 7617 §2 forbids them; a line feed at the end comes from `echo` without `-n`.
    #[error("there is a control character in the user or the password (a line end, perhaps)")]
    Control,
}

/// Standard alphabet; padding right or left out; bits left over must be zero.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl UserPass {
    /// Decodes the token of a Basic credential.
    ///
    /// # Errors
    /// [`InvalidBasic`].
    pub fn decode(token: &str) -> Result<Self, InvalidBasic> {
        // Room for all of it at once: a growing vector would leave copies of a password behind.
        let room = base64::decoded_len_estimate(token.len());
        let mut pair = Zeroizing::new(Vec::with_capacity(room));
        BASE64
            .decode_vec(token, &mut pair)
            .map_err(|_| InvalidBasic::Base64)?;
        let colon = pair
            .iter()
            .position(|b| *b == b':')
            .ok_or(InvalidBasic::NoColon)?;
        if pair.iter().any(u8::is_ascii_control) {
            return Err(InvalidBasic::Control);
        }
        Ok(Self { pair, colon })
    }

    /// The user: everything before the first colon; may be empty.
    #[must_use]
    pub fn user(&self) -> &[u8] {
        self.pair.get(..self.colon).unwrap_or_default()
    }

    /// The password: everything after the first colon; may be empty.
    #[must_use]
    pub fn password(&self) -> &[u8] {
        self.pair.get(self.colon + 1..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
