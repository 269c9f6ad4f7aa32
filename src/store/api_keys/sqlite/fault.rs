//! What SQLite says went wrong, in our words.

use std::io;
use std::path::Path;

use rusqlite::{Error, ErrorCode, ffi};

use crate::store::api_keys::Place;
use crate::store::api_keys::error::StoreError;

/// What a fault of this file means.
pub(super) fn fault(path: &Path, source: Error) -> StoreError {
    let place = Place::Sqlite(path.to_owned());
    if let Error::FromSqlConversionFailure(_, _, what) = &source {
        let what = what.to_string();
        return StoreError::Damaged { place, what };
    }
    // The index beside the file is the first to find no room, and SQLite calls that an input or
    // output error.
    if source.sqlite_error().map(|error| error.extended_code) == Some(ffi::SQLITE_IOERR_SHMSIZE) {
        return StoreError::DiskFull { place };
    }
    match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => StoreError::NotADatabase { place },
        Some(ErrorCode::DatabaseCorrupt) => StoreError::Damaged {
            place,
            what: source.to_string(),
        },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy { place },
        Some(ErrorCode::DiskFull) => StoreError::DiskFull { place },
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            StoreError::Access {
                place,
                source: io::Error::other(source),
            }
        }
        _ => StoreError::Sqlite { place, source },
    }
}
