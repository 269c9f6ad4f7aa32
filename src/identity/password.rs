//! A password as somebody presented it.
//!
//! The bytes are wiped when the value is dropped, and there is one way to them. What this
//! can't reach are the copies made before it: the server's header buffer and the kernel's.

use std::fmt;

use zeroize::Zeroizing;

/// A presented password: any bytes, taken as they came.
///
/// There is no `Clone`, no `Display` and no `PartialEq`, so that a copy, a log line or a
/// comparison that stops at the first difference has to be written on purpose.
pub struct Password(Zeroizing<Vec<u8>>);

impl Password {
    /// Takes over a buffer that is wiped when it is dropped.
    ///
    /// Fill it without letting it grow: a reallocation leaves a copy behind.
    #[must_use]
    pub fn new(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// The bytes, to hash or to compare in constant time, and for nothing else.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_neither_the_password_nor_its_length() {
        for raw in ["", "secret", "a rather long passphrase"] {
            let password = Password::new(Zeroizing::new(raw.into()));
            assert_eq!(format!("{password:?}"), "Password(..)");
            assert_eq!(password.expose(), raw.as_bytes());
        }
    }
}
