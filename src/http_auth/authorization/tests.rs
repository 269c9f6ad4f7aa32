use serde_json::Value;

use super::*;

/// `tests/data/vectors/authorization.json`, whose Digest cases are for a scheme we don't have.
fn vectors(kind: &str) -> Vec<Value> {
    let text = include_str!("../../../tests/data/vectors/authorization.json");
    let file: Value = serde_json::from_str(text).unwrap();
    let cases = file["cases"].as_array().unwrap().iter();
    let cases: Vec<_> = cases.filter(|case| case["kind"] == kind).cloned().collect();
    assert!(!cases.is_empty(), "no vectors of kind {kind}");
    cases
}

fn bytes(base64: &Value) -> Vec<u8> {
    base64::prelude::BASE64_STANDARD
        .decode(base64.as_str().unwrap())
        .unwrap()
}

/// The single field value of a case; two values are refused before anything is parsed.
fn value(case: &Value) -> Option<Vec<u8>> {
    let values = case["headers_b64"].as_array().unwrap();
    (values.len() == 1).then(|| bytes(&values[0]))
}

#[test]
fn basic_vectors_give_the_user_and_password_or_a_refusal() {
    for case in vectors("basic") {
        let field = value(&case);
        let read = field.as_deref().and_then(|value| {
            let credentials = Authorization::parse(value).ok()?;
            let basic = credentials.scheme == Scheme::Basic;
            basic
                .then(|| UserPass::decode(credentials.token).ok())
                .flatten()
        });
        let expected = &case["expect"];
        match read {
            Some(pair) => {
                assert_eq!(expected["ok"], true, "{case}");
                assert_eq!(pair.user(), bytes(&expected["user_b64"]), "{case}");
                assert_eq!(pair.password(), bytes(&expected["password_b64"]), "{case}");
            }
            None => assert_eq!(expected["ok"], false, "{case}"),
        }
    }
}

#[test]
fn bearer_vectors_give_the_token_or_a_refusal() {
    for case in vectors("bearer") {
        let field = value(&case);
        let read = field
            .as_deref()
            .and_then(|value| Authorization::parse(value).ok());
        let expected = &case["expect"];
        match read {
            Some(credentials) if credentials.scheme == Scheme::Bearer => {
                assert_eq!(expected["token"], credentials.token, "{case}");
            }
            _ => assert_eq!(expected["ok"], false, "{case}"),
        }
    }
}

#[test]
fn challenge_vectors_are_written_as_expected() {
    use crate::http_auth::{Challenge, Realm};
    for case in vectors("challenge") {
        let realm = Realm::parse(case["input"]["realm"].as_str().unwrap());
        let expected = &case["expect"];
        assert_eq!(expected["ok"], realm.is_ok(), "{case}");
        if let Ok(realm) = &realm {
            let challenge = Challenge {
                scheme: Scheme::Basic,
                realm,
                error: None,
            };
            assert_eq!(expected["value"], challenge.to_string(), "{case}");
        }
    }
}

#[test]
fn a_key_of_any_look_is_one_token() {
    for (value, token) in [
        (
            "Bearer secret-token:abc%20def",
            Some("secret-token:abc%20def"),
        ), // RFC 8959
        ("ApiKey a!b$c", Some("a!b$c")),
        ("ApiKey a=b", None),
        ("Basic secret-token:abc", None),
    ] {
        let read = Authorization::parse(value.as_bytes()).ok();
        assert_eq!(read.map(|read| read.token), token, "{value}");
    }
}

#[test]
fn what_is_wrong_is_said_without_the_value() {
    for (value, error) in [
        ("", InvalidAuthorization::Empty),
        ("htg_secret", InvalidAuthorization::NoScheme),
        ("Bearer", InvalidAuthorization::NoCredentials),
        ("Bearer two words", InvalidAuthorization::NotToken68),
        ("Digest a=1", InvalidAuthorization::UnknownScheme),
    ] {
        assert_eq!(
            Authorization::parse(value.as_bytes()),
            Err(error),
            "{value}"
        );
    }
}
