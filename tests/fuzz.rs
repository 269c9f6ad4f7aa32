//! The fuzz targets without a fuzzer: every input of the corpora, and mutations of them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a test that cannot go on has failed"
)]

#[path = "../fuzz/entry/mod.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared with the fuzz crate")]
mod entry;

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;
use std::time::{Duration, Instant};

use fastrand::Rng;

/// For how long each target gets mutations.
const PATIENCE: Duration = Duration::from_millis(1500);
/// The longest input that is made.
const LONGEST: usize = 512;

/// Replays the target's corpus, then runs it on mutations until it has had its time.
fn fuzz(name: &str, target: fn(&[u8])) {
    let corpus = corpus(name);
    assert!(
        corpus.len() >= 5,
        "{name}: a corpus of {} inputs",
        corpus.len()
    );
    let try_on = |input: &[u8]| {
        let input_or_panic = catch_unwind(|| target(input));
        assert!(
            input_or_panic.is_ok(),
            "{name} fails on b\"{}\"",
            input.escape_ascii()
        );
    };
    for input in &corpus {
        try_on(input);
    }
    let mut random = Rng::with_seed(7);
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        try_on(&mutation(&corpus, &mut random));
    }
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(name);
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// An input of the corpus with a few bytes or runs of bytes changed, or bytes out of nowhere.
fn mutation(corpus: &[Vec<u8>], random: &mut Rng) -> Vec<u8> {
    if random.usize(..8) == 0 {
        return (0..random.usize(..LONGEST))
            .map(|_| random.u8(..))
            .collect();
    }
    let mut input = corpus[random.usize(..corpus.len())].clone();
    for _ in 0..=random.usize(..4) {
        let other = &corpus[random.usize(..corpus.len())];
        let from = random.usize(..=other.len());
        let run = &other[from..][..random.usize(..=other.len() - from).min(32)];
        let at = random.usize(..=input.len());
        match random.usize(..5) {
            0 => input.truncate(at),
            1 => input.insert(at, random.u8(..)),
            2 if at < input.len() => input[at] ^= 1 << random.usize(..8),
            3 => drop(input.splice(at..at, run.iter().copied())),
            _ => {
                let end = (at + random.usize(..8)).min(input.len());
                input.splice(at..end, run.iter().copied());
            }
        }
    }
    input.truncate(LONGEST * 4);
    input
}

#[test]
fn authorization_values_say_one_thing() {
    fuzz("authorization", entry::authorization);
}

#[test]
fn challenges_are_read_back_as_they_were_written() {
    fuzz("challenge", entry::challenge);
}

#[test]
fn configurations_load_or_have_problems() {
    fuzz("configuration", entry::configuration);
}

#[test]
fn decisions_are_those_of_an_oracle() {
    fuzz("decision", entry::decision);
}

#[test]
fn descriptions_are_read_from_their_own_family() {
    fuzz("description", entry::description);
}

#[test]
fn group_files_add_up() {
    fuzz("groups", entry::groups);
}

#[test]
fn hosts_match_as_written() {
    fuzz("host", entry::host);
}

#[test]
fn htpasswd_files_are_consistent() {
    fuzz("htpasswd", entry::htpasswd);
}

#[test]
fn paths_have_the_readings_of_every_server() {
    fuzz("path", entry::path);
}

#[test]
fn query_keys_are_taken_once() {
    fuzz("query_key", entry::query_key);
}

#[test]
fn every_target_of_the_fuzzer_is_run_here() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let listed = fs::read_to_string(root.join("fuzz/Cargo.toml")).unwrap();
    let mut targets = 0;
    for file in fs::read_dir(root.join("fuzz/fuzz_targets")).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let run = format!("fuzz(\"{name}\", entry::{name});");
        assert!(include_str!("fuzz.rs").contains(&run), "{run}");
        assert!(listed.contains(&format!("name = \"{name}\"")), "{name}");
        targets += 1;
    }
    assert!(targets >= 10, "{targets} targets");
}
