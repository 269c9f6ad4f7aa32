//! A decision, as those who write it down want it.

use std::time::Duration;

use crate::endpoint::{Answer, Route};
use crate::gate::Answered;
use crate::request::network::Network;
use crate::request::{Defect, Description};

/// How much of what a client sent is written down, in bytes.
const MOST: usize = 256;

/// A decision and what it was about.
pub(crate) struct Decided<'a> {
    /// How it was asked for.
    pub(crate) route: Route<'a>,
    /// The answer, and how it came about.
    pub(crate) answered: &'a Answered<'a>,
    /// The request as the proxy described it.
    pub(crate) description: Description<'a>,
    /// Whose word on the client's address counts.
    pub(crate) trusted: &'a [Network],
    /// How long the answer took.
    pub(crate) took: Duration,
}

impl Decided<'_> {
    pub(crate) fn is_allowed(&self) -> bool {
        matches!(self.answered.answer, Answer::Allow { .. })
    }

    /// The number of the rule that decided, or "none".
    pub(super) fn rule(&self) -> String {
        let rule = self.answered.rule.map(|rule| rule.to_string());
        rule.unwrap_or_else(|| "none".to_owned())
    }

    /// The realm's name, or "-".
    pub(super) fn realm(&self) -> &str {
        self.answered.realm.unwrap_or("-")
    }

    /// The refused key's id, or "-".
    pub(super) fn key(&self) -> String {
        let key = self.answered.answer.refused_key();
        key.map_or_else(|| "-".to_owned(), |id| id.to_string())
    }

    /// The client's address, or "-" where nobody who counts has told it.
    pub(super) fn client(&self) -> String {
        let client = self.description.client(self.trusted);
        client.map_or_else(|_| "-".to_owned(), |address| address.to_string())
    }

    /// The original host, escaped and cut short.
    pub(super) fn host(&self) -> String {
        shown(self.description.host())
    }

    /// The original method, escaped and cut short.
    pub(super) fn method(&self) -> String {
        shown(self.description.method())
    }

    /// The original path without its query, escaped and cut short.
    pub(super) fn path(&self) -> String {
        shown(self.description.uri())
    }
}

/// SECURITY: nothing that ends a line or a quotation is left, and no query, which may hold a key.
fn shown(value: Result<&[u8], Defect>) -> String {
    match value {
        Ok(value) => {
            let bare = value.split(|b| *b == b'?').next().unwrap_or_default();
            bare.get(..MOST).unwrap_or(bare).escape_ascii().to_string()
        }
        Err(_) => "-".to_owned(),
    }
}
