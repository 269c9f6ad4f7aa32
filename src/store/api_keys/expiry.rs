//! When a key is to end, as an operator writes it.

use std::str::FromStr as _;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// When a key ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// Not by itself.
    Never,
    /// At this instant: it doesn't count at or after it.
    At(Timestamp),
}

impl Expiry {
    /// Takes `never`, a span from `now` (`90d`, see [`parse_span`]), a date, or an RFC 3339 time
    /// (`2027-01-31T18:00:00Z`, `2027-01-31T18:00:00+01:00`).
    ///
    /// A date means its first instant in UTC: a key that ends on `2027-01-31` was last good on
    /// the 30th. Read the other way, a key would count a day longer than someone expected.
    ///
    /// # Errors
    /// [`InvalidExpiry`], saying what would be right.
    pub fn parse(raw: &str, now: Timestamp) -> Result<Self, InvalidExpiry> {
        if raw == "never" {
            return Ok(Self::Never);
        }
        let time = if is_date(raw) {
            Date::from_str(raw)
                .and_then(|date| date.to_zoned(TimeZone::UTC))
                .map(|start| start.timestamp())
                .map_err(|_| InvalidExpiry::NoSuchDate(raw.into()))?
        } else if raw.contains('-') {
            Timestamp::from_str(raw).map_err(|_| InvalidExpiry::Time(raw.into()))?
        } else {
            now.checked_add(parse_span(raw)?)
                .map_err(|_| InvalidExpiry::TooFar(raw.into()))?
        };
        Ok(Self::At(time))
    }
}

impl From<Expiry> for Option<Timestamp> {
    fn from(expiry: Expiry) -> Self {
        match expiry {
            Expiry::Never => None,
            Expiry::At(time) => Some(time),
        }
    }
}

/// Takes a whole number and one unit: `s`, `m` (minutes), `h`, `d` (24 hours) or `w`.
///
/// # Errors
/// [`InvalidExpiry`] for anything else.
pub fn parse_span(raw: &str) -> Result<Duration, InvalidExpiry> {
    let unknown = || InvalidExpiry::Span(raw.into());
    let unit = raw.chars().next_back().ok_or_else(unknown)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        'w' => 7 * 24 * 60 * 60,
        _ => return Err(unknown()),
    };
    let number = raw.strip_suffix(unit).unwrap_or_default();
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
        return Err(unknown());
    }
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(seconds))
        .map(Duration::from_secs)
        .ok_or_else(|| InvalidExpiry::TooFar(raw.into()))
}

/// Why a text says no time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidExpiry {
    /// No number with a unit.
    #[error(
        "{0:?} is no time span; write a whole number and s, m, h, d or w, like 12h or 90d \
         (for an expiry also a date like 2027-01-31, a time like 2027-01-31T18:00:00Z, or never)"
    )]
    Span(Box<str>),
    /// A date that no calendar has.
    #[error("there is no date {0}; dates are written year-month-day, like 2027-01-31")]
    NoSuchDate(Box<str>),
    /// Something with a dash that is no full time.
    #[error(
        "{0:?} is no time; write a date like 2027-01-31 (its first instant, UTC) or a full time \
         with its zone, like 2027-01-31T18:00:00Z or 2027-01-31T18:00:00+01:00"
    )]
    Time(Box<str>),
    /// Beyond the year 9999.
    #[error("{0} is further away than time can be told; write never for no expiry")]
    TooFar(Box<str>),
}

/// Whether this has the shape `YYYY-MM-DD`.
fn is_date(raw: &str) -> bool {
    raw.len() == 10
        && raw.bytes().enumerate().all(|(place, byte)| match place {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_dates_and_times_are_understood() {
        let now: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
        for (raw, end) in [
            ("90d", "2027-02-19T10:00:00Z"),
            ("12h", "2026-11-21T22:00:00Z"),
            ("5m", "2026-11-21T10:05:00Z"),
            ("2w", "2026-12-05T10:00:00Z"),
            ("0s", "2026-11-21T10:00:00Z"),
            ("2027-01-31", "2027-01-31T00:00:00Z"),
            ("2028-02-29", "2028-02-29T00:00:00Z"),
            ("2027-01-31T18:00:00Z", "2027-01-31T18:00:00Z"),
            ("2027-01-31T18:00:00+01:00", "2027-01-31T17:00:00Z"),
            ("2027-01-31T18:00:00.5Z", "2027-01-31T18:00:00.5Z"),
            ("2020-01-01", "2020-01-01T00:00:00Z"),
        ] {
            let end = Expiry::At(end.parse().unwrap());
            assert_eq!(Expiry::parse(raw, now), Ok(end), "{raw}");
        }
        assert_eq!(Expiry::parse("never", now), Ok(Expiry::Never));
    }

    #[test]
    fn everything_else_is_refused_with_a_way_out() {
        let now: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
        for (raw, told) in [
            ("", "90d"),
            ("90", "90d"),
            ("d", "90d"),
            ("1.5h", "90d"),
            ("+5d", "90d"),
            ("5 d", "90d"),
            ("5y", "90d"),
            ("5é", "90d"),
            ("tomorrow", "90d"),
            ("-5d", "2027-01-31"),
            ("2027-02-30", "no date 2027-02-30"),
            ("2027-13-01", "year-month-day"),
            ("2027-1-31", "2027-01-31"),
            ("31-01-2027", "2027-01-31"),
            ("2027-01-31T18:00:00", "zone"),
            ("99999999999999999999d", "never"),
            ("9999999999d", "never"),
        ] {
            let fault = Expiry::parse(raw, now).unwrap_err().to_string();
            assert!(fault.contains(told), "{raw}: {fault}");
        }
    }
}
