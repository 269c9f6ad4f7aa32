//! Whether an answer is one that a case allows.

use regex_lite::Regex;
use serde_json::Value;

use super::{numbers, text};
use crate::harness::http::Response;

/// What came of a request.
#[derive(Debug)]
pub(super) enum Outcome {
    Answer(Response),
    /// Closed without an answer, or silent: the cases write 0.
    Nothing,
    /// Bytes that are no HTTP answer.
    Garbage(String),
}

/// Says what is wrong with an outcome, by the rules in the file's head.
pub(super) fn judge(case: &Value, outcome: &Outcome) -> Result<(), String> {
    let expect = &case["expect"];
    let expected = numbers(&expect["status_in"]);
    let answer = match outcome {
        Outcome::Nothing if expected.contains(&0) => return Ok(()),
        Outcome::Nothing => return Err("no answer".to_owned()),
        Outcome::Garbage(what) => return Err(what.clone()),
        Outcome::Answer(answer) => answer,
    };
    let served = answer.status == 200 || !answer.all("X-Upstream").is_empty();
    if expect["never"] == "200" && served {
        return Err("GRANTED, which is marked never".to_owned());
    }
    if !expected.contains(&answer.status) {
        return Err(format!("the status is none of {expected:?}"));
    }
    for (name, pattern) in patterns(&expect["must_have_headers"]) {
        if !answer.all(name).iter().any(|value| fits(pattern, value)) {
            return Err(format!("no {name} fits {pattern:?}"));
        }
    }
    for (name, pattern) in patterns(&expect["must_not_have_headers"]) {
        // "-" is how htgate says that there is nothing to say.
        let says_nothing = |value: &str| pattern == Some(".+") && value == "-";
        if answer
            .all(name)
            .iter()
            .any(|value| !says_nothing(value) && fits(pattern, value))
        {
            return Err(format!("{name} fits {pattern:?}"));
        }
    }
    Ok(())
}

/// The rows of a list of header names and patterns.
fn patterns(list: &Value) -> impl Iterator<Item = (&str, Option<&str>)> {
    list.as_array()
        .into_iter()
        .flatten()
        .map(|row| (text(&row[0]), row[1].as_str()))
}

/// Whether the pattern matches the whole value; none matches any.
fn fits(pattern: Option<&str>, value: &str) -> bool {
    pattern.is_none_or(|pattern| {
        Regex::new(&format!("^(?:{pattern})$"))
            .unwrap()
            .is_match(value)
    })
}

/// A failed case for people.
pub(super) fn describe(case: &Value, request: &Value, outcome: &Outcome, reason: &str) -> String {
    format!(
        "{} ({}, {}, {}): {reason}\n  {}\n  sent: {request}\n  came: {outcome:?}\n",
        text(&case["id"]),
        text(&case["level"]),
        text(&case["group"]),
        text(&case["via"]),
        text(&case["description"]),
    )
}
