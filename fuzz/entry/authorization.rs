//! `Authorization` values: what is taken is one scheme and one token, and says one thing.

use base64::prelude::{BASE64_STANDARD_NO_PAD, Engine as _};
use htgate::http_auth::{Authorization, Scheme, UserPass};

pub fn authorization(data: &[u8]) {
    let authorization = match Authorization::parse(data) {
        Ok(authorization) => authorization,
        Err(error) => return assert_eq!(error.to_string().lines().count(), 1),
    };
    let Authorization { scheme, token } = authorization;
    assert!(token.len() < data.len() && data.windows(token.len()).any(|t| t == token.as_bytes()));
    assert!(
        token
            .bytes()
            .all(|b| b.is_ascii_graphic() && !b"\",".contains(&b)),
        "{token}"
    );
    let name = scheme.name();
    for written in [
        format!("{name} {token}"),
        format!("{} {token}", name.to_uppercase()),
        format!(" {}   {token}\t", name.to_lowercase()),
    ] {
        assert_eq!(
            Authorization::parse(written.as_bytes()),
            Ok(authorization),
            "{written:?}"
        );
    }
    for several in [
        format!("{name} {token}, {name} {token}"),
        format!("{name} {token} {token}"),
    ] {
        assert!(
            Authorization::parse(several.as_bytes()).is_err(),
            "{several:?}"
        );
    }
    if scheme == Scheme::Basic {
        basic(token);
    }
}

/// A pair is what its token encodes, and no other token but for its padding encodes it.
fn basic(token: &str) {
    let pair = match UserPass::decode(token) {
        Ok(pair) => pair,
        Err(error) => return assert_eq!(error.to_string().lines().count(), 1),
    };
    assert!(
        !pair.user().contains(&b':'),
        "it is split at the first colon"
    );
    let whole = [pair.user(), b":", pair.password()].concat();
    assert!(!whole.iter().any(u8::is_ascii_control));
    let bare = BASE64_STANDARD_NO_PAD.encode(whole);
    assert_eq!(bare, token.trim_end_matches('='));
    let padding = ["", "===", "==", "="][bare.len() % 4];
    let padded = UserPass::decode(&format!("{bare}{padding}")).expect("padding is right");
    assert_eq!(
        (padded.user(), padded.password()),
        (pair.user(), pair.password())
    );
}
