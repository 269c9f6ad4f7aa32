//! Where the code that is built comes from, and what it may not do.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a test that cannot go on has failed"
)]

use std::fs;
use std::path::Path;

fn read(name: &str) -> toml::Table {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    fs::read_to_string(path).unwrap().parse().unwrap()
}

/// `cargo deny check` holds the same packages against advisories, which needs the network.
#[test]
fn every_dependency_is_locked_to_a_release_by_its_checksum() {
    let lock = read("Cargo.lock");
    let packages = lock["package"].as_array().unwrap();
    assert!(packages.len() > 50, "{}", packages.len());
    for package in packages {
        let (name, text) = (package["name"].as_str().unwrap(), |key: &str| {
            package.get(key).and_then(toml::Value::as_str)
        });
        if name == "htgate" {
            continue;
        }
        let index = "registry+https://github.com/rust-lang/crates.io-index";
        assert_eq!(text("source"), Some(index), "{name}");
        assert_eq!(text("checksum").map(str::len), Some(64), "{name}");
    }
}

#[test]
fn no_code_of_ours_may_be_unsafe() {
    let manifest = read("Cargo.toml");
    let lint = &manifest["lints"]["rust"]["unsafe_code"];
    assert_eq!(lint.as_str(), Some("forbid"));
}
