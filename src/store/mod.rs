//! Where users, groups and keys are kept.

pub mod api_keys;
pub mod groups;
pub mod htpasswd;
mod names;
mod watched;

pub use api_keys::{ApiKeys, KeyStore, Place, StoreError};
pub use groups::Groups;
pub use htpasswd::Htpasswd;
pub use watched::{Unusable, WRITABLE, Watched};

/// The largest file of users or groups that is read, in bytes.
pub const MAX_FILE_LEN: usize = 256 << 20;

/// A file over [`MAX_FILE_LEN`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the file is larger than 256 MiB")]
pub struct FileTooLarge;

/// U+FEFF in UTF-8, which some editors put at the start of a file.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A file without its byte order mark.
fn content(file: &[u8]) -> Result<&[u8], FileTooLarge> {
    if file.len() > MAX_FILE_LEN {
        return Err(FileTooLarge);
    }
    Ok(file.strip_prefix(BYTE_ORDER_MARK).unwrap_or(file))
}

/// How many warnings one file can give; a file of another sort altogether has millions.
const MAX_WARNINGS: usize = 1000;
