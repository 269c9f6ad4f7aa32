//! What the steps of a warm request cost, one by one: `cargo bench --bench steps`.
//!
//! Everything but the socket and HTTP itself, which are actix-http's. Where a step must not
//! grow with users, rules or policies, it is measured with few of them and with many.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a benchmark that cannot go on has failed"
)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use actix_http::header::{HeaderMap, HeaderName, HeaderValue};
use criterion::{Criterion, criterion_group, criterion_main};
use futures_util::FutureExt as _;
use zeroize::Zeroizing;

use htgate::authn::{Limits, Reading, Realm, Verifier};
use htgate::endpoint::{Answer, Endpoint, IdentityHeaders, Route, Slot};
use htgate::gate::{Policies, Policy, Question, World};
use htgate::http_auth::{self, Authorization, Scheme, UserPass};
use htgate::identity::{Password, Username};
use htgate::password_hash::{WeakFormats, hash_bcrypt};
use htgate::policy::{PolicyRef, Requirement, Rule, Rules};
use htgate::request::Headers as _;
use htgate::request::host::HostPattern;
use htgate::request::path::PathPattern;
use htgate::store::{Groups, Htpasswd};

/// How many there are of everything that a request must not notice.
#[derive(Clone, Copy)]
struct Size {
    users: usize,
    rules: usize,
    policies: usize,
}

const FEW: Size = Size {
    users: 1,
    rules: 1,
    policies: 1,
};
const MANY: Size = Size {
    users: 1_000_000,
    rules: 1_000,
    policies: 1_000,
};
const SIZES: [(&str, Size); 2] = [("few", FEW), ("many", MANY)];

/// `alice` with the password `secret`, between strangers; the cost is small, as it is paid once.
fn users(size: Size) -> Htpasswd {
    let password = Password::new(Zeroizing::new(b"secret".to_vec()));
    let hash = hash_bcrypt(&password, 4).unwrap();
    let mut file = String::new();
    for number in 1..size.users {
        writeln!(file, "user{number}:{hash}").unwrap();
    }
    writeln!(file, "alice:{hash}").unwrap();
    Htpasswd::parse(file.as_bytes(), WeakFormats::NONE).unwrap()
}

/// The last policy and the last rule are the ones that are asked for.
fn world(size: Size) -> World {
    let policies = (1..=size.policies).map(|number| Policy {
        name: format!("policy{number}"),
        realm: 0,
        requirement: Requirement::parse(&[], &[]).unwrap(),
        offers: vec![Scheme::Basic],
        allow_from: Vec::new(),
    });
    let policies = Policies::new(policies.collect());
    let rules = (1..=size.rules).map(|number| Rule {
        hosts: vec![HostPattern::parse(&format!("app{number}.example")).unwrap()],
        paths: vec![PathPattern::parse("/a/**").unwrap()],
        methods: Vec::new(),
        policy: PolicyRef::Named(0),
    });
    let limits = Limits {
        ttl: Duration::from_secs(3600),
        capacity: 1000,
        guesses: None,
    };
    World {
        rules: Arc::new(Rules::new(rules.collect())),
        policies: Arc::new(policies),
        realms: vec![Realm {
            name: "bench".to_owned(),
            title: http_auth::Realm::parse("Bench").unwrap(),
            users: Some(Arc::new(users(size))),
            groups: Arc::new(Groups::parse(b"staff: alice\n").unwrap()),
            keys: None,
            query_param: None,
        }],
        identity_headers: IdentityHeaders::new(
            [
                (Slot::User, "x-auth-user"),
                (Slot::Groups, "x-auth-groups"),
                (Slot::Scopes, "x-auth-scopes"),
                (Slot::Method, "x-auth-method"),
                (Slot::Realm, "x-auth-realm"),
                (Slot::Key, "x-auth-key"),
            ]
            .map(|(slot, name)| (slot, HeaderName::from_static(name)))
            .to_vec(),
        ),
        trusted_proxies: Vec::new(),
        verifier: Arc::new(Verifier::start(limits, None).unwrap()),
    }
}

/// What the shipped nginx files send.
fn headers(size: Size) -> HeaderMap {
    let host = format!("app{}.example", size.rules);
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("host", &*host),
        ("x-original-method", "GET"),
        ("x-original-proto", "https"),
        ("x-original-host", &host),
        ("x-original-uri", "/a/page.html?q=1"),
        ("x-real-ip", "192.0.2.1"),
        ("authorization", "Basic YWxpY2U6c2VjcmV0"),
    ] {
        let value = HeaderValue::from_str(value).unwrap();
        headers.append(HeaderName::from_static(name), value);
    }
    headers
}

fn steps(bench: &mut Criterion) {
    let (world, headers) = (world(FEW), headers(FEW));
    let description = Route::new(Endpoint::AuthRequest, None).describe(&headers);
    let realm = &world.realms[0];
    let mut group = bench.benchmark_group("step");
    group.bench_function("route", |b| {
        b.iter(|| Endpoint::route("GET", black_box("/auth-request/policy1")));
    });
    group.bench_function("a field", |b| {
        let name = HeaderName::from_static("x-original-uri");
        b.iter(|| black_box(&headers).field(black_box(&name)));
    });
    group.bench_function("description", |b| {
        b.iter(|| black_box(&description).target().unwrap());
    });
    group.bench_function("credentials", |b| {
        b.iter(|| {
            let value = black_box(b"Basic YWxpY2U6c2VjcmV0");
            UserPass::decode(Authorization::parse(value).unwrap().token).unwrap()
        });
    });
    group.bench_function("presented", |b| {
        let reading = Reading {
            headers: &headers,
            description: &description,
        };
        b.iter(|| black_box(&reading).presented(realm).unwrap());
    });
    let question = question(&headers, Some("policy1"));
    warm(&world, &question);
    group.bench_function("reply", |b| {
        let answered = world.answer(&question).now_or_never().unwrap();
        let names = &world.identity_headers;
        b.iter(|| Endpoint::AuthRequest.reply(black_box(&answered.answer), names));
    });
}

fn growth(bench: &mut Criterion) {
    for (name, size) in SIZES {
        let (world, headers) = (world(size), headers(size));
        let description = Route::new(Endpoint::AuthRequest, None).describe(&headers);
        let target = description.target().unwrap();
        let policy = format!("policy{}", size.policies);
        let users = world.realms[0].users.as_ref().unwrap();
        let alice = Username::parse(b"alice").unwrap();
        let id = |step: &str| format!("{step}, {name}");

        bench.bench_function(&id("rules"), |b| {
            b.iter(|| world.rules.ruling(black_box(&target)).unwrap());
        });
        bench.bench_function(&id("policy by name"), |b| {
            b.iter(|| world.policies.find(black_box(&policy)).unwrap());
        });
        bench.bench_function(&id("user"), |b| {
            b.iter(|| users.get(black_box(b"alice")).unwrap());
        });
        let named = question(&headers, Some(&policy));
        warm(&world, &named);
        // The network that has proved the password.
        let client = || description.client(&[]);
        bench.bench_function(&id("verified password"), |b| {
            b.iter(|| {
                let verdict =
                    world
                        .verifier
                        .verify("bench", users, black_box(&alice), b"secret", &client);
                assert!(verdict.now_or_never().unwrap().unwrap());
            });
        });
        let by_rules = question(&headers, None);
        for (step, question) in [("answer by policy", named), ("answer by rules", by_rules)] {
            bench.bench_function(&id(step), |b| {
                b.iter(|| {
                    let answered = world.answer(black_box(&question)).now_or_never().unwrap();
                    assert!(matches!(answered.answer, Answer::Allow { .. }));
                });
            });
        }
    }
}

fn question<'a>(headers: &'a HeaderMap, policy: Option<&'a str>) -> Question<'a> {
    Question {
        route: Route::new(Endpoint::AuthRequest, policy),
        headers,
    }
}

/// Asks once, so that the password is known.
fn warm(world: &World, question: &Question<'_>) {
    let answered = actix_rt::System::new().block_on(world.answer(question));
    assert!(matches!(answered.answer, Answer::Allow { .. }));
}

criterion_group!(benches, steps, growth);
criterion_main!(benches);
