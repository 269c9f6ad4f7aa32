//! Which requests fall under which policy: the first rule that covers host, path and method.

use super::index::Index;
use crate::request::Target;
use crate::request::host::{Host, HostPattern};
use crate::request::method::Method;
use crate::request::path::PathPattern;

/// Where a rule, or an endpoint's own path, points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyRef {
    /// Everybody passes, nobody is asked who they are.
    Open,
    /// Nobody passes.
    Closed,
    /// The policy at this place in the list of policies.
    Named(usize),
}

/// One rule. Where a list is empty, anything will do.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The hosts it is for.
    pub hosts: Vec<HostPattern>,
    /// The paths it is for.
    pub paths: Vec<PathPattern>,
    /// The methods it is for.
    pub methods: Vec<Method>,
    /// What applies to them.
    pub policy: PolicyRef,
}

/// Why a rule doesn't cover a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Miss {
    /// It is for other hosts.
    #[error("another host")]
    Host,
    /// It is for other methods.
    #[error("another method")]
    Method,
    /// It is for other paths.
    #[error("another path")]
    Path,
}

impl Rule {
    /// Why it doesn't cover a request to one of its hosts; nothing if it does.
    fn miss(&self, method: &str, reading: &[u8]) -> Option<Miss> {
        if !(self.methods.is_empty() || self.methods.iter().any(|m| m.as_str() == method)) {
            return Some(Miss::Method);
        }
        let paths = self.paths.is_empty() || self.paths.iter().any(|p| p.matches(reading));
        (!paths).then_some(Miss::Path)
    }
}

/// What the rules say of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// The rule that matched, counted from 1; none if none did.
    pub rule: Option<usize>,
    /// The policy that applies; closed if no rule matched.
    pub policy: PolicyRef,
}

/// All rules, in order.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    rules: Vec<Rule>,
    index: Index,
}

impl Rules {
    /// Takes the rules in the order in which they are tried.
    #[must_use]
    pub fn new(rules: Vec<Rule>) -> Self {
        let index = Index::new(&rules);
        Self { rules, index }
    }

    /// The ruling on a target; nothing if the readings of its path fall under different policies,
    /// or if it has none. No rule sees the query.
    #[must_use]
    pub fn ruling(&self, target: &Target<'_>) -> Option<Ruling> {
        let path = target.path.as_ref().ok()?;
        let candidates = self.index.of(&target.host);
        let verdict = path.verdict(
            |reading| self.first(candidates.of(reading), target.method, reading),
            |a, b| a.policy == b.policy,
        );
        verdict.ok().flatten()
    }

    /// The ruling on each reading of a path, for whoever wants to know why. Readings are as
    /// [`Uri::readings`](crate::request::path::Uri::readings) shows them.
    #[must_use]
    pub fn rulings(&self, target: &Target<'_>) -> Vec<(String, Ruling)> {
        let candidates = self.index.of(&target.host);
        let ruling = |reading: &[u8]| self.first(candidates.of(reading), target.method, reading);
        let readings = target.path.as_ref().map(|path| path.each_reading(ruling));
        readings.ok().and_then(Result::ok).unwrap_or_default()
    }

    /// Why each rule does not cover a reading of a path, or that it does; in order.
    pub fn misses<'a>(
        &'a self,
        host: &'a Host<'_>,
        method: &'a str,
        reading: &'a [u8],
    ) -> impl Iterator<Item = Option<Miss>> + 'a {
        self.rules.iter().map(move |rule| {
            let hosts = &rule.hosts;
            if hosts.is_empty() || hosts.iter().any(|pattern| pattern.matches(host)) {
                rule.miss(method, reading)
            } else {
                Some(Miss::Host)
            }
        })
    }

    /// The ruling on one reading of a path, by the rules at these places, which are for its host.
    fn first(&self, places: &[usize], method: &str, reading: &[u8]) -> Ruling {
        let mut candidates = places.iter().map(|place| (place, &self.rules[*place]));
        let found = candidates.find(|(_, rule)| rule.miss(method, reading).is_none());
        Ruling {
            rule: found.map(|(place, _)| place + 1),
            policy: found.map_or(PolicyRef::Closed, |(_, rule)| rule.policy),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::request::path::Uri;

    fn rule(hosts: &[&str], paths: &[&str], methods: &[&str], policy: PolicyRef) -> Rule {
        Rule {
            hosts: hosts
                .iter()
                .map(|h| HostPattern::parse(h).unwrap())
                .collect(),
            paths: paths
                .iter()
                .map(|p| PathPattern::parse(p).unwrap())
                .collect(),
            methods: methods
                .iter()
                .map(|m| Method::parse(m.as_bytes()).unwrap())
                .collect(),
            policy,
        }
    }

    #[test]
    fn the_first_rule_that_covers_a_request_counts() {
        const READ: PolicyRef = PolicyRef::Named(0);
        const WRITE: PolicyRef = PolicyRef::Named(1);
        const STAFF: PolicyRef = PolicyRef::Named(2);
        let rules = Rules::new(vec![
            rule(&["app.example"], &["/public/**"], &[], PolicyRef::Open),
            rule(&["app.example"], &["/api/**"], &["GET", "HEAD"], READ),
            rule(&["app.example"], &["/api/**"], &["POST"], WRITE),
            rule(&["app.example"], &["/api/**"], &[], PolicyRef::Closed),
            rule(&["*.example"], &[], &[], STAFF),
        ]);
        for (host, method, uri, expected) in [
            (
                "app.example",
                "GET",
                "/public/x",
                Some((Some(1), PolicyRef::Open)),
            ),
            ("app.example", "GET", "/api/x", Some((Some(2), READ))),
            ("app.example", "HEAD", "/api/x", Some((Some(2), READ))),
            ("app.example", "POST", "/api/x", Some((Some(3), WRITE))),
            (
                "app.example",
                "get",
                "/api/x",
                Some((Some(4), PolicyRef::Closed)),
            ),
            (
                "app.example",
                "OPTIONS",
                "/api/x",
                Some((Some(4), PolicyRef::Closed)),
            ),
            ("app.example", "GET", "/x", Some((Some(5), STAFF))),
            ("www.example", "GET", "/public/x", Some((Some(5), STAFF))),
            (
                "other.test",
                "GET",
                "/public/x",
                Some((None, PolicyRef::Closed)),
            ),
            // Two rules, one policy: still one verdict.
            ("app.example", "GET", "/x/%2e%2e/y", Some((Some(5), STAFF))),
            ("app.example", "GET", "/public/%2e%2e/x", None),
            ("app.example", "GET", "/public/x#y", None),
        ] {
            let target = Target {
                method,
                host: Host::parse(host.as_bytes()).unwrap(),
                path: Uri::parse(uri.as_bytes()),
            };
            let expected = expected.map(|(rule, policy)| Ruling { rule, policy });
            assert_eq!(rules.ruling(&target), expected, "{method} {host} {uri}");
        }
    }

    const HOSTS: [&str; 6] = ["a.x", "b.x", "*.x", "c.b.x", "*.b.x", "y"];
    const PATHS: [&str; 8] = ["/", "/**", "/a", "/a/**", "/a*", "/*/b", "/a/b", "/**/b"];

    fn some(from: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
        proptest::sample::subsequence(from, 0..3)
    }

    proptest! {
        /// By the sorted rules as by trying one after the other.
        #[test]
        fn no_rule_is_passed_over_and_none_is_tried_in_vain(
            parts in proptest::collection::vec((some(&HOSTS), some(&PATHS)), 0..12),
        ) {
            let made = parts.iter().enumerate().map(|(number, (hosts, paths))| {
                rule(hosts, paths, &[], PolicyRef::Named(number))
            });
            let made: Vec<Rule> = made.collect();
            let rules = Rules::new(made.clone());
            for host in ["a.x", "b.x", "c.b.x", "d.b.x", "d.x", "x", "y", "z.y"] {
                let host = Host::parse(host.as_bytes()).unwrap();
                for path in ["/", "/a", "/a/", "/a/b", "/ab", "/b", "/c/b"] {
                    let covers = |rule: &Rule| {
                        (rule.hosts.is_empty() || rule.hosts.iter().any(|h| h.matches(&host)))
                            && (rule.paths.is_empty()
                                || rule.paths.iter().any(|p| p.matches(path.as_bytes())))
                    };
                    let first = made.iter().position(covers);
                    let target = Target {
                        method: "GET",
                        host: host.clone(),
                        path: Uri::parse(path.as_bytes()),
                    };
                    let ruling = rules.ruling(&target).unwrap();
                    prop_assert_eq!(ruling.rule, first.map(|place| place + 1));
                }
            }
        }
    }
}
