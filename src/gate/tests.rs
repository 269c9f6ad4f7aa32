//! The whole decision without a socket: a world, a question, an answer.

use std::path::Path;
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use http::HeaderName;
use jiff::Timestamp;

use super::*;
use crate::authn::{KeySource, Limits};
use crate::endpoint::{Endpoint, Reply, Slot};
use crate::http_auth::{self, Scheme};
use crate::identity::{Label, Password, Prefix, Scope};
use crate::password_hash::{WeakFormats, hash_bcrypt};
use crate::policy::{Requirement, Rule};
use crate::request::host::HostPattern;
use crate::request::path::PathPattern;
use crate::store::api_keys::NewKey;
use crate::store::{ApiKeys, Groups, Htpasswd, KeyStore, Place};

/// alice is staff, bob is nobody in particular; both have the password `secret`, carol is locked.
fn users() -> Arc<Htpasswd> {
    let password = Password::new(zeroize::Zeroizing::new(b"secret".to_vec()));
    let hash = hash_bcrypt(&password, 4).unwrap();
    let file = format!("alice:{hash}\nbob:{hash}\ncarol:!{hash}\napikey:{hash}\n");
    Arc::new(Htpasswd::parse(file.as_bytes(), WeakFormats::NONE).unwrap())
}

/// Keys of a realm by name; the values that were made.
struct Keys {
    source: KeySource,
    made: Vec<(&'static str, String)>,
}

impl Keys {
    fn make(folder: &Path) -> Self {
        let place = Place::Sqlite(folder.join("keys.db"));
        let prefix = Prefix::parse("htg").unwrap();
        let mut store = KeyStore::open(&place, None).unwrap();
        let now = Timestamp::now();
        let mut made = Vec::new();
        for (name, realm, owner, scopes, networks) in [
            ("reader", "both", None, "api:read", ""),
            ("writer", "both", Some("alice"), "api:read,api:write", ""),
            ("near", "both", None, "api:read", "192.0.2.0/24"),
            ("ended", "both", None, "api:read", ""),
            ("revoked", "both", None, "api:read", ""),
            ("elsewhere", "keys", None, "api:read", ""),
        ] {
            let split = |list: &'static str| list.split(',').filter(|word| !word.is_empty());
            let new = NewKey {
                name: Label::parse(name).unwrap(),
                realm: realm.to_owned(),
                owner: owner.map(|owner| Label::parse(owner).unwrap()),
                scopes: split(scopes)
                    .map(|word| Scope::parse(word).unwrap())
                    .collect(),
                networks: split(networks).map(|word| word.parse().unwrap()).collect(),
                expires: (name == "ended").then(|| now + Duration::from_millis(1)),
            };
            let (_, key) = store.create(new, &prefix, now).unwrap();
            made.push((name, key.expose_secret().to_owned()));
        }
        store.revoke("revoked", now).unwrap();
        std::thread::sleep(Duration::from_millis(5));
        let keys = ApiKeys::open(&place, None, 100, Duration::from_secs(60)).unwrap();
        let keys = Arc::new(keys);
        Self {
            source: KeySource {
                keys,
                prefix,
                clock: Arc::default(),
            },
            made,
        }
    }

    fn value(&self, name: &str) -> &str {
        &self
            .made
            .iter()
            .find(|(known, _)| *known == name)
            .unwrap()
            .1
    }
}

fn realm(name: &str, users: Option<Arc<Htpasswd>>, keys: Option<&Keys>) -> Realm {
    Realm {
        name: name.to_owned(),
        title: http_auth::Realm::parse(&format!("The {name}")).unwrap(),
        users,
        groups: Arc::new(Groups::parse(b"staff: alice carol\n").unwrap()),
        keys: keys.map(|keys| keys.source.clone()),
        query_param: (name == "keys").then(|| "api_key".to_owned()),
    }
}

fn policy(name: &str, realm: usize, any: &[&str], offers: &[Scheme]) -> Policy {
    let any: Vec<String> = any.iter().map(ToString::to_string).collect();
    Policy {
        name: name.to_owned(),
        realm,
        requirement: Requirement::parse(&any, &[]).unwrap(),
        offers: offers.to_vec(),
        allow_from: Vec::new(),
    }
}

/// Realms `users`, `keys` and `both`; a policy for most words; `/public/**` is open.
fn world(keys: &Keys) -> World {
    let (basic, bearer) = (Scheme::Basic, Scheme::Bearer);
    let mut near = policy("near", 0, &[], &[basic]);
    near.allow_from = vec![Network::parse("192.0.2.0/24").unwrap()];
    let mut inside = policy("inside", 0, &[], &[basic]);
    inside.requirement = Requirement::parse(&[], &["ip 192.0.2.0/24".to_owned()]).unwrap();
    let rule = |paths: &[&str], policy| Rule {
        hosts: vec![HostPattern::parse("app.example").unwrap()],
        paths: paths
            .iter()
            .map(|path| PathPattern::parse(path).unwrap())
            .collect(),
        methods: Vec::new(),
        policy,
    };
    let policies = Policies::new(vec![
        policy("users", 0, &[], &[basic]),
        policy("keys", 1, &[], &[bearer]),
        policy("both", 2, &[], &[basic, bearer]),
        policy("staff", 2, &["group staff"], &[basic]),
        policy("carol-or-alice", 2, &["user carol alice"], &[basic]),
        policy("write", 2, &["scope api:write"], &[bearer]),
        policy("named", 2, &["key reader"], &[bearer]),
        near,
        inside,
    ]);
    World {
        rules: Arc::new(Rules::new(vec![
            rule(&["/public/**"], PolicyRef::Open),
            rule(&[], policies.find("users").unwrap()),
        ])),
        policies: Arc::new(policies),
        realms: vec![
            realm("users", Some(users()), None),
            realm("keys", None, Some(keys)),
            realm("both", Some(users()), Some(keys)),
        ],
        identity_headers: IdentityHeaders::new(vec![
            (Slot::User, HeaderName::from_static("user")),
            (Slot::Groups, HeaderName::from_static("groups")),
            (Slot::Scopes, HeaderName::from_static("scopes")),
            (Slot::Method, HeaderName::from_static("method")),
            (Slot::Realm, HeaderName::from_static("realm")),
        ]),
        trusted_proxies: vec![Network::parse("127.0.0.0/8").unwrap()],
        verifier: Arc::new(
            Verifier::start(
                Limits {
                    ttl: Duration::from_secs(60),
                    capacity: 100,
                    guesses: None,
                },
                None,
            )
            .unwrap(),
        ),
    }
}

/// A folder, its keys and a world: what a test asks.
struct Fixture {
    _folder: tempfile::TempDir,
    keys: Keys,
    world: World,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::make(folder.path());
        let world = world(&keys);
        Self {
            _folder: folder,
            keys,
            world,
        }
    }

    fn ask(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        let route = Endpoint::route("GET", path).unwrap();
        let question = Question {
            route,
            headers: &headers,
        };
        let answered = actix_rt::System::new().block_on(self.world.answer(&question));
        route
            .endpoint
            .reply(&answered.answer, &self.world.identity_headers)
    }
}

fn basic(user: &str, password: &str) -> String {
    format!(
        "Basic {}",
        BASE64_STANDARD.encode(format!("{user}:{password}"))
    )
}

fn header<'r>(reply: &'r Reply, name: &str) -> Vec<&'r str> {
    let named = reply.headers.iter().filter(|(known, _)| known == name);
    named
        .map(|(_, value)| std::str::from_utf8(value.as_bytes()).unwrap())
        .collect()
}

#[test]
fn users_and_keys_are_told_to_the_application_in_full() {
    let fixture = Fixture::new();
    let key = |name: &str| format!("Bearer {}", fixture.keys.value(name));
    for (policy, authorization, identity) in [
        (
            "users",
            basic("alice", "secret"),
            ["alice", "staff", "-", "basic", "users"],
        ),
        (
            "users",
            basic("bob", "secret"),
            ["bob", "-", "-", "basic", "users"],
        ),
        (
            "both",
            key("reader"),
            ["reader", "-", "api:read", "api-key", "both"],
        ),
        (
            "both",
            key("writer"),
            ["alice", "staff", "api:read,api:write", "api-key", "both"],
        ),
        (
            "keys",
            key("elsewhere"),
            ["elsewhere", "-", "api:read", "api-key", "keys"],
        ),
        (
            "open",
            basic("alice", "wrong"),
            ["-", "-", "-", "none", "-"],
        ),
    ] {
        for endpoint in ["/forward-auth", "/auth-request"] {
            let path = format!("{endpoint}/{policy}");
            let reply = fixture.ask(&path, &[("Authorization", &authorization)]);
            assert_eq!(reply.status, 200, "{path} {authorization}");
            let told: Vec<&str> = ["user", "groups", "scopes", "method", "realm"]
                .into_iter()
                .flat_map(|name| header(&reply, name))
                .collect();
            assert_eq!(told, identity, "{path}");
            assert_eq!(reply.problem, None);
        }
    }
}

#[test]
fn a_key_counts_however_it_is_presented() {
    let fixture = Fixture::new();
    let key = fixture.keys.value("elsewhere");
    let uri = format!("/x?a=b&api_key={key}");
    let doubled = format!("/x?api_key={key}&api_key=");
    let (bearer, lower) = (format!("Bearer {key}"), format!("bearer {key}"));
    let (scheme, password) = (format!("ApiKey {key}"), basic("apikey", key));
    let (user, trimmed) = (basic("elsewhere", key), format!("  {key} "));
    for (headers, status) in [
        (vec![("Authorization", bearer.as_str())], 200),
        (vec![("Authorization", &lower)], 200),
        (vec![("Authorization", &scheme)], 200),
        (vec![("Authorization", &password)], 200),
        (vec![("X-API-Key", key)], 200),
        (vec![("X-Api-Key", &trimmed)], 200),
        (vec![("X-Forwarded-Uri", &uri)], 200),
        (vec![("X-Forwarded-Uri", &doubled)], 401),
        (vec![("X-Original-URI", &uri)], 401),
        (vec![("Authorization", &user)], 401),
        (vec![("X_API_Key", key)], 401),
        (vec![("X-API-Key", key), ("Authorization", &bearer)], 401),
        (vec![("X-API-Key", key), ("X-API-Key", key)], 401),
        (vec![("X-API-Key", key), ("X-Forwarded-Uri", &uri)], 401),
        (vec![("X-API-Key", &key[..54])], 401),
    ] {
        assert_eq!(
            fixture.ask("/forward-auth/keys", &headers).status,
            status,
            "{headers:?}"
        );
    }
}

#[test]
fn what_proves_nothing_is_401_with_the_schemes_on_offer() {
    let fixture = Fixture::new();
    let key = |name: &str| format!("Bearer {}", fixture.keys.value(name));
    let basic_users = r#"Basic realm="The users", charset="UTF-8""#;
    let basic_both = r#"Basic realm="The both", charset="UTF-8""#;
    let bearer = |rest: &str| format!(r#"Bearer realm="The both"{rest}"#);
    let invalid = bearer(r#", error="invalid_token""#);
    let request = bearer(r#", error="invalid_request""#);
    let expired = bearer(r#", error="invalid_token", error_description="the key is expired""#);
    let revoked = bearer(r#", error="invalid_token", error_description="the key is revoked""#);
    let reader = key("reader");
    let (start, last) = reader.split_at(reader.len() - 1);
    let mistyped = format!("{start}{}", if last == "x" { "y" } else { "x" });
    for (policy, authorization, challenges) in [
        ("users", String::new(), vec![basic_users]),
        ("users", basic("alice", "wrong"), vec![basic_users]),
        ("users", basic("alice", ""), vec![basic_users]),
        ("users", basic("nobody", "secret"), vec![basic_users]),
        ("users", basic("carol", "secret"), vec![basic_users]),
        ("users", key("reader"), vec![basic_users]),
        (
            "users",
            "Digest username=alice".to_owned(),
            vec![basic_users],
        ),
        (
            "both",
            basic("alice", "wrong"),
            vec![basic_both, &bearer("")],
        ),
        (
            "both",
            basic("apikey", "secret"),
            vec![basic_both, &invalid],
        ),
        (
            "both",
            "Bearer unknown".to_owned(),
            vec![basic_both, &invalid],
        ),
        ("both", mistyped, vec![basic_both, &invalid]),
        ("both", key("elsewhere"), vec![basic_both, &invalid]),
        ("both", key("ended"), vec![basic_both, &expired]),
        ("both", key("revoked"), vec![basic_both, &revoked]),
        (
            "both",
            "htg_without_scheme".to_owned(),
            vec![basic_both, &request],
        ),
    ] {
        let headers = [("Authorization", authorization.as_str())];
        let headers = if authorization.is_empty() {
            &[][..]
        } else {
            &headers
        };
        let reply = fixture.ask(&format!("/forward-auth/{policy}"), headers);
        assert_eq!(reply.status, 401, "{policy} {authorization} {challenges:?}");
        assert_eq!(
            header(&reply, "www-authenticate"),
            challenges,
            "{authorization}"
        );
        assert!(reply.problem.is_some());

        let reply = fixture.ask(&format!("/auth-request/{policy}"), headers);
        assert_eq!(reply.status, 401);
        assert_eq!(header(&reply, "www-authenticate"), [challenges.join(", ")]);
        assert_eq!(reply.problem, None);
    }
}

#[test]
fn a_script_is_not_met_with_a_prompt_where_it_can_be_helped() {
    let fixture = Fixture::new();
    let script = [("X-Requested-With", "XMLHttpRequest")];
    let reply = fixture.ask("/forward-auth/both", &script);
    assert_eq!(
        header(&reply, "www-authenticate"),
        [r#"Bearer realm="The both""#]
    );
    let reply = fixture.ask("/forward-auth/users", &script);
    assert_eq!(header(&reply, "www-authenticate").len(), 1);
}

#[test]
fn an_identity_that_lacks_what_is_required_is_403() {
    let fixture = Fixture::new();
    let key = |name: &str| format!("Bearer {}", fixture.keys.value(name));
    let scope = r#"Bearer realm="The both", error="insufficient_scope", scope="api:write""#;
    for (policy, authorization, status, challenge) in [
        ("staff", basic("alice", "secret"), 200, None),
        ("staff", basic("bob", "secret"), 403, None),
        ("staff", key("writer"), 200, None),
        ("staff", key("reader"), 403, None),
        ("carol-or-alice", basic("alice", "secret"), 200, None),
        ("carol-or-alice", basic("bob", "secret"), 403, None),
        ("write", key("writer"), 200, None),
        ("write", key("reader"), 403, Some(scope)),
        ("write", basic("alice", "secret"), 403, None),
        ("named", key("reader"), 200, None),
        ("named", key("writer"), 403, None),
        ("closed", basic("alice", "secret"), 403, None),
        ("missing", basic("alice", "secret"), 403, None),
        ("", basic("alice", "secret"), 403, None),
        ("users/x", basic("alice", "secret"), 403, None),
    ] {
        let headers = [("Authorization", authorization.as_str())];
        let reply = fixture.ask(&format!("/forward-auth/{policy}"), &headers);
        assert_eq!(reply.status, status, "{policy} {authorization}");
        assert_eq!(
            header(&reply, "www-authenticate"),
            challenge.into_iter().collect::<Vec<_>>()
        );

        let reply = fixture.ask(&format!("/auth-request/{policy}"), &headers);
        assert_eq!(reply.status, status, "{policy} {authorization}");
        if status == 403 {
            assert_eq!(reply.headers, [], "{policy}");
        }
    }
}

#[test]
fn addresses_count_from_the_header_of_the_endpoint() {
    let fixture = Fixture::new();
    let alice = basic("alice", "secret");
    let near = fixture.keys.value("near");
    for (path, headers, status) in [
        (
            "/forward-auth/near",
            vec![("X-Forwarded-For", "192.0.2.7")],
            200,
        ),
        (
            "/forward-auth/near",
            vec![("X-Forwarded-For", "192.0.2.7, 198.51.100.1")],
            401,
        ),
        (
            "/forward-auth/near",
            vec![("X-Forwarded-For", "192.0.2.7, 127.0.0.1")],
            200,
        ),
        ("/forward-auth/near", vec![("X-Real-IP", "192.0.2.7")], 400),
        ("/forward-auth/near", vec![], 400),
        (
            "/forward-auth/near",
            vec![("X-Forwarded-For", "x"), ("Authorization", &alice)],
            400,
        ),
        ("/auth-request/near", vec![("X-Real-IP", "192.0.2.7")], 200),
        (
            "/auth-request/near",
            vec![("X-Real-IP", "198.51.100.1")],
            401,
        ),
        (
            "/auth-request/near",
            vec![("X-Forwarded-For", "192.0.2.7")],
            403,
        ),
        (
            "/forward-auth/inside",
            vec![("X-Forwarded-For", "192.0.2.7"), ("Authorization", &alice)],
            200,
        ),
        (
            "/forward-auth/inside",
            vec![
                ("X-Forwarded-For", "198.51.100.1"),
                ("Authorization", &alice),
            ],
            403,
        ),
        (
            "/forward-auth/inside",
            vec![("X-Forwarded-For", "192.0.2.7")],
            401,
        ),
        (
            "/forward-auth/both",
            vec![("X-Forwarded-For", "192.0.2.7"), ("X-API-Key", near)],
            200,
        ),
        (
            "/forward-auth/both",
            vec![("X-Forwarded-For", "203.0.113.1"), ("X-API-Key", near)],
            401,
        ),
        ("/forward-auth/both", vec![("X-API-Key", near)], 400),
    ] {
        assert_eq!(
            fixture.ask(path, &headers).status,
            status,
            "{path} {headers:?}"
        );
    }
}

#[test]
fn rules_need_the_whole_description_from_the_own_family() {
    let fixture = Fixture::new();
    let forwarded = |method, host, uri| {
        [
            ("X-Forwarded-Method", method),
            ("X-Forwarded-Host", host),
            ("X-Forwarded-Uri", uri),
        ]
    };
    let public = forwarded("GET", "app.example", "/public/x");
    for (headers, status) in [
        (public.to_vec(), 200),
        (
            forwarded("GET", "App.Example:8080", "/public/x?y").to_vec(),
            200,
        ),
        (forwarded("GET", "app.example", "/x").to_vec(), 401),
        (
            forwarded("GET", "app.example", "/public/..%2fx").to_vec(),
            403,
        ),
        (
            forwarded("GET", "app.example", "http://app.example/public/x").to_vec(),
            403,
        ),
        (forwarded("GET", "other.example", "/public/x").to_vec(), 403),
        (forwarded("GET", "a@app.example", "/public/x").to_vec(), 400),
        (forwarded("GE T", "app.example", "/public/x").to_vec(), 400),
        (forwarded("GET", "", "/public/x").to_vec(), 400),
        (public[1..].to_vec(), 400),
        (public[..2].to_vec(), 400),
        (
            [&public[..], &[("x-forwarded-uri", "/public/x")]].concat(),
            400,
        ),
        (
            [
                &public[..],
                &[("X-Original-URI", "/x"), ("X_Forwarded_Uri", "/x")],
            ]
            .concat(),
            200,
        ),
    ] {
        let reply = fixture.ask("/forward-auth", &headers);
        assert_eq!(reply.status, status, "{headers:?}");
        assert_eq!(reply.problem.is_some(), status != 200);
    }
}

#[test]
fn auth_request_says_trouble_as_403_with_the_status_it_is() {
    let fixture = Fixture::new();
    let original = |uri| {
        vec![
            ("X-Original-Method", "GET"),
            ("X-Original-Host", "app.example"),
            ("X-Original-URI", uri),
        ]
    };
    let absolute = |url| vec![("X-Original-Method", "GET"), ("X-Original-URL", url)];
    let both = [
        original("/public/x"),
        absolute("http://app.example/public/x"),
    ]
    .concat();
    for (headers, status, told) in [
        (original("/public/x"), 200, None),
        (original("/x"), 401, None),
        (original("/public/%2e%2e/x"), 403, None),
        (absolute("https://app.example/public/x"), 200, None),
        (absolute("https://app.example/x"), 401, None),
        (absolute("https://app.example"), 403, Some("400")),
        (absolute("/public/x"), 403, Some("400")),
        (both, 403, Some("400")),
        (vec![], 403, Some("400")),
        (vec![("X-Forwarded-Uri", "/public/x")], 403, Some("400")),
    ] {
        let reply = fixture.ask("/auth-request", &headers);
        assert_eq!(reply.status, status, "{headers:?}");
        assert_eq!(
            header(&reply, "x-auth-status").first().copied(),
            told,
            "{headers:?}"
        );
        assert_eq!(reply.problem, None);
    }
}
