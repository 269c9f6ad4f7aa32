//! What a run was made on and with.

use std::{fmt::Write as _, fs, path::Path, process::Command};

use jiff::Zoned;

use crate::harness::program::PROGRAM;

/// Programs and how they are asked for their version.
const PROGRAMS: [(&str, &str); 10] = [
    (PROGRAM, "--version"),
    ("rustc", "--version"),
    ("/usr/sbin/nginx", "-v"),
    ("/usr/sbin/apache2", "-v"),
    ("caddy", "version"),
    ("target/tools/traefik", "version"),
    ("psql", "--version"),
    ("wrk", "-v"),
    ("valgrind", "--version"),
    ("uname", "-sr"),
];

/// Date, machine and versions, in a few lines.
pub(crate) fn description() -> String {
    let cpu = first_value("/proc/cpuinfo", "model name");
    let memory = first_value("/proc/meminfo", "MemTotal");
    let cores = std::thread::available_parallelism().unwrap();
    let mut text = format!(
        "## Figures of {}\n\n{cpu}, {cores} cores, {memory} of memory.\n\n",
        Zoned::now().date()
    );
    for (program, question) in PROGRAMS {
        let name = Path::new(program).file_name().unwrap().to_string_lossy();
        writeln!(text, "- {name}: {}", version(program, question)).unwrap();
    }
    text
}

/// The first line that a program says of itself, wherever it says it and however it ends.
fn version(program: &str, question: &str) -> String {
    let output = Command::new(program)
        .arg(question)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output();
    let Ok(output) = output else {
        return "not there".to_owned();
    };
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    let line = text.lines().find(|line| line.contains(char::is_numeric));
    line.unwrap_or_default().trim().to_owned()
}

/// What stands after the colon of the first such line.
pub(crate) fn first_value(file: &str, name: &str) -> String {
    let text = fs::read_to_string(file).unwrap();
    let line = text.lines().find(|line| line.starts_with(name));
    let value = line.and_then(|line| line.split_once(':'));
    value.map_or_else(String::new, |(_, value)| value.trim().to_owned())
}
