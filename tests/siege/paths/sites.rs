//! Sets of rules, and what each means for a path that can be read in one way only.

use htgate::{
    policy::{PolicyRef, Rule, Rules},
    request::{
        Target,
        host::Host,
        path::{PathPattern, Uri},
    },
};

use PolicyRef::{Closed, Open};

pub(super) const STAFF: PolicyRef = PolicyRef::Named(0);

/// What applies to a path, in plain words.
type Meaning = fn(&[u8]) -> PolicyRef;

/// A set of rules and its meaning, which were written independently of each other.
pub(super) struct Site {
    pub(super) name: &'static str,
    pub(super) meaning: Meaning,
    rules: Rules,
}

impl Site {
    pub(super) fn new(
        name: &'static str,
        rules: &[(&[&str], PolicyRef)],
        meaning: Meaning,
    ) -> Self {
        let rule = |(paths, policy): &(&[&str], PolicyRef)| Rule {
            hosts: Vec::new(),
            paths: paths
                .iter()
                .map(|path| PathPattern::parse(path).unwrap())
                .collect(),
            methods: Vec::new(),
            policy: *policy,
        };
        let rules = Rules::new(rules.iter().map(rule).collect());
        Self {
            name,
            meaning,
            rules,
        }
    }

    /// The policy that htgate's rules name for a target; nothing where it is refused as ambiguous.
    pub(super) fn verdict(&self, target: &[u8]) -> Option<PolicyRef> {
        let target = Target {
            method: "GET",
            host: Host::parse(b"app.example").unwrap(),
            path: Uri::parse(target),
        };
        self.rules.ruling(&target).map(|ruling| ruling.policy)
    }
}

/// Sites as they are in use: open corners, closed ones, and one inside the other.
pub(super) fn all() -> Vec<Site> {
    vec![
        Site::new(
            "an open corner",
            &[(&["/public/**"], Open), (&[], STAFF)],
            |path| either(path.starts_with(b"/public/"), Open, STAFF),
        ),
        Site::new(
            "a closed corner",
            &[(&["/admin", "/admin/**"], Closed), (&[], Open)],
            |path| {
                let inside = path == b"/admin" || path.starts_with(b"/admin/");
                either(inside, Closed, Open)
            },
        ),
        Site::new(
            "a segment between",
            &[(&["/a/*/b"], Open), (&[], STAFF)],
            |path| {
                let inside = path
                    .strip_prefix(b"/a/")
                    .and_then(|p| p.strip_suffix(b"/b"));
                either(inside.is_some_and(|p| !p.contains(&b'/')), Open, STAFF)
            },
        ),
        Site::new("one page", &[(&["/health"], Open), (&[], STAFF)], |path| {
            either(path == b"/health", Open, STAFF)
        }),
        Site::new(
            "corners in corners",
            &[
                (&["/files/open/secret/**"], Closed),
                (&["/files/open/**"], Open),
                (&["/files/**"], STAFF),
            ],
            |path| match path.strip_prefix(b"/files/") {
                Some(rest) if rest.starts_with(b"open/secret/") => Closed,
                Some(rest) if rest.starts_with(b"open/") => Open,
                Some(_) => STAFF,
                None => Closed,
            },
        ),
        Site::new(
            "files of a kind",
            &[(&["/static/*.css"], Open), (&[], STAFF)],
            |path| {
                let name = path.strip_prefix(b"/static/");
                let inside = name.is_some_and(|n| n.ends_with(b".css") && !n.contains(&b'/'));
                either(inside, Open, STAFF)
            },
        ),
        Site::new(
            "a name anywhere",
            &[(&["/**/secret"], Closed), (&[], Open)],
            |path| either(path.ends_with(b"/secret"), Closed, Open),
        ),
    ]
}

fn either(inside: bool, then: PolicyRef, otherwise: PolicyRef) -> PolicyRef {
    if inside { then } else { otherwise }
}
