//! What the tests stand on: the program, the proxies, PostgreSQL, an application and a raw HTTP
//! client.

#[allow(dead_code, reason = "for tests/nodes")]
pub(crate) mod authority;
pub(crate) mod http;
#[allow(dead_code, reason = "for tests/nodes and tests/siege")]
pub(crate) mod nodes;
pub(crate) mod origin;
#[allow(dead_code, reason = "for tests/nodes and tests/siege")]
pub(crate) mod postgres;
pub(crate) mod process;
pub(crate) mod program;
pub(crate) mod proxy;
pub(crate) mod relay;
pub(crate) mod shipped;
pub(crate) mod site;

use std::{
    fmt::Write as _,
    thread,
    time::{Duration, Instant},
};

/// Asks until the answer is yes, at most for `limit`; says whether it came.
pub(crate) fn eventually(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if done() {
            return true;
        }
        if start.elapsed() > limit {
            return false;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// Bytes as text, one character for each, so that nothing is lost or repaired.
pub(crate) fn from_latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// The bytes of such a text.
pub(crate) fn to_latin1(text: &str) -> Vec<u8> {
    text.chars()
        .map(|c| u8::try_from(c).expect("a character above U+00FF is no byte"))
        .collect()
}

/// What failed, one after another, so that a run shows everything that is wrong.
#[derive(Default)]
pub(crate) struct Failures(String);

impl Failures {
    pub(crate) fn add(&mut self, what: impl AsRef<str>) {
        let _ = writeln!(self.0, "{}", what.as_ref());
    }

    /// All of them, if there are any.
    pub(crate) fn result(self) -> Result<(), String> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(self.0)
        }
    }

    /// Panics with all of them, if there are any.
    pub(crate) fn report(self) {
        if let Err(all) = self.result() {
            panic!("\n{all}");
        }
    }
}
