//! A plan made real: htgate's own world, the headers of a request, and what it answers.

use std::fs;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use htgate::authn::{KeySource, Limits, Realm, Verifier};
use htgate::decision::{Forbidden, Grant};
use htgate::endpoint::{Answer, Endpoint, IdentityHeaders, Route, Trouble};
use htgate::gate::{Policies, Policy, Question, World};
use htgate::http_auth::{self, Scheme};
use htgate::identity::{ApiKey, Label, Prefix, Scope};
use htgate::password_hash::WeakFormats;
use htgate::policy::{PolicyRef, Requirement, Rule, Rules};
use htgate::request::host::HostPattern;
use htgate::request::method::Method;
use htgate::request::network::Network;
use htgate::request::path::PathPattern;
use htgate::request::{Field, Headers};
use htgate::store::api_keys::{ImportedKey, KeyError, NewKey};
use htgate::store::{ApiKeys, Groups, Htpasswd, KeyStore, Place};
use http::HeaderName;
use jiff::Timestamp;
use sha1::{Digest, Sha1};

use super::oracle::Told;
use super::plan::{
    self, Beside, Configuration, Credentials, Dialect, GROUP_FILE, KEYS, PARTS, Part, Request,
    State, Style, USERS, Way,
};

/// What no configuration changes: it is made once.
struct Stage {
    users: Arc<Htpasswd>,
    groups: Arc<Groups>,
    keys: KeySource,
    /// In the order of the plan's keys.
    values: Vec<String>,
    verifier: Arc<Verifier>,
    runtime: tokio::runtime::Runtime,
}

static STAGE: LazyLock<Stage> = LazyLock::new(Stage::new);

impl Stage {
    fn new() -> Self {
        let (keys, values) = keys();
        let limits = Limits {
            ttl: Duration::from_secs(60),
            capacity: 1000,
            guesses: None,
        };
        Self {
            users: Arc::new(Htpasswd::parse(&users(), WeakFormats::NONE).unwrap()),
            groups: Arc::new(Groups::parse(GROUP_FILE.as_bytes()).unwrap()),
            keys,
            values,
            verifier: Arc::new(Verifier::start(limits, None).unwrap()),
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
        }
    }
}

fn users() -> Vec<u8> {
    let hash =
        |password: &str| format!("{{SHA}}{}", BASE64_STANDARD.encode(Sha1::digest(password)));
    let line = |(name, password, _): &(&str, Option<&str>, _)| match password {
        Some(password) => format!("{name}:{}\n", hash(password)),
        None => format!("{name}:!{}\n", hash("secret")),
    };
    let lines = USERS.iter().map(line).collect::<String>();
    format!("{lines}dave:{}\n", hash("two")).into_bytes()
}

/// The plan's keys in a store. They are always the same, so the store may be there already.
fn keys() -> (KeySource, Vec<String>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
    fs::create_dir_all(&folder).unwrap();
    let version = crc32fast::hash(format!("{KEYS:?}").as_bytes());
    let place = Place::Sqlite(folder.join(format!("fuzz-keys-{version:08x}.db")));
    let prefix = Prefix::parse("htg").unwrap();
    let mut store = KeyStore::open(&place, None).unwrap();
    let values = KEYS
        .iter()
        .map(|key| make_key(&mut store, key, &prefix))
        .collect();
    let keys = ApiKeys::open(&place, None, 1000, Duration::from_secs(u32::MAX.into())).unwrap();
    (
        KeySource {
            keys: Arc::new(keys),
            prefix,
            clock: Arc::default(),
        },
        values,
    )
}

fn make_key(store: &mut KeyStore, key: &plan::Key, prefix: &Prefix) -> String {
    let value = format!("the-key-{}-of-{}-4711", key.name, key.realm);
    let now = Timestamp::now();
    let new = NewKey {
        name: Label::parse(key.name).unwrap(),
        realm: key.realm.to_owned(),
        owner: key.owner.map(|owner| Label::parse(owner).unwrap()),
        scopes: key
            .scopes
            .iter()
            .map(|scope| Scope::parse(scope).unwrap())
            .collect(),
        networks: key
            .networks
            .iter()
            .map(|network| network.parse().unwrap())
            .collect(),
        expires: (key.state == State::Expired).then(|| now - Duration::from_secs(3600)),
    };
    let secret = ImportedKey::Plaintext(ApiKey::parse(value.as_bytes()).unwrap());
    match store.import(new, &secret, prefix, now) {
        Ok(_) | Err(KeyError::NameTaken { .. }) => {}
        Err(error) => panic!("{error}"),
    }
    if key.state == State::Revoked {
        store.revoke(key.name, now).unwrap();
    }
    value
}

/// Whether htgate takes the text for a pattern; what it refuses is in no configuration.
pub fn is_pattern(text: &str) -> bool {
    PathPattern::parse(text).is_ok()
}

/// The one place where a world is made.
pub fn world(configuration: &Configuration) -> World {
    let networks = |texts: &[&str]| -> Vec<Network> {
        texts
            .iter()
            .map(|text| Network::parse(text).unwrap())
            .collect()
    };
    let words =
        |words: &[plan::Word]| -> Vec<String> { words.iter().map(ToString::to_string).collect() };
    let policies = configuration.policies.iter().map(|policy| Policy {
        name: policy.name.to_owned(),
        realm: policy.realm,
        requirement: Requirement::parse(&words(&policy.require), &words(&policy.require_all))
            .unwrap(),
        offers: vec![Scheme::Basic],
        allow_from: networks(&policy.allow_from),
    });
    let policies = Policies::new(policies.collect());
    let rules = configuration.rules.iter().map(|rule| Rule {
        hosts: rule
            .hosts
            .iter()
            .map(|host| HostPattern::parse(host).unwrap())
            .collect(),
        paths: rule
            .paths
            .iter()
            .map(|path| PathPattern::parse(path).unwrap())
            .collect(),
        methods: rule
            .methods
            .iter()
            .map(|name| Method::parse(name.as_bytes()).unwrap())
            .collect(),
        policy: policies.find(rule.policy).unwrap_or(PolicyRef::Closed),
    });
    World {
        rules: Arc::new(Rules::new(rules.collect())),
        policies: Arc::new(policies),
        realms: plan::REALMS.iter().map(realm).collect(),
        identity_headers: IdentityHeaders::new(Vec::new()),
        trusted_proxies: networks(&configuration.trusted),
        verifier: Arc::clone(&STAGE.verifier),
    }
}

fn realm(realm: &plan::Realm) -> Realm {
    Realm {
        name: realm.name.to_owned(),
        title: http_auth::Realm::parse(realm.name).unwrap(),
        users: realm.users.then(|| Arc::clone(&STAGE.users)),
        groups: Arc::clone(&STAGE.groups),
        keys: realm.keys.then(|| STAGE.keys.clone()),
        query_param: realm.query_param.map(str::to_owned),
    }
}

/// What htgate answers.
pub fn answer(world: &World, request: &Request) -> Told {
    let endpoint = match request.dialect {
        Dialect::AuthRequest | Dialect::AuthRequestUrl => Endpoint::AuthRequest,
        Dialect::ForwardAuth => Endpoint::ForwardAuth,
    };
    let headers = headers(request);
    let question = Question {
        route: Route::new(endpoint, request.named),
        headers: &headers,
    };
    told(&STAGE.runtime.block_on(world.answer(&question)).answer)
}

fn told(answer: &Answer<'_>) -> Told {
    match answer {
        Answer::Allow { grant, .. } => passed(grant),
        Answer::Challenge { .. } => Told::Challenge,
        Answer::Forbid { forbidden, .. } => match forbidden {
            Forbidden::Closed => Told::Closed,
            Forbidden::Ambiguous => Told::Ambiguous,
            Forbidden::NoPolicy => Told::NoPolicy,
            Forbidden::Requirement { .. } | Forbidden::Scope { .. } => Told::Lacking,
        },
        Answer::Trouble(Trouble::Description(_)) => Told::Description,
        Answer::Trouble(_) => Told::Unavailable,
    }
}

fn passed(grant: &Grant) -> Told {
    match grant.identity() {
        Some(identity) => Told::Passed {
            name: String::from_utf8(identity.name().to_vec()).unwrap(),
            groups: identity.groups().map(str::to_owned).collect(),
        },
        None if grant.method() == htgate::decision::Method::Address => Told::Address,
        None => Told::Open,
    }
}

struct Lines(Vec<(&'static str, Vec<u8>)>);

impl Headers for Lines {
    fn field(&self, name: &HeaderName) -> Field<'_> {
        let lines = self.0.iter().filter(|(known, _)| *known == name.as_str());
        Field::of_lines(lines.map(|(_, value)| value.as_slice()))
    }
}

/// The headers of the subrequest: the dialect's, what a client makes up of the other's, and the
/// credentials.
fn headers(request: &Request) -> Lines {
    let uri = with_query_key(request);
    let host = request.host.text();
    let mut lines = Lines(Vec::new());
    for part in PARTS {
        let (name, value): (_, &[u8]) = match (request.dialect, part) {
            (Dialect::ForwardAuth, Part::Method) => {
                ("x-forwarded-method", request.method.as_bytes())
            }
            (Dialect::ForwardAuth, Part::Host) => ("x-forwarded-host", host.as_bytes()),
            (Dialect::ForwardAuth, Part::Uri) => ("x-forwarded-uri", &uri),
            (Dialect::ForwardAuth, Part::Client) => ("x-forwarded-for", request.client.as_bytes()),
            (Dialect::AuthRequestUrl, Part::Host) => continue,
            (Dialect::AuthRequestUrl, Part::Uri) => (
                "x-original-url",
                &[b"https://", host.as_bytes(), &uri].concat(),
            ),
            (_, Part::Method) => ("x-original-method", request.method.as_bytes()),
            (_, Part::Host) => ("x-original-host", host.as_bytes()),
            (_, Part::Uri) => ("x-original-uri", &uri),
            (_, Part::Client) => ("x-real-ip", request.client.as_bytes()),
        };
        let times = match part {
            part if request.lost == Some(part) => 0,
            part if request.doubled == Some(part) => 2,
            _ => 1,
        };
        lines
            .0
            .extend(std::iter::repeat_n((name, value.to_vec()), times));
    }
    let made_up = match request.dialect {
        Dialect::ForwardAuth => [
            "x-original-uri",
            "x-original-host",
            "x-original-url",
            "x-real-ip",
        ],
        _ => [
            "x-forwarded-uri",
            "x-forwarded-host",
            "x-forwarded-for",
            "x-forwarded-method",
        ],
    };
    lines
        .0
        .extend(made_up.map(|name| (name, b"/public/a".to_vec())));
    lines.0.extend(credentials(request));
    lines
}

fn with_query_key(request: &Request) -> Vec<u8> {
    let Some((value, Way::Query)) = key_value(&request.credentials) else {
        return request.uri.clone();
    };
    let mark: &[u8] = if request.uri.contains(&b'?') {
        b"&"
    } else {
        b"?"
    };
    [&request.uri, mark, b"api_key=", value.as_bytes()].concat()
}

fn key_value(credentials: &Credentials) -> Option<(&str, Way)> {
    match credentials {
        Credentials::Key { key, way } => Some((&STAGE.values[*key], *way)),
        Credentials::UnknownKey { value, way } => Some((value, *way)),
        _ => None,
    }
}

fn credentials(request: &Request) -> Vec<(&'static str, Vec<u8>)> {
    let line = |value: String| ("authorization", value.into_bytes());
    let basic = |user: &str, password: &str| BASE64_STANDARD.encode(format!("{user}:{password}"));
    let alice = || line(format!("Basic {}", basic("alice", "secret")));
    if let Some((value, way)) = key_value(&request.credentials) {
        return match way {
            Way::Bearer => vec![line(format!("Bearer {value}"))],
            Way::ApiKey => vec![line(format!("apikey {value}"))],
            Way::Header => vec![("x-api-key", value.into())],
            Way::BasicUser => vec![line(format!("Basic {}", basic("apikey", value)))],
            Way::Query => Vec::new(),
        };
    }
    match &request.credentials {
        Credentials::Password {
            user,
            password,
            style,
        } => {
            let token = basic(user, password);
            vec![line(match style {
                Style::Usual => format!("Basic {token}"),
                Style::NoPadding => format!("Basic {}", token.trim_end_matches('=')),
                Style::LowerCase => format!("basic {token}"),
                Style::Blanks => format!(" Basic   {token}\t"),
            })]
        }
        Credentials::Malformed(value) => vec![line((*value).to_owned())],
        Credentials::Several(beside) => vec![
            alice(),
            match beside {
                Beside::TheSameAgain => alice(),
                Beside::AnotherPassword => line(format!("Basic {}", basic("bob", "hunter2"))),
                Beside::KeyHeader => ("x-api-key", STAGE.values[0].clone().into_bytes()),
            },
        ],
        _ => Vec::new(),
    }
}
