//! Paths: whatever a reader makes of one is among its readings, and there is an end of them.

use htgate::request::path::Uri;

use super::decision::readers::{DATA_SLASH, KNOWN, read};

/// No path has more readings than this, however odd.
const MOST: usize = 1024;

pub fn path(data: &[u8]) {
    let Ok(uri) = Uri::parse(data) else { return };
    let path = data.split(|b| *b == b'?').next().unwrap_or_default();
    let again = [path, b"?a=/../%zz"].concat();
    let readings = uri.readings();
    assert_eq!(
        Uri::parse(&again).and_then(|uri| uri.readings()),
        readings,
        "no query is read"
    );
    let mut count = 0;
    let _ = uri.verdict(|_| count += 1, |(), ()| true);
    assert!(count <= MOST, "{count} readings");
    let Ok(readings) = readings else { return };
    for reading in &readings {
        assert!(
            reading.starts_with('/') && !reading.contains(|c: char| c.is_ascii_control()),
            "{reading}"
        );
    }
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"/-_~:@!$&'()*+,=".contains(b);
    if path.iter().all(plain) && !path.windows(2).any(|two| two == b"//") {
        assert_eq!(
            readings,
            [String::from_utf8_lossy(path)],
            "a plain path has one reading"
        );
    }
    for (reader, steps) in KNOWN {
        let Some(reading) = read(path, steps) else {
            continue;
        };
        let shown = String::from_utf8_lossy(&reading).replace(char::from(DATA_SLASH), "%2F");
        assert!(
            readings.contains(&shown),
            "{reader} reads {shown}, not one of {readings:#?}"
        );
    }
}
