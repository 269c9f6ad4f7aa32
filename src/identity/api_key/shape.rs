//! The shape of the keys made here: `<prefix>_<id>_<secret><check>`.
//!
//! - *prefix*: says whose key it is, `htg` unless configured;
//! - *id*: 12 random characters of `0-9a-z`, public, the name of the key in logs;
//! - *secret*: 32 random characters of `0-9A-Za-z`, 190 bits;
//! - *check*: CRC-32 (IEEE) of everything before it, as 6 digits of base 62 with the digits
//!   `0-9`, `A-Z`, `a-z` in this order, most significant first.
//!
//! Only letters, digits and underscores, so that a double click takes the whole key. Scanners
//! look for `htg_[0-9a-z]{12}_[0-9A-Za-z]{38}` and then test the check. To try an
//! implementation: `htg_0123456789ab_ABCDEFGHIJKLMNOPQRSTUVWXYZ012345` has the CRC-32
//! `339306119` and the check `0Mxh1L`.
//!
//! The check is no defence, anyone can compute it. It tells a typo without asking the store.

use std::fmt;

use zeroize::Zeroizing;

const ID_LEN: usize = 12;
const SECRET_LEN: usize = 32;
const CHECK_LEN: usize = 6;

const BASE36: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The first part of every key made here: 1 to 16 characters of `a-z0-9`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix(Box<str>);

impl Prefix {
    /// Takes a prefix as configured.
    ///
    /// # Errors
    /// [`InvalidPrefix`] for everything but 1 to 16 lower-case ASCII letters and digits.
    pub fn parse(raw: &str) -> Result<Self, InvalidPrefix> {
        if (1..=16).contains(&raw.len()) && raw.bytes().all(is_base36) {
            Ok(Self(raw.into()))
        } else {
            Err(InvalidPrefix)
        }
    }

    /// The prefix, without the underscore that follows it in a key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Prefix {
    fn default() -> Self {
        Self("htg".into())
    }
}

/// A configured prefix breaks the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key prefix is 1 to 16 characters of a-z and 0-9")]
pub struct InvalidPrefix;

/// The public name of a key: 12 characters of `0-9a-z`. May be logged.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiKeyId([u8; ID_LEN]);

impl ApiKeyId {
    /// Takes an id as it is shown.
    ///
    /// # Errors
    /// [`InvalidId`] for everything but 12 characters of `0-9a-z`.
    pub fn parse(raw: &str) -> Result<Self, InvalidId> {
        match <[u8; ID_LEN]>::try_from(raw.as_bytes()) {
            Ok(id) if id.iter().copied().all(is_base36) => Ok(Self(id)),
            _ => Err(InvalidId),
        }
    }

    /// A new id, 62 random bits.
    ///
    /// # Errors
    /// [`NoRandomness`] when the operating system gives none.
    pub fn random() -> Result<Self, NoRandomness> {
        let mut id = [0; ID_LEN];
        fill(&mut id, BASE36)?;
        Ok(Self(id))
    }

    /// The id as it is shown.
    #[must_use]
    #[expect(
        clippy::expect_used,
        clippy::missing_panics_doc,
        reason = "every constructor allows ASCII only"
    )]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("an id is ASCII")
    }
}

impl fmt::Display for ApiKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for ApiKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKeyId({self})")
    }
}

/// A text is no key id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key id is 12 characters of 0-9 and a-z")]
pub struct InvalidId;

/// What the value of a key tells by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Our pattern, and the check is right: made here, or made up. Only the store knows.
    Ours(ApiKeyId),
    /// Our pattern, but the check is wrong: a typo. Can be refused without a look-up.
    Mistyped,
    /// Anything else; may have been imported.
    Foreign,
}

/// The operating system gave no random bytes.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the operating system gives no random bytes")]
pub struct NoRandomness(#[from] getrandom::Error);

pub(super) fn compose(prefix: &Prefix, id: &ApiKeyId) -> Result<Zeroizing<String>, NoRandomness> {
    let mut secret = Zeroizing::new([0; SECRET_LEN]);
    fill(secret.as_mut_slice(), BASE62)?;
    // Sized once: a growing string would leave copies behind.
    let len = prefix.0.len() + 1 + ID_LEN + 1 + SECRET_LEN + CHECK_LEN;
    let mut key = Zeroizing::new(String::with_capacity(len));
    key.push_str(prefix.as_str());
    key.push('_');
    key.push_str(id.as_str());
    key.push('_');
    key.extend(secret.iter().copied().map(char::from));
    let check = check(key.as_bytes());
    key.extend(check.map(char::from));
    Ok(key)
}

pub(super) fn form(key: &str, prefix: &Prefix) -> Form {
    let Some((id, rest)) = key
        .strip_prefix(prefix.as_str())
        .and_then(|rest| rest.strip_prefix('_'))
        .and_then(|rest| rest.split_once('_'))
    else {
        return Form::Foreign;
    };
    let Ok(id) = ApiKeyId::parse(id) else {
        return Form::Foreign;
    };
    if rest.len() != SECRET_LEN + CHECK_LEN || !rest.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Form::Foreign;
    }
    match key.as_bytes().split_last_chunk::<CHECK_LEN>() {
        Some((covered, found)) if *found == check(covered) => Form::Ours(id),
        _ => Form::Mistyped,
    }
}

fn check(covered: &[u8]) -> [u8; CHECK_LEN] {
    let mut rest = crc32fast::hash(covered) as usize;
    let mut digits = [b'0'; CHECK_LEN];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[rest % BASE62.len()];
        rest /= BASE62.len();
    }
    digits
}

/// Fills `target` with characters of `alphabet`, each equally likely.
fn fill(target: &mut [u8], alphabet: &[u8]) -> Result<(), NoRandomness> {
    // Bytes from the last, incomplete run of the alphabet are thrown away: taking them by
    // remainder would make its first characters likelier.
    let fair = 256 - 256 % alphabet.len();
    let mut random = Zeroizing::new([0_u8; 64]);
    let mut open = target.iter_mut();
    loop {
        getrandom::fill(random.as_mut_slice())?;
        for &byte in random.iter().filter(|&&byte| usize::from(byte) < fair) {
            match open.next() {
                Some(slot) => *slot = alphabet[usize::from(byte) % alphabet.len()],
                None => return Ok(()),
            }
        }
    }
}

fn is_base36(byte: u8) -> bool {
    byte.is_ascii_digit() || byte.is_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// Computed by another program (zlib's CRC-32); the middle one is in the module's docs.
    const VECTORS: [(&str, &str, &str); 3] = [
        (
            "htg",
            "000000000000",
            "htg_000000000000_000000000000000000000000000000002Diqxq",
        ),
        (
            "htg",
            "0123456789ab",
            "htg_0123456789ab_ABCDEFGHIJKLMNOPQRSTUVWXYZ0123450Mxh1L",
        ),
        (
            "acme",
            "zzzzzzzzzzzz",
            "acme_zzzzzzzzzzzz_zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz2Y8hWm",
        ),
    ];

    #[test]
    fn the_check_is_crc32_in_base_62() {
        for (prefix, id, key) in VECTORS {
            let prefix = Prefix::parse(prefix).unwrap();
            let id = ApiKeyId::parse(id).unwrap();
            assert_eq!(form(key, &prefix), Form::Ours(id), "{key}");
        }
    }

    #[test]
    fn any_one_wrong_character_is_a_typo() {
        let (_, _, key) = VECTORS[1];
        for place in (4..16).chain(17..key.len()) {
            let mut typo = key.as_bytes().to_vec();
            typo[place] = if typo[place] == b'7' { b'8' } else { b'7' };
            let typo = String::from_utf8(typo).unwrap();
            assert_eq!(form(&typo, &Prefix::default()), Form::Mistyped, "{typo}");
        }
    }

    #[test]
    fn what_is_not_exactly_our_pattern_is_foreign() {
        let (_, _, key) = VECTORS[1];
        let longer = format!("{key}0");
        let upper_id = key.replace("9ab_", "9AB_");
        for value in [
            "",
            "htg",
            "htg_",
            "htg__",
            "htg_0123456789ab",
            "htg_0123456789ab_",
            "Htg_0123456789ab_ABCDEFGHIJKLMNOPQRSTUVWXYZ0123450Mxh1L",
            "acme_zzzzzzzzzzzz_zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz2Y8hWm",
            "htg_0123456789ab_ABCDEFGHIJKLMNOPQRSTUVWXYZ01234_0Mxh1L",
            "htg_0123456789ab_ABCDEFGHIJKLMNOPQRSTUVWXYZ01234.0Mxh1L",
            &key[..key.len() - 1],
            &longer,
            &upper_id,
        ] {
            assert_eq!(form(value, &Prefix::default()), Form::Foreign, "{value}");
        }
    }

    #[test]
    fn ids_and_prefixes_keep_to_their_alphabet() {
        for (raw, fits) in [
            ("0123456789az", true),
            ("0123456789aZ", false),
            ("0123456789a", false),
            ("0123456789abc", false),
            ("0123456789é", false),
            ("", false),
        ] {
            assert_eq!(ApiKeyId::parse(raw).is_ok(), fits, "{raw}");
        }
        for (raw, fits) in [
            ("htg", true),
            ("a234567890123456", true),
            ("a2345678901234567", false),
            ("", false),
            ("Htg", false),
            ("h_g", false),
        ] {
            assert_eq!(Prefix::parse(raw).is_ok(), fits, "{raw}");
        }
    }

    #[test]
    fn random_parts_differ_and_use_the_whole_alphabet() {
        let mut text = [0; 4096];
        fill(&mut text, BASE62).unwrap();
        assert_eq!(text.iter().collect::<HashSet<_>>().len(), 62);

        let ids: HashSet<_> = (0..500).map(|_| ApiKeyId::random().unwrap()).collect();
        assert_eq!(ids.len(), 500);
    }
}
