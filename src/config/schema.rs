//! Every key there is, and what kind of value it takes.

use super::problem::suggestion;

/// What kind of value a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A string.
    Text,
    /// A list of strings.
    Texts,
    /// `true` or `false`.
    Flag,
    /// A whole number that is not negative.
    Number,
}

impl Kind {
    /// In words, with an example.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Text => "a string in quotes",
            Self::Texts => "a list of strings, such as [\"a\", \"b\"]",
            Self::Flag => "true or false",
            Self::Number => "a whole number",
        }
    }
}

/// All keys: `*` stands for a name that the administrator chooses, `[]` for a place in a list.
pub const KEYS: &[(&str, Kind)] = &[
    ("server.listen", Kind::Texts),
    ("server.socket_mode", Kind::Text),
    ("server.socket_group", Kind::Text),
    ("server.trusted_proxies", Kind::Texts),
    ("server.workers", Kind::Number),
    ("admin.listen", Kind::Text),
    ("realms.*.title", Kind::Text),
    ("realms.*.htpasswd", Kind::Text),
    ("realms.*.groups", Kind::Text),
    ("realms.*.api_keys", Kind::Flag),
    ("realms.*.offer", Kind::Texts),
    ("realms.*.allow_weak", Kind::Texts),
    ("realms.*.query_param", Kind::Text),
    ("policies.*.realm", Kind::Text),
    ("policies.*.require", Kind::Texts),
    ("policies.*.require_all", Kind::Texts),
    ("policies.*.offer", Kind::Texts),
    ("policies.*.allow_from", Kind::Texts),
    ("rules.[].hosts", Kind::Texts),
    ("rules.[].paths", Kind::Texts),
    ("rules.[].methods", Kind::Texts),
    ("rules.[].policy", Kind::Text),
    ("api_keys.store", Kind::Text),
    ("api_keys.prefix", Kind::Text),
    ("api_keys.pepper_file", Kind::Text),
    ("identity_headers.user", Kind::Text),
    ("identity_headers.groups", Kind::Text),
    ("identity_headers.scopes", Kind::Text),
    ("identity_headers.method", Kind::Text),
    ("identity_headers.realm", Kind::Text),
    ("identity_headers.key", Kind::Text),
    ("cache.ttl", Kind::Text),
    ("cache.capacity", Kind::Number),
    ("cache.offline_ttl", Kind::Text),
    ("throttle.failures", Kind::Number),
    ("throttle.window", Kind::Text),
    ("log.format", Kind::Text),
    ("log.level", Kind::Text),
    ("audit.file", Kind::Text),
    ("traces.otlp", Kind::Text),
];

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A value of this kind.
    Key(Kind),
    /// A table of further keys.
    Table,
    /// A list of tables.
    List,
}

/// Whether the end of a path is a name that the administrator chooses.
#[must_use]
pub fn is_named(path: &[String]) -> bool {
    matches!(path, [section, _] if section == "realms" || section == "policies")
}

/// What belongs at a path, if anything does.
#[must_use]
pub fn at(path: &[String]) -> Option<Place> {
    KEYS.iter().find_map(|(pattern, kind)| {
        let mut pattern = pattern.split('.');
        for part in path {
            let expected = pattern.next()?;
            let named = expected == "*" || expected == part;
            let counted = expected == "[]" && part.starts_with('[');
            if !(named || counted) {
                return None;
            }
        }
        Some(match pattern.next() {
            None => Place::Key(*kind),
            Some("[]") => Place::List,
            Some(_) => Place::Table,
        })
    })
}

/// A hint at the name that was meant at the end of a path.
#[must_use]
pub fn hint(path: &[String]) -> String {
    let Some((wrong, parent)) = path.split_last() else {
        return String::new();
    };
    let siblings: Vec<&str> = KEYS
        .iter()
        .filter_map(|(pattern, _)| {
            let mut pattern = pattern.split('.');
            let fits = parent.iter().all(|part| {
                pattern.next().is_some_and(|expected| {
                    expected == "*"
                        || expected == part
                        || (expected == "[]" && part.starts_with('['))
                })
            });
            pattern.next().filter(|_| fits)
        })
        .collect();
    let near = suggestion(wrong, siblings.iter().copied());
    if !near.is_empty() {
        return near;
    }
    // The right key in the wrong section, perhaps.
    let elsewhere = KEYS
        .iter()
        .find(|(pattern, _)| pattern.rsplit('.').next() == Some(wrong.as_str()));
    match elsewhere.and_then(|(pattern, _)| pattern.rsplit_once('.')) {
        Some((section, _)) => format!(
            "; it belongs in [{}]",
            section.replace(".[]", "").replace('*', "NAME")
        ),
        None => String::new(),
    }
}
