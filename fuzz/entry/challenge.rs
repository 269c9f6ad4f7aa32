//! Challenges as they are written, read back by the letter of RFC 9110 §11.2 and §11.6.1: the
//! same challenge, and only that one.

use htgate::http_auth::{BearerError, Challenge, Realm, Scheme};
use htgate::identity::ScopeSet;

use super::Input;

pub fn challenge(data: &[u8]) {
    let mut input = Input::new(data);
    let scheme = input.pick(&Scheme::ALL);
    let (error, other) = (input.below(5), input.pick(&Scheme::ALL));
    let mut texts = input
        .rest()
        .splitn(2, |b| *b == b'\n')
        .map(String::from_utf8_lossy);
    let Some(Ok(realm)) = texts.next().map(|text| Realm::parse(&text)) else {
        return;
    };
    let scopes: ScopeSet = texts
        .next()
        .and_then(|text| text.parse().ok())
        .unwrap_or_default();
    let scopes = scopes.to_string();
    let error = match error {
        0 => None,
        1 => Some(BearerError::InvalidRequest),
        2 => Some(BearerError::InvalidToken(None)),
        3 => Some(BearerError::InvalidToken(Some("revoked"))),
        _ => Some(BearerError::InsufficientScope(&scopes)),
    };
    let written = Challenge {
        scheme,
        realm: &realm,
        error,
    };
    let plain = Challenge {
        scheme: other,
        realm: &realm,
        error: None,
    };
    let expected = [expected(&written), expected(&plain)];
    let (one, two) = (written.to_string(), plain.to_string());
    assert_eq!(parse(&one).as_deref(), Some(&expected[..1]), "{one}");
    let both = format!("{one}, {two}");
    assert_eq!(parse(&both).as_deref(), Some(&expected[..]), "{both}");
}

/// A challenge as it was read: the scheme, and its parameters in order.
type Parsed = (String, Vec<(String, String)>);

fn expected(challenge: &Challenge<'_>) -> Parsed {
    let mut params = vec![("realm", challenge.realm.as_str())];
    match (challenge.scheme, &challenge.error) {
        (Scheme::Basic, _) => params.push(("charset", "UTF-8")),
        (Scheme::ApiKey, _) | (Scheme::Bearer, None) => {}
        (Scheme::Bearer, Some(BearerError::InvalidRequest)) => {
            params.push(("error", "invalid_request"));
        }
        (Scheme::Bearer, Some(BearerError::InvalidToken(why))) => {
            params.push(("error", "invalid_token"));
            params.extend(why.map(|_| ("error_description", "the key is revoked")));
        }
        (Scheme::Bearer, Some(BearerError::InsufficientScope(scopes))) => {
            params.extend([("error", "insufficient_scope"), ("scope", *scopes)]);
        }
    }
    let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    (
        challenge.scheme.name().to_owned(),
        params.into_iter().map(own).collect(),
    )
}

/// A list of challenges, each with one parameter or more, all of them quoted.
fn parse(field: &str) -> Option<Vec<Parsed>> {
    let mut rest = field;
    let mut challenges: Vec<Parsed> = Vec::new();
    loop {
        let (word, after) = token(rest)?;
        // A scheme has a blank behind it, a parameter its equals sign.
        let (name, after) = match after.strip_prefix(' ') {
            Some(after) => {
                challenges.push((word.to_owned(), Vec::new()));
                token(after)?
            }
            None => (word, after),
        };
        let (value, after) = quoted(after.strip_prefix('=')?)?;
        let (_, params) = challenges.last_mut()?;
        if params.iter().any(|(known, _)| known == name) {
            return None;
        }
        params.push((name.to_owned(), value));
        if after.is_empty() {
            return Some(challenges);
        }
        rest = after.strip_prefix(", ")?;
    }
}

fn token(text: &str) -> Option<(&str, &str)> {
    let tchar = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let end = text.find(|c| !tchar(c)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// RFC 9110 §5.6.4.
fn quoted(text: &str) -> Option<(String, &str)> {
    let inner = text.strip_prefix('"')?;
    let mut value = String::new();
    let mut chars = inner.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &inner[at + 1..])),
            '\\' => value.push(chars.next()?.1),
            ' '..='~' | '\t' => value.push(c),
            _ => return None,
        }
    }
    None
}
