//! Which rules can be for a request, found without trying them all.
//!
//! Rules are sorted beforehand by the hosts they name, and for each host by the first segment of
//! the paths they name. So a question costs the same with ten rules as with ten thousand, unless
//! they share both: then they are tried in turn.

use std::collections::BTreeSet;

use hashbrown::HashMap;

use super::Rule;
use crate::request::host::{Host, HostPattern};

/// Rules by their places in the list, in order.
type Places = Box<[usize]>;

/// All rules, sorted. Clients can't insert anything, so nobody can make keys collide, and a
/// quick hasher will do.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    /// For a host that some rule names.
    exact: HashMap<String, ByPath>,
    /// For hosts below one that some rule names; the key starts with a dot.
    below: HashMap<String, ByPath>,
    /// For all other hosts.
    other: ByPath,
}

/// The rules for one host.
#[derive(Clone, Debug, Default)]
pub(super) struct ByPath {
    /// For a first segment that some rule names.
    exact: HashMap<Vec<u8>, Places>,
    /// For all other paths.
    other: Places,
}

impl Index {
    /// Sorts these rules.
    pub(super) fn new(rules: &[Rule]) -> Self {
        let named: BTreeSet<&HostPattern> = rules.iter().flat_map(|rule| &rule.hosts).collect();
        let mut index = Self::default();
        for pattern in named {
            let covers = |rule: &Rule| {
                rule.hosts.is_empty() || rule.hosts.iter().any(|host| host.covers(pattern))
            };
            let rules = ByPath::new(rules, covers);
            match pattern {
                HostPattern::Exact(name) => index.exact.insert(name.clone(), rules),
                HostPattern::Below(suffix) => index.below.insert(suffix.clone(), rules),
            };
        }
        index.other = ByPath::new(rules, |rule| rule.hosts.is_empty());
        index
    }

    /// The rules for a host: exactly those that name it, or all below some other, or no host.
    pub(super) fn of(&self, host: &Host<'_>) -> &ByPath {
        let name = host.as_str();
        if let Some(rules) = self.exact.get(name) {
            return rules;
        }
        // What is below `.a.example` is below `.example` too, so the longest one has all.
        let mut suffixes = name.match_indices('.').map(|(dot, _)| name.get(dot..));
        let below = if self.below.is_empty() {
            None
        } else {
            suffixes.find_map(|suffix| self.below.get(suffix?))
        };
        below.unwrap_or(&self.other)
    }
}

impl ByPath {
    fn new(rules: &[Rule], covers: impl Fn(&Rule) -> bool) -> Self {
        let rules: Vec<(usize, &Rule)> = rules
            .iter()
            .enumerate()
            .filter(|(_, rule)| covers(rule))
            .collect();
        let places = |fits: &dyn Fn(&Rule) -> bool| -> Places {
            let fitting = rules.iter().filter(|(_, rule)| fits(rule));
            fitting.map(|(place, _)| *place).collect()
        };
        // A rule without paths, or with a wildcard in front, is for every first segment.
        let anywhere = |rule: &Rule| {
            rule.paths.is_empty() || rule.paths.iter().any(|path| path.first_segment().is_none())
        };
        let named = rules.iter().flat_map(|(_, rule)| &rule.paths);
        let named: BTreeSet<&[u8]> = named.filter_map(|path| path.first_segment()).collect();
        let exact = named.into_iter().map(|segment| {
            let here = |rule: &Rule| {
                let mut paths = rule.paths.iter();
                anywhere(rule) || paths.any(|path| path.first_segment() == Some(segment))
            };
            (segment.to_vec(), places(&here))
        });
        Self {
            exact: exact.collect(),
            other: places(&anywhere),
        }
    }

    /// The rules that can cover this reading of a path.
    pub(super) fn of(&self, reading: &[u8]) -> &[usize] {
        let inner = reading.strip_prefix(b"/").unwrap_or_default();
        let segment = inner.split(|byte| *byte == b'/').next();
        let exact = segment.and_then(|segment| self.exact.get(segment));
        exact.unwrap_or(&self.other)
    }
}
