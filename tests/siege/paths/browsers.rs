//! URLs as browsers write them: each falls under its policy, and none is refused.
//!
//! A browser (WHATWG URL) resolves dot segments, also `%2e`, makes slashes of backslashes, writes
//! a blank as `%20` and what is not ASCII as escaped UTF-8, leaves `'|[]^!$&()*+,=:@;~` as they
//! are, and keeps the fragment to itself. What pages put into links as data has gone through
//! `encodeURIComponent`: there `%2F`, `%3F`, `%23`, `%25`, `%3B` and `%5C` occur.
//!
//! Some of what a browser could be made to send is two paths to two servers, and is left out here
//! because it is refused on purpose:
//!
//! - data that is a way by itself, as in `..%2Fx`, and a `%25` before two hexadecimal digits
//!   (`100%25ab`), which is an escape to whoever decodes twice;
//! - what makes the boundary of a corner unclear: parameters or a final dot in the segment that a
//!   rule names (`/public;v=1/x`), an escaped slash beside it, data with an escaped slash or
//!   question mark where a rule has `*`, and two slashes at the very beginning;
//! - a `%` that is no escape, which nginx refuses too.
//!
//! Elsewhere parameters (`;jsessionid=…`), empty segments, final dots and escaped slashes occur.

use fastrand::Rng;
use htgate::policy::PolicyRef::{self, Closed, Open};

use super::{
    models, pick,
    sites::{STAFF, Site},
};
use crate::{harness::Failures, trial::Trial};

/// Below these anything goes.
const CORNERS: [(&str, PolicyRef); 5] = [
    ("/public/", Open),
    ("/public/docs/", Open),
    ("/admin/", Closed),
    ("/api/", STAFF),
    ("/", STAFF),
];
/// These are pages; nothing but a query follows.
const PAGES: [(&str, PolicyRef); 10] = [
    ("/", STAFF),
    ("/index.html", STAFF),
    ("/public", STAFF),
    ("/public/", Open),
    ("/public;jsessionid=0A1B2C", STAFF),
    ("/publications/x", STAFF),
    ("/admin", Closed),
    ("/favicon.ico", Open),
    ("/api/v1/status", Open),
    ("/api/caf%C3%A9%20au%20lait/status", Open),
];
const WORDS: [&str; 14] = [
    "blog",
    "user",
    "Images",
    "wiki",
    "v2.1",
    "2024-05-01",
    "read_me",
    "~kim",
    "archive.tar.gz",
    ".well-known",
    "..a",
    "a..b",
    "x",
    "index",
];
/// Characters that stay as they are, and escapes of one that could not.
const TEXT: [&str; 34] = [
    "a",
    "Zoo",
    "7",
    "-",
    "_",
    "~",
    "!",
    "$",
    "&",
    "'",
    "(",
    ")",
    "*",
    "+",
    ",",
    "=",
    ":",
    "@",
    "|",
    "[",
    "]",
    "^",
    "%20",
    "%22",
    "%3C",
    "%3E",
    "%60",
    "%7B",
    "%7D",
    "%5E",
    "%C3%A9",
    "%E6%BC%A2%E5%AD%97",
    "%F0%9F%99%82",
    "%d0%b6",
];
/// Data behind a word, as `encodeURIComponent` writes it.
const DATA: [&str; 14] = [
    "AC%2FDC",
    "What%3F",
    "C%23",
    "100%25",
    "100%25%20sure",
    "a%3Bb",
    "C%3A%5Cx",
    "Q%26A",
    "1%2F2%2F3",
    "%7Ekim",
    "what%3Fever",
    "%23tag",
    "tail%2F",
    "%41ugust",
];
/// Behind a word in any segment but the one that a rule names.
const ENDS: [&str; 8] = [
    ".",
    "...",
    "%20",
    ";jsessionid=0A1B2C",
    ";v=1",
    ";id=15;foo=a,b",
    "%E2%80%A6",
    ".%20",
];
const QUERIES: [&str; 16] = [
    "",
    "?",
    "??",
    "?a=/../b",
    "?next=http://x.example/%2e%2e/admin",
    "?q=%zz",
    "?%00",
    "?a[]=1",
    "?q=a+b|c&d=e",
    "?/public/",
    "?a=;b",
    "?q=caf%C3%A9",
    "?x=%2F..%2Fadmin",
    "?a=\\..\\b",
    "?%",
    "?a=//x",
];

fn site() -> Site {
    Site::new(
        "a site with corners",
        &[
            (&["/public/**", "/favicon.ico", "/api/*/status"], Open),
            (&["/admin", "/admin/**"], Closed),
            (&[], STAFF),
        ],
        |path| {
            let status = path
                .strip_prefix(b"/api/")
                .and_then(|path| path.strip_suffix(b"/status"))
                .is_some_and(|version| !version.contains(&b'/'));
            if path.starts_with(b"/public/") || path == b"/favicon.ico" || status {
                Open
            } else if path == b"/admin" || path.starts_with(b"/admin/") {
                Closed
            } else {
                STAFF
            }
        },
    )
}

/// A path with a query, and the policy of its place.
fn url(random: &mut Rng) -> (String, PolicyRef) {
    let (place, policy) = if random.usize(..8) == 0 {
        PAGES[random.usize(..PAGES.len())]
    } else {
        CORNERS[random.usize(..CORNERS.len())]
    };
    let mut url = place.to_owned();
    if CORNERS.contains(&(place, policy)) {
        segment(random, &mut url);
        for _ in 0..random.usize(..5) {
            url += if random.usize(..30) == 0 { "//" } else { "/" };
            segment(random, &mut url);
        }
        url += pick(random, &["", "", "", "/"]);
    }
    url += pick(random, &QUERIES);
    (url, policy)
}

fn segment(random: &mut Rng, url: &mut String) {
    match random.usize(..8) {
        0..3 => *url += pick(random, &WORDS),
        3..6 => {
            for _ in 0..=random.usize(..12) {
                *url += pick(random, &TEXT);
            }
        }
        6 => *url += pick(random, &DATA),
        _ => {
            *url += pick(random, &WORDS);
            *url += pick(random, &ENDS);
        }
    }
}

#[test]
fn no_url_that_a_browser_writes_is_refused_or_misjudged() {
    let mut trial = Trial::begin("paths: URLs as browsers write them");
    let all = trial.times(20_000, 100_000);
    let mut random = Rng::with_seed(6);
    let (site, mut failures, mut wrong) = (site(), Failures::default(), 0);
    for done in 0..all {
        let (url, policy) = url(&mut random);
        let path = models::rfc3986(url.as_bytes()).expect("a browser's URL has no bad escape");
        assert_eq!((site.meaning)(&path), policy, "{url}");
        let verdict = site.verdict(url.as_bytes());
        if verdict != Some(policy) {
            wrong += 1;
            if wrong <= 20 {
                failures.add(format!("{url} is {verdict:?} and not {policy:?}"));
            }
        }
        trial.progress(done, all);
    }
    failures.report();
    trial.end(
        &format!("{all} URLs in and around open and closed corners"),
        "0 refused, 0 under another policy than their place's",
    );
}
