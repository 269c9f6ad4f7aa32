//! A power cut: what was not synced is lost or torn.
//!
//! Commands run under strace. What they wrote and synced, and in which order, says which disks a
//! cut at any moment may leave.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use regex_lite::Regex;

use super::{
    Change, Ended, any,
    deeds::{Deed, State, digest_of},
    disk::{Disk, Step},
    keys::Store,
};
use crate::{harness::program::PROGRAM, trial::Trial};

/// How many cuts of each command are tried.
const CUTS: u64 = 10;
const CALLS: &str = "trace=openat,write,pwrite64,ftruncate,fsync,fdatasync,rename,renameat,\
    renameat2,unlink,unlinkat";

#[test]
#[ignore = "needs strace; tests/run installs it"]
fn a_power_cut_loses_no_acknowledged_change_and_leaves_no_half() {
    let mut trial = Trial::begin("power cuts");
    let commands = trial.times(30, 2_000) / CUTS;
    let (mut store, cut) = (Store::new(), tempfile::tempdir().unwrap());
    let (mut lost, mut kept, mut told) = (0, 0, 0);
    for number in 0..commands {
        let deed = Deed::choose(&store.state, number);
        let before = store.state.clone();
        let folder = store.htgate.path("");
        let disk = Disk::of(&folder);
        let (ended, steps) = traced(&store, &deed);
        assert_eq!(store.found(&deed, &ended), Change::Whole, "{deed:?}");
        for _ in 0..CUTS {
            let at = *any(&(0..=steps.len()).collect::<Vec<_>>());
            let mut disk = disk.clone();
            steps[..at].iter().for_each(|step| disk.take(step));
            disk.write_to(cut.path());
            let state = State::read(&cut.path().join("keys.db"));
            let change = deed.change(&before, &state);
            let acknowledged = disk.told || at == steps.len();
            let plaintext = deed.plaintext(&ended).filter(|_| acknowledged);
            assert!(
                change == Change::Whole || !acknowledged,
                "{deed:?} is lost, cut at step {at} of {}",
                steps.len()
            );
            if let Some(key) = plaintext {
                assert_eq!(state.new_digest(&before), Some(&digest_of(&key)));
            }
            match (acknowledged, change) {
                (true, _) => told += 1,
                (false, Change::Whole) => kept += 1,
                (false, Change::Nothing) => lost += 1,
            }
        }
        trial.progress(number, commands);
    }
    assert!(
        lost > 0 && told > 0,
        "cuts came always too late or too soon"
    );
    trial.end(
        &format!(
            "{} cuts of the power during key commands, what was not synced lost or torn: {lost} \
             before the change, {kept} after it and before its acknowledgment, {told} after that",
            commands * CUTS
        ),
        "0 acknowledged changes lost, 0 half done, 0 stores that don't open",
    );
}

/// Runs a command, and tells what it did in its folder.
fn traced(store: &Store, deed: &Deed) -> (Ended, Vec<Step>) {
    let folder = store.htgate.path("");
    let trace = tempfile::NamedTempFile::new().unwrap();
    let mut command = Command::new("strace");
    command.args(["-f", "-xx", "-s", "1000000", "-e", CALLS, "-o"]);
    command
        .arg(trace.path())
        .arg(PROGRAM)
        .args(deed.arguments());
    command.arg("--config").arg(folder.join("htgate.toml"));
    let input = folder.join("input");
    fs::write(&input, deed.input()).unwrap();
    let output = command.stdin(fs::File::open(&input).unwrap()).output();
    let output = output.expect("strace; tests/setup installs what is missing");
    assert!(output.status.success(), "{deed:?}: {output:?}");
    let ended = Ended {
        status: output.status.code(),
        printed: String::from_utf8(output.stdout).unwrap(),
    };
    let trace = fs::read_to_string(trace.path()).unwrap();
    (ended, steps(&trace, &folder))
}

fn steps(trace: &str, folder: &Path) -> Vec<Step> {
    assert!(!trace.contains("<unfinished"), "more threads than one");
    let call = Regex::new(r"^\d+ +(\w+)\((.*)\) += (\d+)$").unwrap();
    let string = Regex::new(r#""((?:\\x[0-9a-f]{2})*)""#).unwrap();
    let number = Regex::new(r"^\d+|, (\d+)").unwrap();
    let calls = trace.lines().filter_map(|line| call.captures(line));
    calls
        .filter_map(|call| {
            let (arguments, result) = (&call[2], call[3].parse().unwrap());
            let strings = string
                .captures_iter(arguments)
                .map(|text| unescaped(&text[1]));
            let strings: Vec<Vec<u8>> = strings.collect();
            let bare = string.replace_all(arguments, "");
            let numbers = number
                .find_iter(&bare)
                .map(|n| n.as_str().trim_start_matches(", "));
            let numbers: Vec<u64> = numbers.map(|n| n.parse().unwrap()).collect();
            let name = |n: usize| {
                let path = PathBuf::from(String::from_utf8(strings[n].clone()).unwrap());
                let name = path.strip_prefix(folder).ok()?;
                Some(name.to_str().unwrap().to_owned())
            };
            Some(match &call[1] {
                "openat" => Step::Open {
                    fd: result,
                    name: name(0)?,
                    made: arguments.contains("O_CREAT"),
                },
                "write" | "pwrite64" => Step::Write {
                    fd: numbers[0],
                    at: numbers.get(2).map(|at| usize::try_from(*at).unwrap()),
                    bytes: strings[0].clone(),
                },
                "ftruncate" => Step::Length {
                    fd: numbers[0],
                    len: usize::try_from(numbers[1]).unwrap(),
                },
                "fsync" | "fdatasync" => Step::Sync { fd: numbers[0] },
                "unlink" | "unlinkat" => Step::Remove { name: name(0)? },
                _ => Step::Rename {
                    from: name(0)?,
                    to: name(1)?,
                },
            })
        })
        .collect()
}

fn unescaped(text: &str) -> Vec<u8> {
    let digits = text.split("\\x").skip(1);
    digits
        .map(|two| u8::from_str_radix(two, 16).unwrap())
        .collect()
}
