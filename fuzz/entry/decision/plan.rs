//! A configuration and a request, chosen by the fuzzer from words that are apt to meet.

use super::super::Input;
use super::readers::{STEPS, Step};

pub const PASSWORDS: [&str; 5] = ["secret", "hunter2", "pass:word", "two", ""];

/// Who is in the htpasswd file, with the password that fits, and in the group file.
pub const USERS: [(&str, Option<&str>, &[&str]); 7] = [
    ("alice", Some("secret"), &["admins", "staff"]),
    ("bob", Some("hunter2"), &["ops"]),
    ("carol", None, &["staff"]),
    ("dave", Some("secret"), &["staff"]), // and once more below, with another password
    ("erin", Some("pass:word"), &["staff"]),
    ("\u{e9}lan", Some("secret"), &[]),
    ("apikey", Some("secret"), &["ops"]),
];
/// Further names: nobody's, or no names at all.
pub const STRANGERS: [&str; 4] = ["mallory", "Alice", "alice ", ""];

pub const GROUP_FILE: &str =
    "staff: alice carol dave\nops: bob apikey\nadmins: alice\nstaff: erin\n";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Active,
    Revoked,
    Expired,
}

#[derive(Debug)]
pub struct Key {
    pub name: &'static str,
    pub realm: &'static str,
    pub owner: Option<&'static str>,
    pub scopes: &'static [&'static str],
    pub networks: &'static [&'static str],
    pub state: State,
}

const fn key(name: &'static str, realm: &'static str, owner: Option<&'static str>) -> Key {
    Key {
        name,
        realm,
        owner,
        scopes: &[],
        networks: &[],
        state: State::Active,
    }
}

pub const KEYS: [Key; 7] = [
    Key {
        scopes: &["api:read"],
        ..key("reader", "both", None)
    },
    Key {
        scopes: &["api:read", "api:write"],
        ..key("writer", "both", Some("alice"))
    },
    Key {
        networks: &["192.0.2.0/24"],
        ..key("near", "both", Some("bob"))
    },
    Key {
        state: State::Revoked,
        ..key("revoked", "both", Some("alice"))
    },
    Key {
        state: State::Expired,
        ..key("ended", "both", None)
    },
    Key {
        scopes: &["api:read"],
        ..key("elsewhere", "keys", Some("erin"))
    },
    Key {
        state: State::Revoked,
        networks: &["10.0.0.0/8"],
        ..key("gone", "keys", None)
    },
];

#[derive(Debug)]
pub struct Realm {
    pub name: &'static str,
    pub users: bool,
    pub keys: bool,
    pub query_param: Option<&'static str>,
}

pub const REALMS: [Realm; 3] = [
    Realm {
        name: "users",
        users: true,
        keys: false,
        query_param: None,
    },
    Realm {
        name: "keys",
        users: false,
        keys: true,
        query_param: Some("api_key"),
    },
    Realm {
        name: "both",
        users: true,
        keys: true,
        query_param: None,
    },
];

/// One word of a requirement, in Apache's form.
pub type Word = &'static str;

const WORDS: [Word; 16] = [
    "valid-user",
    "user alice",
    "user bob erin",
    "user carol mallory",
    "group staff",
    "group ops admins",
    "group nobody",
    "scope api:read",
    "scope api:write admin",
    "key reader",
    "key writer ended elsewhere",
    "ip 10.0.0.0/8",
    "ip 192.0.2.7",
    "ip 2001:db8::/32 192.0.2.0/25",
    "ip 0.0.0.0/0",
    "ip ::/0",
];
const NETWORKS: [&str; 5] = [
    "10.0.0.0/8",
    "192.0.2.7",
    "2001:db8::/32",
    "127.0.0.0/8",
    "0.0.0.0/0",
];
pub const POLICY_NAMES: [&str; 4] = ["staff", "write", "office", "p-4_x"];
const HOST_PATTERNS: [&str; 6] = [
    "app.example",
    "*.example",
    "*.a.example",
    "EXAMPLE",
    "b.a.example",
    "192.0.2.1",
];
const PATTERN_SEGMENTS: [&str; 16] = [
    "public", "admin", "a", "b", "*", "**", "a*", "*.css", "", "x y", "\u{e9}", "a*b*c", "**", "*",
    "a.b", "public*",
];
pub const METHODS: [&str; 7] = [
    "GET", "HEAD", "POST", "get", "PROPFIND", "OPTIONS", "M-SEARCH",
];

#[derive(Debug)]
pub struct Policy {
    pub name: &'static str,
    pub realm: usize,
    pub require: Vec<Word>,
    pub require_all: Vec<Word>,
    pub allow_from: Vec<&'static str>,
}

#[derive(Debug)]
pub struct Rule {
    pub hosts: Vec<&'static str>,
    pub paths: Vec<String>,
    pub methods: Vec<&'static str>,
    pub policy: &'static str,
}

#[derive(Debug)]
pub struct Configuration {
    pub trusted: Vec<&'static str>,
    pub policies: Vec<Policy>,
    pub rules: Vec<Rule>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    AuthRequest,
    /// The same, with `X-Original-URL`.
    AuthRequestUrl,
    ForwardAuth,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Method,
    Host,
    Uri,
    Client,
}
pub const PARTS: [Part; 4] = [Part::Method, Part::Host, Part::Uri, Part::Client];

#[derive(Debug)]
pub enum Credentials {
    Nothing,
    Password {
        user: &'static str,
        password: &'static str,
        style: Style,
    },
    Key {
        key: usize,
        way: Way,
    },
    /// A key that was never made.
    UnknownKey {
        value: &'static str,
        way: Way,
    },
    Malformed(&'static str),
    /// A right password, and something beside it.
    Several(Beside),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Usual,
    NoPadding,
    LowerCase,
    Blanks,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Bearer,
    ApiKey,
    Header,
    BasicUser,
    Query,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    TheSameAgain,
    AnotherPassword,
    KeyHeader,
}

const MALFORMED: [&str; 10] = [
    "",
    "Basic",
    "Basic !!",
    "Basic bm9jb2xvbg==",
    "Digest username=alice",
    "YWxpY2U6c2VjcmV0",
    "Basic YWxpY2U6c2VjcmV0, Basic YWxpY2U6c2VjcmV0",
    "Bearer",
    "Bearer a b",
    "Basic YWxpY2U6c2VjcmV0Cg==",
];
const UNKNOWN_KEYS: [&str; 3] = [
    "htg_0123456789ab_ABCDEFGHIJKLMNOPQRSTUVWXYZ0123450Mxh1L",
    "htg_0123456789ab_ABCDEFGHIJKLMNOPQRSTUVWXYZ0123450Mxh1M",
    "a-key-made-somewhere-else-4711",
];

#[derive(Debug)]
pub struct Request {
    pub dialect: Dialect,
    /// The policy that the endpoint's path names.
    pub named: Option<&'static str>,
    pub method: &'static str,
    pub host: Host,
    pub uri: Vec<u8>,
    pub client: &'static str,
    pub lost: Option<Part>,
    pub doubled: Option<Part>,
    pub credentials: Credentials,
    /// A reader nobody has heard of.
    pub odd_reader: Vec<Step>,
}

/// A host as sent.
#[derive(Debug)]
pub enum Host {
    Valid {
        name: &'static str,
        shout: bool,
        end: &'static str,
    },
    Invalid(&'static str),
}

const HOSTS: [&str; 7] = [
    "app.example",
    "a.example",
    "b.a.example",
    "example",
    "other.test",
    "192.0.2.1",
    "xapp.example",
];
const HOST_ENDS: [&str; 4] = ["", ".", ":8443", ".:80"];
const INVALID_HOSTS: [&str; 7] = [
    "alice@app.example",
    "app.example, other.test",
    "app example",
    "app.example:x",
    "app..example",
    "app.example:65536",
    ":80",
];
const CLIENTS: [&str; 12] = [
    "192.0.2.7",
    "10.1.2.3",
    "::ffff:10.0.0.1",
    "2001:db8::5",
    "[2001:db8::5]:4711",
    "192.0.2.99:80",
    "203.0.113.9, 127.0.0.1",
    "10.0.0.9, 192.0.2.7, 127.0.0.3,127.0.0.1",
    "junk, 192.0.2.7",
    "192.0.2.7, junk",
    "127.0.0.2, 127.0.0.1",
    "unknown",
];
const NAMED: [&str; 7] = [
    "staff", "write", "office", "p-4_x", "open", "closed", "Staff",
];

const PLAIN: [&str; 14] = [
    "public",
    "admin",
    "a",
    "b",
    "a.b",
    "x.css",
    "x%20y",
    "%C3%A9",
    "%70ublic",
    "aXbYc",
    "A",
    "publicly",
    "0",
    ".well-known",
];
const ODD: [&str; 48] = [
    "/", "public", "/", "admin", "/", "a", "/", "b", "/", "..", ".", "%2e", "%2e%2e", ".%2e",
    "%2f", "%2F", "%5c", "\\", ";", ";x=1", "..;", "%252e", "%252f", "%25", "%255c", " ", "%20",
    "//", "/../", "/./", "%3b", "%253b", "%3f", "%23", "?", "#", "%", "%zz", "%00", "%c0%af",
    "%ff", "\u{e9}", "%25252e", "~", "*", "%2a", "%01", "...",
];

impl Configuration {
    pub fn choose(input: &mut Input) -> Self {
        let policies = POLICY_NAMES.iter().take(1 + input.below(4));
        let policies: Vec<Policy> = policies.map(|name| Policy::choose(name, input)).collect();
        let mut trusted = vec!["127.0.0.0/8"];
        trusted.extend(input.once_in(4).then_some("10.0.0.0/8"));
        let rules = input.some(6, |input| Rule::choose(input, &policies));
        Self {
            trusted,
            policies,
            rules,
        }
    }
}

impl Policy {
    fn choose(name: &'static str, input: &mut Input) -> Self {
        let words = |input: &mut Input| input.some(2, |input| input.pick(&WORDS));
        Self {
            name,
            realm: input.below(REALMS.len()),
            require: words(input),
            require_all: words(input),
            allow_from: if input.once_in(4) {
                input.some(2, |input| input.pick(&NETWORKS))
            } else {
                Vec::new()
            },
        }
    }
}

impl Rule {
    fn choose(input: &mut Input, policies: &[Policy]) -> Self {
        let pattern = |input: &mut Input| {
            let segments = input.some(3, |input| input.pick(&PATTERN_SEGMENTS));
            format!("/{}", segments.join("/"))
        };
        Self {
            hosts: input.some(2, |input| input.pick(&HOST_PATTERNS)),
            paths: input.some(2, pattern),
            methods: input.some(1, |input| input.pick(&METHODS)),
            policy: match input.below(policies.len() + 2) {
                0 => "open",
                1 => "closed",
                other => policies[other - 2].name,
            },
        }
    }
}

impl Request {
    pub fn choose(input: &mut Input) -> Self {
        let mut request = Self::any(input);
        if request.dialect == Dialect::AuthRequestUrl {
            // Host and URI are in one header, and a slash divides them.
            for part in [&mut request.lost, &mut request.doubled] {
                *part = part.map(|part| if part == Part::Host { Part::Uri } else { part });
            }
            if request.uri.first() != Some(&b'/') {
                request.uri.insert(0, b'/');
            }
        }
        request.doubled = request.doubled.filter(|part| request.lost != Some(*part));
        request
    }

    fn any(input: &mut Input) -> Self {
        Self {
            dialect: input.pick(&[
                Dialect::AuthRequest,
                Dialect::ForwardAuth,
                Dialect::AuthRequestUrl,
            ]),
            named: input.once_in(4).then(|| input.pick(&NAMED)),
            method: input.pick(&METHODS),
            host: Host::choose(input),
            client: input.pick(&CLIENTS),
            lost: input.once_in(16).then(|| input.pick(&PARTS)),
            doubled: input.once_in(16).then(|| input.pick(&PARTS)),
            credentials: Credentials::choose(input),
            odd_reader: input.some(7, |input| input.pick(&STEPS)),
            uri: uri(input),
        }
    }
}

impl Host {
    pub fn text(&self) -> String {
        match self {
            Self::Valid {
                name,
                shout: true,
                end,
            } => format!("{}{end}", name.to_uppercase()),
            Self::Valid { name, end, .. } => format!("{name}{end}"),
            Self::Invalid(text) => (*text).to_owned(),
        }
    }

    fn choose(input: &mut Input) -> Self {
        if input.once_in(16) {
            return Self::Invalid(input.pick(&INVALID_HOSTS));
        }
        Self::Valid {
            name: input.pick(&HOSTS),
            shout: input.once_in(4),
            end: HOST_ENDS[input.below(12).saturating_sub(8)],
        }
    }
}

impl Credentials {
    /// Whether this is a user and a password, as far as the header says.
    pub fn is_pair(&self) -> bool {
        match self {
            Self::Password { .. } => true,
            Self::Key { way, .. } | Self::UnknownKey { way, .. } => *way == Way::BasicUser,
            Self::Nothing | Self::Malformed(_) | Self::Several(_) => false,
        }
    }

    fn choose(input: &mut Input) -> Self {
        let way = |input: &mut Input| {
            input.pick(&[
                Way::Bearer,
                Way::ApiKey,
                Way::Header,
                Way::BasicUser,
                Way::Query,
            ])
        };
        match input.below(8) {
            0 => Self::Nothing,
            1 => Self::Password {
                user: match input.below(11) {
                    known @ ..7 => USERS[known].0,
                    stranger => STRANGERS[stranger - 7],
                },
                password: input.pick(&PASSWORDS),
                style: input.pick(&[
                    Style::Usual,
                    Style::NoPadding,
                    Style::LowerCase,
                    Style::Blanks,
                ]),
            },
            2 | 3 => {
                let (user, password, _) = USERS[input.below(USERS.len())];
                let password = password.unwrap_or("secret");
                Self::Password {
                    user,
                    password,
                    style: Style::Usual,
                }
            }
            4 | 5 => Self::Key {
                key: input.below(KEYS.len()),
                way: way(input),
            },
            6 => match input.byte() {
                byte @ ..128 => Self::Malformed(MALFORMED[usize::from(byte) % MALFORMED.len()]),
                _ => Self::UnknownKey {
                    value: input.pick(&UNKNOWN_KEYS),
                    way: way(input),
                },
            },
            _ => Self::Several(input.pick(&[
                Beside::TheSameAgain,
                Beside::AnotherPassword,
                Beside::KeyHeader,
            ])),
        }
    }
}

/// Plain, made of odd pieces, or whatever the fuzzer likes.
fn uri(input: &mut Input) -> Vec<u8> {
    let uri = match input.below(4) {
        0 | 1 => {
            let path = input.some(4, |input| input.pick(&PLAIN)).join("/");
            let end = input.pick(&["", "/", "?a=/../%zz", "?"]);
            format!("/{path}{end}").into_bytes()
        }
        2 => format!("/{}", input.some(9, |input| input.pick(&ODD)).concat()).into_bytes(),
        _ => input.rest().iter().copied().take(80).collect(),
    };
    // What a header's value can't hold or have at its ends, and what would be a credential.
    let uri = uri
        .into_iter()
        .filter(|b| !matches!(b, 0 | b'\r' | b'\n'))
        .collect::<Vec<u8>>();
    let uri = uri.trim_ascii();
    let key = uri.windows(8).any(|text| text == b"api_key=");
    if key { b"/".to_vec() } else { uri.to_vec() }
}
