//! Requests per second, as wrk measures them.

use std::fmt::Write as _;

use crate::{contest::Contestant, cores};

/// As many clients at the same moment, each on its own connection.
const CONNECTIONS: &str = "32";

/// Loads a contestant for so many seconds and gives the answers per second.
///
/// Any answer but the right one, and any connection that broke, ends the run: a figure that
/// counts refusals says nothing.
pub(crate) fn answers_per_second(contestant: &Contestant, seconds: u32) -> f64 {
    let mut wrk = cores::command(contestant.cores.map(|cores| cores.client), "wrk");
    wrk.args(["--threads", "1", "--connections", CONNECTIONS])
        // The slowest contestants take a second and a half for 32 at once.
        .args(["--timeout", "30s", "--duration", &format!("{seconds}s")]);
    for (name, value) in contestant.headers(&contestant.right) {
        wrk.arg("--header").arg(format!("{name}: {value}"));
    }
    wrk.arg(format!(
        "http://{}{}",
        contestant.address, contestant.target
    ));
    let output = wrk
        .output()
        .unwrap_or_else(|e| panic!("wrk: {e}; benches/compare installs it"));
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    write!(text, "{}", String::from_utf8_lossy(&output.stderr)).unwrap();
    let name = contestant.name;
    assert!(output.status.success(), "{name}: wrk failed\n{text}");
    for trouble in ["Non-2xx", "Socket errors"] {
        assert!(!text.contains(trouble), "{name}: {trouble}\n{text}");
    }
    let rate = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("Requests/sec:"))
        .and_then(|rate| rate.trim().parse().ok());
    rate.unwrap_or_else(|| panic!("{name}: no rate\n{text}"))
}
