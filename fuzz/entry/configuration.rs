//! Configurations: any text loads or gives problems, each with a place and most with a line.

use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::path::Path;

use htgate::config::Source;

pub fn configuration(data: &[u8]) {
    // A file without a name, since the loader wants a path.
    let mut file = tempfile::tempfile().expect("a temporary file");
    file.write_all(data)
        .and_then(|()| file.rewind())
        .expect("room for it");
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    load(Path::new(&path), data);
    drop::<File>(file);
}

fn load(path: &Path, data: &[u8]) {
    let lines = data.split(|b| *b == b'\n').count();
    match Source::file(path).load() {
        Ok((settings, advice)) => {
            assert!(!settings.server.listen.is_empty());
            assert_eq!(
                settings.needs_restart(&settings),
                [""; 0],
                "the same needs no restart"
            );
            for policy in settings.policies.values() {
                assert!(
                    settings.realms.contains_key(&policy.realm),
                    "{}",
                    policy.name
                );
            }
            for rule in &settings.rules {
                let policy = rule.policy.as_str();
                assert!(
                    matches!(policy, "open" | "closed") || settings.policies.contains_key(policy)
                );
            }
            assert!(advice.iter().all(|line| !line.trim().is_empty()));
        }
        Err(problems) => {
            let text = problems.to_string();
            assert!(!text.is_empty());
            for problem in text.lines() {
                let rest = problem.strip_prefix(path.to_str().expect("a path of ours"));
                let rest = rest.unwrap_or_else(|| panic!("no place: {problem:?}"));
                let (line, what) = rest[1..].split_once(' ').expect("something is said");
                if let Some(line) = line.strip_suffix(':') {
                    let line: usize = line.parse().expect("a line");
                    assert!(
                        (1..=lines).contains(&line),
                        "line {line} of {lines}: {problem}"
                    );
                }
                assert!(!what.trim().is_empty(), "{problem}");
            }
        }
    }
}
