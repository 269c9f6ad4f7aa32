//! API keys: the secret a program presents, and what may be known of it.
//!
//! A key of ours is `<prefix>_<id>_<secret><check>`; its shape is in [`shape`]. Keys made
//! elsewhere look as they like, so every key is found by the digest of its whole value
//! ([`digest`]), and the shape serves people, logs and scanners only.

pub mod digest;
pub mod shape;

use std::fmt;

use zeroize::Zeroizing;

pub use digest::{ApiKeyDigest, InvalidDigest, InvalidPepper, Pepper};
pub use shape::{ApiKeyId, Form, InvalidId, InvalidPrefix, NoRandomness, Prefix};

/// An API key, presented or just made: 1 to 512 visible ASCII characters without `,` and `"`.
///
/// Secret: wiped when dropped, never shown by `Debug`, not cloned and not compared.
pub struct ApiKey(Zeroizing<String>);

impl ApiKey {
    /// The longest value that is taken, in bytes.
    pub const MAX_LEN: usize = 512;

    /// Takes a key as it was presented.
    ///
    /// # Errors
    /// [`InvalidApiKey`], which tells nothing of the value but its length.
    pub fn parse(raw: &[u8]) -> Result<Self, InvalidApiKey> {
        if raw.is_empty() {
            return Err(InvalidApiKey::Empty);
        }
        if raw.len() > Self::MAX_LEN {
            return Err(InvalidApiKey::TooLong(raw.len()));
        }
        let text = std::str::from_utf8(raw).map_err(|_| InvalidApiKey::Character)?;
        if !text.bytes().all(is_key_byte) {
            return Err(InvalidApiKey::Character);
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// Makes a new key for an id, new or not.
    ///
    /// # Errors
    /// [`NoRandomness`] when the operating system gives none.
    pub fn generate_for(prefix: &Prefix, id: &ApiKeyId) -> Result<Self, NoRandomness> {
        shape::compose(prefix, id).map(Self)
    }

    /// What the value itself tells, without asking a store.
    #[must_use]
    pub fn form(&self, prefix: &Prefix) -> Form {
        shape::form(&self.0, prefix)
    }

    /// SHA-256 of the value.
    #[must_use]
    pub fn digest(&self) -> ApiKeyDigest {
        ApiKeyDigest::of(self.0.as_bytes())
    }

    /// The secret itself, to be shown once to the one who asked for a new key.
    #[must_use]
    pub fn expose_secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(secret)")
    }
}

/// Why a value is no API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidApiKey {
    /// Nothing was presented.
    #[error("the API key is empty")]
    Empty,
    /// More than [`ApiKey::MAX_LEN`] bytes.
    #[error("the API key has {0} bytes; at most 512 are taken")]
    TooLong(usize),
    /// A blank, a control character, a comma, a quote or a byte outside ASCII.
    #[error("the API key holds a blank, comma, quote, control or non-ASCII character")]
    Character,
}

fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b',' | b'"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visible_ascii_without_list_characters_is_a_key() {
        for raw in ["x", "sk_live_a.b-c~d+e/f==", "secret-token:a%20b"] {
            let key = ApiKey::parse(raw.as_bytes()).unwrap();
            assert_eq!(key.expose_secret(), raw);
        }
        for (raw, fault) in [
            (&b""[..], InvalidApiKey::Empty),
            (b"a b", InvalidApiKey::Character),
            (b"a,b", InvalidApiKey::Character),
            (b"\"a\"", InvalidApiKey::Character),
            (b"a\0", InvalidApiKey::Character),
            (b"a\x7f", InvalidApiKey::Character),
            (b"a\n", InvalidApiKey::Character),
            ("é".as_bytes(), InvalidApiKey::Character),
            (b"\xff", InvalidApiKey::Character),
        ] {
            assert_eq!(ApiKey::parse(raw).unwrap_err(), fault, "{raw:?}");
        }
        assert!(ApiKey::parse(&[b'k'; 512]).is_ok());
        assert_eq!(
            ApiKey::parse(&[b'k'; 513]).unwrap_err(),
            InvalidApiKey::TooLong(513)
        );
    }

    #[test]
    fn debug_shows_nothing_of_the_value() {
        let key = ApiKey::parse(b"sesame-open-sesame-open").unwrap();
        assert_eq!(format!("{key:?}"), "ApiKey(secret)");
    }

    #[test]
    fn a_new_key_has_our_form_and_names_its_id() {
        let prefix = Prefix::parse("acme").unwrap();
        let id = ApiKeyId::random().unwrap();
        let key = ApiKey::generate_for(&prefix, &id).unwrap();
        assert_eq!(key.form(&prefix), Form::Ours(id));
        assert_eq!(key.expose_secret().len(), 4 + 1 + 12 + 1 + 38);
        assert_eq!(key.form(&Prefix::default()), Form::Foreign);

        let rotated = ApiKey::generate_for(&prefix, &id).unwrap();
        assert_eq!(rotated.form(&prefix), Form::Ours(id));
        assert!(rotated.digest() != key.digest());
        assert!(ApiKey::parse(key.expose_secret().as_bytes()).is_ok());
    }
}
