//! Headers that describe a request, a line each: every endpoint reads its own family, once.

use std::net::IpAddr;

use htgate::endpoint::{Endpoint, Route};
use htgate::request::network::Network;
use htgate::request::{Defect, Field, Headers};
use http::HeaderName;

/// Lines as they came: name and value.
#[derive(Clone)]
struct Lines<'a>(Vec<(&'a [u8], &'a [u8])>);

impl Headers for Lines<'_> {
    fn field(&self, name: &HeaderName) -> Field<'_> {
        let name = name.as_str().as_bytes();
        let lines = self
            .0
            .iter()
            .filter(|(known, _)| known.eq_ignore_ascii_case(name));
        Field::of_lines(lines.map(|(_, value)| *value))
    }
}

impl<'a> Lines<'a> {
    fn of(data: &'a [u8]) -> Self {
        let lines = data.split(|b| *b == b'\n').filter_map(|line| {
            let colon = line.iter().position(|b| *b == b':')?;
            Some((&line[..colon], &line[colon + 1..]))
        });
        Self(lines.collect())
    }

    fn only(&self, family: &[&str]) -> Self {
        let known = |name: &[u8]| {
            family
                .iter()
                .any(|own| own.as_bytes().eq_ignore_ascii_case(name))
        };
        Self(
            self.0
                .iter()
                .copied()
                .filter(|(name, _)| known(name))
                .collect(),
        )
    }

    fn once(&self, name: &str) -> Option<&'a [u8]> {
        let lines = self.only(&[name]).0;
        let [(_, value)] = lines.as_slice() else {
            return None;
        };
        Some(value)
    }
}

/// The headers of each endpoint: method, host, URI, client; and the other form of two of them.
const FAMILIES: [(Endpoint, [&str; 6]); 2] = [
    (
        Endpoint::AuthRequest,
        [
            "X-Original-Method",
            "X-Original-Host",
            "X-Original-URI",
            "X-Real-IP",
            "X-Original-URL",
            "X-Original-Proto",
        ],
    ),
    (
        Endpoint::ForwardAuth,
        [
            "X-Forwarded-Method",
            "X-Forwarded-Host",
            "X-Forwarded-Uri",
            "X-Forwarded-For",
            "",
            "",
        ],
    ),
];

#[derive(Debug, PartialEq)]
struct Told {
    method: Result<Vec<u8>, Defect>,
    host: Result<Vec<u8>, Defect>,
    uri: Result<Vec<u8>, Defect>,
    query: Result<Option<Vec<u8>>, Defect>,
    client: Result<IpAddr, Defect>,
    target: Result<String, Defect>,
}

fn told(endpoint: Endpoint, headers: &Lines<'_>, trusted: &[Network]) -> Told {
    let description = Route::new(endpoint, None).describe(headers);
    Told {
        method: description.method().map(<[u8]>::to_vec),
        host: description.host().map(<[u8]>::to_vec),
        uri: description.uri().map(<[u8]>::to_vec),
        query: description.query().map(|query| query.map(<[u8]>::to_vec)),
        client: description.client(trusted),
        target: description.target().map(|target| format!("{target:?}")),
    }
}

pub fn description(data: &[u8]) {
    let trusted = [
        Network::parse("10.0.0.0/8").expect("a network"),
        Network::parse("::1").expect("one"),
    ];
    let headers = Lines::of(data);
    for (endpoint, family) in FAMILIES {
        let described = told(endpoint, &headers, &trusted);
        let [method, host, uri, client, url, _] = family;
        let alone = told(endpoint, &headers.only(&family), &trusted);
        assert_eq!(
            described, alone,
            "{endpoint:?} reads its own headers and no others"
        );
        let is = |value: &[u8], name| {
            headers
                .once(name)
                .is_some_and(|line| line.trim_ascii() == value.trim_ascii())
        };
        let within = |value: &[u8]| {
            let line = headers.once(url).unwrap_or_default();
            value.is_empty() || line.windows(value.len()).any(|part| part == value)
        };
        if let Ok(value) = &described.method {
            assert!(is(value, method), "one line says the method");
        }
        for (value, name) in [(&described.host, host), (&described.uri, uri)] {
            if let Ok(value) = value {
                assert!(is(value, name) || within(value), "one line says {name}");
            }
        }
        if described.target.is_ok() {
            assert!(described.method.is_ok() && described.host.is_ok() && described.uri.is_ok());
        }
        if let (Ok(uri), Ok(query)) = (&described.uri, &described.query) {
            assert_eq!(uri.split(|b| *b == b'?').count() > 1, query.is_some());
        }
        if let Ok(address) = described.client {
            behind_one_more_proxy(endpoint, &headers, client, address, &trusted);
        }
    }
}

/// Each proxy that is trusted adds an address at the right, and the client stays who it was; one
/// that isn't is the client.
fn behind_one_more_proxy(
    endpoint: Endpoint,
    headers: &Lines<'_>,
    name: &str,
    client: IpAddr,
    trusted: &[Network],
) {
    let list = headers.once(name).expect("one line told the client");
    for (hop, expected) in [
        ("10.9.8.7", client),
        ("192.0.2.77", IpAddr::from([192, 0, 2, 77])),
    ] {
        let longer = [list, b", ", hop.as_bytes()].concat();
        let mut more = headers.clone();
        for (known, value) in &mut more.0 {
            if known.eq_ignore_ascii_case(name.as_bytes()) {
                *value = &longer;
            }
        }
        assert_eq!(
            Route::new(endpoint, None).describe(&more).client(trusted),
            Ok(expected)
        );
    }
}
