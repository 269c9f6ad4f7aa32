//! The ways of presenting a secret in a head, right ones and wrong ones.

use base64::{Engine, prelude::BASE64_STANDARD};

/// Header lines with a user and a password, well and badly made.
pub(super) fn as_password(user: &str, password: &str) -> Vec<String> {
    let pair = format!("{user}:{password}");
    let token = BASE64_STANDARD.encode(&pair);
    let line = |value: String| format!("Authorization: {value}\r\n");
    let right = line(format!("Basic {token}"));
    vec![
        right.clone(),
        format!("{right}{right}"),
        format!("{right}X-API-Key: {password}\r\n"),
        line(format!("basic   {}", token.trim_end_matches('='))),
        line(format!("Basic {token}=")),
        line(format!("Basic {token} {token}")),
        line(format!("Basic {token}, {token}")),
        line(format!("Basic {pair}")),
        line(format!("Basic {}", token.replace('=', "").split_at(9).1)),
        line(format!(
            "Basic {}",
            BASE64_STANDARD.encode(format!("{pair}\n"))
        )),
        line(format!("Basic {}", BASE64_STANDARD.encode(password))),
        line(format!("Basic {}", pair.replace(':', "%3A"))),
        line(format!(
            "Digest username=\"{user}\", response=\"{password}\""
        )),
        line(format!("{password} {token}")),
        line(pair),
        format!("Authorization: Basic {token}\r\n folded\r\n"),
        format!("Authorization : Basic {token}\r\n"),
        format!("Authorization: Basic {token}\0\r\n"),
        format!("{password}\r\n"),
        format!("X-Forwarded-Host: {user}:{password}@app.example\r\n"),
        format!("X-Forwarded-Method: {password}\r\n"),
        format!("Content-Length: {password}\r\n"),
        format!("Transfer-Encoding: {password}\r\n"),
        format!("Accept: {password}\r\n"),
        format!("Cookie: session={password}\r\n{right}"),
    ]
}

/// Header lines with a key, well and badly made.
pub(super) fn as_key(key: &str) -> Vec<String> {
    let line = |value: String| format!("Authorization: {value}\r\n");
    let header = format!("X-API-Key: {key}\r\n");
    let bearer = line(format!("Bearer {key}"));
    let basic = |user: &str| BASE64_STANDARD.encode(format!("{user}:{key}"));
    vec![
        bearer.clone(),
        header.clone(),
        format!("{header}{header}"),
        format!("{bearer}{header}"),
        line(format!("ApiKey {key}")),
        line(format!("Basic {}", basic("apikey"))),
        line(format!("Basic {}", basic(""))),
        line(format!("Basic {}", basic("alice"))),
        line(format!(
            "Basic {}",
            BASE64_STANDARD.encode(format!("{key}:"))
        )),
        line(format!("Bearer {key}, {key}")),
        line(format!("Bearer \"{key}\"")),
        line(format!("Bearer {key}\u{e9}")),
        line(format!("Bearer {}", key.repeat(12))),
        line(format!("Token {key}")),
        line(key.to_owned()),
        format!("X-API-Key: {key} {key}\r\n"),
        format!("X-API-Key: {key},\r\n"),
        format!("{key}: x\r\n"),
        format!("X-API-Key: {key}\x01\r\n"),
    ]
}

/// Queries with a key, well and badly made, each after header lines to go with it.
pub(super) fn in_query(key: &str) -> Vec<(String, String)> {
    let query = |query: String| (String::new(), query);
    vec![
        query(format!("?api_key={key}")),
        query(format!("?a=b&api_key={key}&c=d")),
        query(format!("?api_key={key}&api_key={key}")),
        query(format!("?API_KEY={key}&password={key}")),
        query(format!("?api_key=%7e{key}#{key}")),
        (format!("X-API-Key: {key}\r\n"), format!("?api_key={key}")),
    ]
}
