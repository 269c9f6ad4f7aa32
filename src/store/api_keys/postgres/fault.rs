//! What PostgreSQL and its driver say went wrong, in our words.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use super::Url;
use crate::store::api_keys::Place;
use crate::store::api_keys::error::StoreError;

/// What a fault means: whether it may pass, or what somebody must do.
pub(super) fn fault(url: &Url, source: &Error) -> StoreError {
    let place = Place::Postgres(url.clone());
    let Some(said) = source.as_db_error() else {
        let why = told(source);
        let why = format!("{why}{}", remedy(&why));
        return match inmost(source) {
            Inmost::Network => StoreError::Away {
                place,
                why: why.into(),
            },
            Inmost::Other => StoreError::Refused { place, why },
        };
    };
    let code = said.code();
    let why = said.message().to_owned();
    match code.code().as_bytes() {
        [b'0', b'8', ..] | [b'5', b'7', b'P', ..] => StoreError::Away {
            place,
            why: why.into(),
        },
        _ => match *code {
            // A standby, or a primary that has become one.
            SqlState::READ_ONLY_SQL_TRANSACTION | SqlState::TOO_MANY_CONNECTIONS => {
                StoreError::Away {
                    place,
                    why: why.into(),
                }
            }
            SqlState::LOCK_NOT_AVAILABLE | SqlState::T_R_DEADLOCK_DETECTED => {
                StoreError::Busy { place }
            }
            SqlState::DISK_FULL => StoreError::DiskFull { place },
            SqlState::DATA_CORRUPTED | SqlState::INDEX_CORRUPTED => {
                StoreError::Damaged { place, what: why }
            }
            SqlState::INVALID_PASSWORD
            | SqlState::INVALID_AUTHORIZATION_SPECIFICATION
            | SqlState::INVALID_CATALOG_NAME => StoreError::Refused {
                place,
                why: match url.passfile() {
                    Some(file) if *code != SqlState::INVALID_CATALOG_NAME => {
                        format!("{why}; the password is from {}", file.display())
                    }
                    _ => format!("{why}; see `store` in [api_keys], and pg_hba.conf there"),
                },
            },
            SqlState::INSUFFICIENT_PRIVILEGE => StoreError::Refused {
                place,
                why: format!(
                    "{why}; commands need a role that owns the schema htgate, or may make it, and \
                     nodes its grants: see docs/several-nodes.md"
                ),
            },
            _ => StoreError::Postgres { place, why },
        },
    }
}

/// What it means that nothing came within so long.
pub(super) fn no_answer(url: &Url, limit: Duration) -> StoreError {
    StoreError::Away {
        place: Place::Postgres(url.clone()),
        why: format!("no answer within {} s", limit.as_secs()).into(),
    }
}

/// What to do about an error of the driver.
fn remedy(told: &str) -> &'static str {
    if told.contains("password missing") {
        "; the server wants one: put passfile=FILE into the URL"
    } else if told.contains("UnknownIssuer") {
        "; if the server has a CA of its own, name it with sslrootcert=FILE"
    } else {
        ""
    }
}

enum Inmost {
    Network,
    Other,
}

/// What lies below an error of the driver.
fn inmost(source: &Error) -> Inmost {
    if source.is_closed() {
        return Inmost::Network;
    }
    let mut below = source.source();
    let mut found = Inmost::Other;
    while let Some(cause) = below {
        if cause.is::<rustls::Error>() {
            return Inmost::Other;
        }
        if let Some(fault) = cause.downcast_ref::<io::Error>() {
            found = Inmost::Network;
            // An io::Error hides what it wraps from `source`.
            if fault
                .get_ref()
                .is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>)
            {
                return Inmost::Other;
            }
        }
        below = cause.source();
    }
    found
}

/// The error with all that caused it.
pub(super) fn told(source: &Error) -> String {
    if let Some(said) = source.as_db_error() {
        return said.message().to_owned();
    }
    let mut text = source.to_string();
    let mut below = source.source();
    while let Some(cause) = below {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        below = cause.source();
    }
    text
}
