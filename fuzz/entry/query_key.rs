//! A key in the query of the original URI: taken where it is told once, and as it stands.

use std::sync::Arc;

use htgate::authn::{Presented, Reading, Realm};
use htgate::endpoint::{Endpoint, Route};
use htgate::http_auth;
use htgate::request::{Field, Headers};
use htgate::store::Groups;
use http::HeaderName;

struct OriginalUri<'a>(&'a [u8]);

impl Headers for OriginalUri<'_> {
    fn field(&self, name: &HeaderName) -> Field<'_> {
        match name.as_str() {
            "x-original-uri" => Field::Once(self.0),
            _ => Field::Absent,
        }
    }
}

pub fn query_key(data: &[u8]) {
    if data.is_empty() {
        return;
    }
    let mut realm = Realm {
        name: "keys".to_owned(),
        title: http_auth::Realm::parse("keys").expect("a realm"),
        users: None,
        groups: Arc::new(Groups::default()),
        keys: None,
        query_param: Some("api_key".to_owned()),
    };
    let headers = OriginalUri(data);
    let description = &Route::new(Endpoint::AuthRequest, None).describe(&headers);
    let reading = Reading {
        headers: &headers,
        description,
    };
    let values = values(data);
    match (
        reading.presented(&realm).expect("a URI is there").1,
        values.as_slice(),
    ) {
        (Presented::Nothing, []) | (Presented::Unusable(_), [_, _, ..]) => {}
        (Presented::Key(key), [value]) => {
            assert_eq!(key.expose_secret().as_bytes(), value.trim_ascii());
        }
        (Presented::Unusable(_), [value]) => assert!(!sound(value), "{}", value.escape_ascii()),
        (_, values) => panic!("{} values", values.len()),
    }
    realm.query_param = None;
    let (_, unasked) = reading.presented(&realm).expect("nobody looks at the URI");
    assert!(
        matches!(unasked, Presented::Nothing),
        "no query is read unasked"
    );
}

/// The values of the parameter, by the plainest way there is.
fn values(uri: &[u8]) -> Vec<&[u8]> {
    let Some(mark) = uri.iter().position(|b| *b == b'?') else {
        return Vec::new();
    };
    let pairs = uri[mark + 1..].split(|b| *b == b'&');
    pairs
        .filter_map(|pair| {
            if pair == b"api_key" {
                Some(&b""[..])
            } else {
                pair.strip_prefix(b"api_key=")
            }
        })
        .collect()
}

/// Whether a value could be a key: if so, it must not have been refused.
fn sound(value: &[u8]) -> bool {
    (1..=512).contains(&value.len()) && value.iter().all(u8::is_ascii_alphanumeric)
}
