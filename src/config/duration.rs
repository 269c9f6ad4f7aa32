//! Spans of time as an administrator writes them: `5m`.

use std::time::Duration;

/// Takes a whole number and a unit: `ms`, `s`, `m`, `h` or `d`.
///
/// # Errors
/// A sentence that says what would be right.
pub(super) fn parse(raw: &str) -> Result<Duration, String> {
    let wrong = || {
        format!(
            "{raw:?} is no span of time; write a number and a unit, such as \"90s\", \"5m\" or \"1h\""
        )
    };
    let digits = raw.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = raw.split_at(digits);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(wrong()),
    };
    number
        .checked_mul(millis)
        .map(Duration::from_millis)
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_a_number_and_a_unit() {
        for (raw, seconds) in [
            ("90s", 90),
            ("5m", 300),
            ("1h", 3600),
            ("2d", 172_800),
            ("0s", 0),
        ] {
            assert_eq!(parse(raw), Ok(Duration::from_secs(seconds)), "{raw}");
        }
        for raw in [
            "",
            "5",
            "m",
            "5 m",
            "-5m",
            "1.5h",
            "5M",
            "99999999999999999d",
        ] {
            assert!(parse(raw).is_err(), "{raw}");
        }
    }
}
