//! What is told of a key, as JSON and in lines.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::identity::{ApiKeyRecord, KeyState, Label, Scope};

/// A time in UTC to the second.
pub(super) fn time(at: Option<Timestamp>) -> String {
    match at {
        Some(at) => at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        None => "-".to_owned(),
    }
}

pub(super) fn state(record: &ApiKeyRecord, now: Timestamp) -> &'static str {
    match record.state {
        KeyState::Revoked { .. } => "revoked",
        KeyState::Active if record.expires.is_some_and(|end| now >= end) => "expired",
        KeyState::Active => "active",
    }
}

pub(super) fn described(record: &ApiKeyRecord, now: Timestamp) -> Value {
    let when = |at: Option<Timestamp>| at.map(|at| time(Some(at)));
    json!({
        "id": record.id.as_str(),
        "name": record.name.as_str(),
        "realm": record.realm,
        "owner": record.owner.as_ref().map(Label::as_str),
        "scopes": record.scopes.iter().map(Scope::as_str).collect::<Vec<_>>(),
        "networks": record.networks.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "state": state(record, now),
        "created": when(Some(record.created)),
        "expires": when(record.expires),
        "revoked": when(record.state.revoked()),
        "last_used": when(record.last_used),
    })
}

pub(super) fn shown(record: &ApiKeyRecord, now: Timestamp) -> String {
    const LINES: [&str; 11] = [
        "id",
        "name",
        "realm",
        "owner",
        "scopes",
        "networks",
        "state",
        "created",
        "expires",
        "revoked",
        "last_used",
    ];
    let fields = described(record, now);
    let word = |name: &str| match &fields[name] {
        Value::String(text) => text.clone(),
        Value::Array(items) if !items.is_empty() => {
            let words: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            words.join(" ")
        }
        _ if matches!(name, "expires" | "last_used") => "never".to_owned(),
        _ => "-".to_owned(),
    };
    let mut text = String::new();
    for name in LINES {
        let line = format!("{name:<10} {}\n", word(name));
        text.push_str(&line);
    }
    text
}
