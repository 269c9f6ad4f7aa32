//! A configuration and a request, decided by htgate and by an oracle.
//!
//! [`plan`] chooses both, [`world`] makes them real and asks htgate, [`oracle`] says by the
//! words of the README what must come out, with [`readers`] for paths that servers read in
//! different ways.

mod oracle;
mod plan;
pub mod readers;
mod world;

use super::Input;
use oracle::Told;
use plan::{Configuration, Request};

/// What comparing the answers has shown.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Rightly a yes.
    Allowed,
    /// Rightly a no.
    Refused,
    /// A no that may be: the path has several readings.
    Ambiguous,
    /// A yes that must not be, or for somebody else: with the case in words.
    FalseAccept(String),
    /// A no, or another no, that must not be.
    FalseDeny(String),
}

/// Decides one case twice.
pub fn judge(data: &[u8]) -> Verdict {
    let mut input = Input::new(data);
    let mut configuration = Configuration::choose(&mut input);
    configuration
        .rules
        .retain(|rule| rule.paths.iter().all(|path| world::is_pattern(path)));
    let request = Request::choose(&mut input);
    let told = world::answer(&world::world(&configuration), &request);
    let expected = oracle::expected(&configuration, &request);
    match (expected.contains(&told), told.is_yes()) {
        (true, true) => return Verdict::Allowed,
        (true, false) if told == Told::Ambiguous => return Verdict::Ambiguous,
        (true, false) => return Verdict::Refused,
        (false, _) => {}
    }
    let uri = request.uri.escape_ascii();
    let case = format!(
        "{uri}: told {told:?}, expected one of {expected:?}\n{request:?}\n{configuration:?}"
    );
    if told.is_yes() {
        Verdict::FalseAccept(case)
    } else {
        Verdict::FalseDeny(case)
    }
}

/// Panics where the answers differ.
pub fn decision(data: &[u8]) {
    match judge(data) {
        Verdict::Allowed | Verdict::Refused | Verdict::Ambiguous => {}
        Verdict::FalseAccept(case) => panic!("false accept: {case}"),
        Verdict::FalseDeny(case) => panic!("false deny: {case}"),
    }
}
