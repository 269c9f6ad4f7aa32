//! Secrets made to be looked for, in every form that they may be carried in.

use std::fmt::Write as _;

use base64::{
    Engine,
    prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD},
};
use memchr::memmem;
use sha2::{Digest, Sha256};

use crate::{harness::Failures, trial::Trial};

/// A secret, known by what it is.
#[derive(Clone)]
pub(crate) struct Canary {
    pub(crate) what: &'static str,
    pub(crate) value: String,
    /// What of the value is secret; a key begins with what is not.
    secret: String,
}

impl Canary {
    /// A password or the like, always the same one for the same words.
    pub(crate) fn new(what: &'static str) -> Self {
        let digest = Sha256::digest(what);
        let value = BASE64_URL_SAFE_NO_PAD.encode(digest.get(..18).unwrap());
        Self::of(what, value.replace(['-', '_'], "?"))
    }

    /// A secret that is there already.
    pub(crate) fn of(what: &'static str, value: String) -> Self {
        let secret = value.clone();
        Self {
            what,
            value,
            secret,
        }
    }

    /// A key of ours: prefix and id are told.
    pub(crate) fn key(what: &'static str, value: String) -> Self {
        let secret = value.rsplit('_').next().unwrap().to_owned();
        Self {
            what,
            value,
            secret,
        }
    }

    /// The secret and its halves as they are; in hexadecimal, percent-encoded, and in base64,
    /// wherever it stands in what is encoded.
    fn forms(&self) -> Vec<(&'static str, Vec<u8>)> {
        let bytes = self.secret.as_bytes();
        let (front, back) = bytes.split_at(bytes.len() / 2);
        let mut forms = vec![
            ("first half", front.to_vec()),
            ("second half", back.to_vec()),
        ];
        let hex = spelled(bytes, "", |_| true);
        forms.push(("hex", hex.to_uppercase().into_bytes()));
        forms.push(("hex", hex.into_bytes()));
        let percent = spelled(bytes, "%", |_| true);
        forms.push(("percent", percent.to_uppercase().into_bytes()));
        forms.push(("percent", percent.into_bytes()));
        let needed = spelled(bytes, "%", |byte| !byte.is_ascii_alphanumeric());
        forms.push(("percent", needed.into_bytes()));
        for engine in [BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD] {
            for before in 0..3 {
                let shifted = [&b"\0\0"[..before], bytes].concat();
                let whole = shifted.len() / 3 * 3; // what follows has a say in the rest
                let encoded = engine.encode(&shifted[..whole]);
                let own = encoded.get([0, 2, 3][before]..).unwrap();
                forms.push(("base64", own.as_bytes().to_vec()));
            }
        }
        forms
    }
}

/// The bytes in hexadecimal, each after a mark; those that need none stay.
fn spelled(bytes: &[u8], mark: &str, needs: impl Fn(u8) -> bool) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let done = if needs(*byte) {
            write!(text, "{mark}{byte:02x}")
        } else {
            write!(text, "{}", char::from(*byte))
        };
        done.unwrap();
        text
    })
}

/// Looks for canaries.
pub(crate) struct Search(Vec<(String, memmem::Finder<'static>)>);

impl Search {
    pub(crate) fn new<'c>(canaries: impl IntoIterator<Item = &'c Canary>) -> Self {
        let finders = canaries.into_iter().flat_map(|canary| {
            let forms = canary.forms().into_iter();
            let what = canary.what;
            forms.map(move |(form, bytes)| {
                (
                    format!("{what}, {form}"),
                    memmem::Finder::new(&bytes).into_owned(),
                )
            })
        });
        Self(finders.collect())
    }

    /// Notes each canary that is in these bytes, with what stands around it.
    pub(crate) fn look(&self, place: &str, bytes: &[u8], failures: &mut Failures) -> usize {
        let mut found = 0;
        for (name, finder) in &self.0 {
            if let Some(at) = finder.find(bytes) {
                found += 1;
                let around = at.saturating_sub(60)..bytes.len().min(at + 60);
                let around = bytes[around].escape_ascii();
                failures.add(format!("{name} in {place}: {around}"));
            }
        }
        found
    }
}

#[test]
fn a_canary_is_found_in_every_form() {
    let trial = Trial::begin("finding secrets");
    let canary = Canary::new("a canary for the search itself");
    let search = Search::new([&canary]);
    let bytes = canary.value.as_bytes();
    for (before, after) in [("", ""), ("u:", ""), ("apikey:", "x"), ("alice:", "\r\n")] {
        let text = [before.as_bytes(), bytes, after.as_bytes()].concat();
        let forms = [
            text.clone(),
            BASE64_STANDARD_NO_PAD.encode(&text).into_bytes(),
            spelled(&text, "%", |b| !b.is_ascii_alphanumeric()).into_bytes(),
            spelled(&text, "", |_| true).into_bytes(),
        ];
        for form in forms {
            let mut failures = Failures::default();
            let found = search.look("a text", &form, &mut failures);
            assert!(found > 0, "{}", form.escape_ascii());
        }
    }
    let tried = "a secret plain, in base64, percent-encoded, in hexadecimal, at every alignment";
    trial.end(tried, "found in each");
}
