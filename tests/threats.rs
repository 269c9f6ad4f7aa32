//! `docs/threats.md`: every kind of attack has a test, and every test it names is there.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a test that cannot go on has failed"
)]

use std::fs;
use std::path::Path;

use regex_lite::Regex;

/// A row of one of the tables: what it is about, and its last cell.
struct Row {
    subject: String,
    shown_by: String,
}

fn read(name: &str) -> Option<String> {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).ok()
}

fn rows() -> Vec<Row> {
    let document = read("docs/threats.md").unwrap();
    let rows = document
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let rows = rows.map(|line| {
        let cells: Vec<&str> = line.split(" | ").collect();
        let (subject, shown_by) = (cells[0].to_owned(), cells.last().unwrap().to_string());
        Row { subject, shown_by }
    });
    rows.filter(|row| row.shown_by != "shown by").collect()
}

/// The tests that a cell names: file and function.
fn named(cell: &str) -> Vec<(String, String)> {
    let name = Regex::new(r"`([\w/]+\.rs)::(\w+)`").unwrap();
    name.captures_iter(cell)
        .map(|found| (found[1].to_owned(), found[2].to_owned()))
        .collect()
}

/// Whether a file has a test of this name: a function under an attribute that makes it one.
fn has_test(code: &str, name: &str) -> bool {
    let test = Regex::new(&format!(
        r"(?m)^\s*#\[(\w+::)?test\]\s*\n(\s*(#\[[^\n]*|///[^\n]*)\n)*\s*(async )?fn {name}\("
    ));
    test.unwrap().is_match(code)
}

#[test]
fn every_kind_of_attack_and_every_advisory_has_a_row() {
    let rows = rows();
    let kinds = rows.iter().filter(|row| {
        let number = row.subject.strip_prefix('A').unwrap_or_default();
        number.len() == 2 && number.parse::<u8>().is_ok()
    });
    let kinds: Vec<String> = kinds.map(|row| row.subject.clone()).collect();
    let expected: Vec<String> = (1..=59).map(|number| format!("A{number:02}")).collect();
    assert_eq!(kinds, expected);
    assert_eq!(rows.len() - kinds.len(), 15, "advisories");
}

#[test]
fn every_test_that_is_named_is_there() {
    let mut wrong = Vec::new();
    for Row { subject, shown_by } in rows() {
        for (file, name) in named(&shown_by) {
            match read(&file) {
                None => wrong.push(format!("{subject}: there is no {file}")),
                Some(code) if !has_test(&code, &name) => {
                    wrong.push(format!("{subject}: {file} has no test {name}"));
                }
                Some(_) => {}
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn no_row_is_without_a_test() {
    let open = rows().into_iter().filter(|row| {
        let tests = named(&row.shown_by);
        let rest = tests
            .iter()
            .fold(row.shown_by.clone(), |rest, (file, name)| {
                rest.replacen(&format!("`{file}::{name}`"), "", 1)
            });
        tests.is_empty() || rest.contains(|c: char| c != ',' && c != ' ')
    });
    let open: Vec<String> = open.map(|row| row.subject).collect();
    assert!(open.is_empty(), "without all of their tests: {open:?}");
}

/// An advisory's test is of no use if nobody finds it.
#[test]
fn every_test_of_an_advisory_is_in_the_table() {
    let table: Vec<(String, String)> = rows().iter().flat_map(|row| named(&row.shown_by)).collect();
    let test = Regex::new(r"(?m)^fn (\w+)\(\) \{").unwrap();
    for topic in ["addresses", "headers", "paths"] {
        let file = format!("tests/e2e/advisories/{topic}.rs");
        let code = read(&file).unwrap();
        for found in test.captures_iter(&code) {
            let row = (file.clone(), found[1].to_owned());
            assert!(table.contains(&row), "{row:?}");
        }
    }
}

#[test]
fn only_a_test_counts_as_one() {
    let code = "#[test]\n#[ignore = \"x\"]\nfn one() {}\nfn two() {}\n    #[actix_rt::test]\n    \
                async fn three() {}\n// fn four()\n#[test]\nfn five_() {}";
    for (name, counts) in [
        ("one", true),
        ("two", false),
        ("three", true),
        ("four", false),
        ("five", false),
    ] {
        assert_eq!(has_test(code, name), counts, "{name}");
    }
}
