//! The floors of the source: who may use whom, held against every path that names another module.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a test that cannot go on has failed"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use regex_lite::Regex;

/// Each module with those it may use: only ones above it in this table, so there is no circle.
const FLOORS: [(&str, &str); 17] = [
    // 0: words and pure computation.
    ("fingerprint", ""),
    ("http_auth", ""),
    ("identity", "http_auth"),
    ("password_hash", "identity"),
    ("request", "http_auth"),
    // 1: rules and the decision.
    ("policy", "http_auth identity request"),
    ("decision", "identity request policy"),
    // 2: secrets and schemes; dialects, which know neither.
    (
        "store",
        "fingerprint http_auth identity password_hash request",
    ),
    (
        "authn",
        "fingerprint http_auth identity password_hash request policy decision store",
    ),
    ("endpoint", "http_auth identity request decision"),
    // 3: the order of the steps.
    (
        "gate",
        "fingerprint http_auth identity password_hash request policy decision store authn endpoint",
    ),
    // 4: files, sockets, signals.
    ("config", BELOW),
    ("telemetry", BELOW),
    ("supervisor", BELOW),
    ("server", BELOW),
    ("app", BELOW),
    ("cli", BELOW),
];

/// Everything further up in the table.
const BELOW: &str = "*";

/// Modules that may name actix.
const EDGE: [&str; 3] = ["server", "cli", "supervisor"];

/// A source file without its tests and comments: the top-level module it belongs to, and its text.
struct Source {
    module: String,
    path: PathBuf,
    code: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.extend((path.file_name().unwrap() != "tests").then_some(path));
                continue;
            }
            let inside = path.strip_prefix(&root).unwrap().with_extension("");
            let tests = path.file_name().unwrap() == "tests.rs";
            if path.extension().is_none_or(|extension| extension != "rs") || tests {
                continue;
            }
            let module = inside.components().next().unwrap().as_os_str();
            sources.push(Source {
                module: module.to_str().unwrap().to_owned(),
                code: code(&fs::read_to_string(&path).unwrap()),
                path: inside,
            });
        }
    }
    sources
}

/// The text up to its tests, without comment lines.
fn code(text: &str) -> String {
    let end = text.find("\n#[cfg(test)]\nmod tests").unwrap_or(text.len());
    let lines = text[..end].lines();
    let lines = lines.filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The top-level modules that a text names, by `crate::name` or in `use crate::{name, …}`.
fn used(code: &str) -> BTreeSet<String> {
    let path = Regex::new(r"\bcrate::(\w+)").unwrap();
    let group = Regex::new(r"\bcrate::\{([^;]*)\}\s*;").unwrap();
    let inner = Regex::new(r"\{[^{}]*\}").unwrap();
    let mut used: BTreeSet<String> = path
        .captures_iter(code)
        .map(|found| found[1].to_owned())
        .collect();
    for found in group.captures_iter(code) {
        let mut names = found[1].to_owned();
        while inner.is_match(&names) {
            names = inner.replace_all(&names, "").into_owned();
        }
        let names = names
            .split(',')
            .filter_map(|name| name.trim().split("::").next());
        used.extend(names.filter(|name| !name.is_empty()).map(str::to_owned));
    }
    used
}

#[test]
fn no_module_uses_one_that_it_may_not() {
    let mut wrong = Vec::new();
    for Source { module, path, code } in sources() {
        if module == "main" || module == "lib" {
            continue;
        }
        let Some(floor) = FLOORS.iter().position(|(name, _)| *name == module) else {
            wrong.push(format!("{} is on no floor", path.display()));
            continue;
        };
        let below: Vec<&str> = FLOORS[..floor].iter().map(|(name, _)| *name).collect();
        let allowed = match FLOORS[floor].1 {
            BELOW => below,
            names => names.split_whitespace().collect(),
        };
        for other in used(&code) {
            if other != module && !allowed.contains(&&*other) {
                wrong.push(format!("{} uses {other}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_table_has_no_circle_and_every_module_of_the_library() {
    for (floor, (module, uses)) in FLOORS.iter().enumerate() {
        for other in uses.split_whitespace().filter(|other| *other != BELOW) {
            let found = FLOORS[..floor].iter().any(|(name, _)| *name == other);
            assert!(
                found,
                "{module} may use {other}, which does not stand above it"
            );
        }
    }
    let found: BTreeSet<String> = sources().into_iter().map(|source| source.module).collect();
    let known = FLOORS.iter().map(|(name, _)| *name).chain(["main", "lib"]);
    assert_eq!(found, known.map(str::to_owned).collect());
}

#[test]
fn actix_is_named_only_at_the_edge() {
    let actix = Regex::new(r"\bactix_\w+::|\bactix::").unwrap();
    for Source { module, path, code } in sources() {
        let named = actix.is_match(&code) && !EDGE.contains(&&*module);
        assert!(!named, "{} names actix", path.display());
    }
}

#[test]
fn every_way_of_naming_a_module_is_found() {
    for (code, expected) in [
        ("use crate::store::Htpasswd;", "store"),
        ("fn f() -> crate::gate::World {}", "gate"),
        ("pub(in crate::store) fn f() {}", "store"),
        (
            "use crate::{\n    gate::{Gate, Policy},\n    store::{self, api_keys::{A, B}},\n};",
            "gate store",
        ),
        ("use crate::authn;", "authn"),
        ("use super::store; use mycrate::gate;", ""),
        (&code("    // crate::gate\n"), ""),
        (
            &code("use crate::a;\n\n#[cfg(test)]\nmod tests {\n    use crate::b;\n}"),
            "a",
        ),
    ] {
        let names: Vec<String> = used(code).into_iter().collect();
        assert_eq!(names.join(" "), expected, "{code}");
    }
}
