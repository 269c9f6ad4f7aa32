//! What a process leaves for others to read: its memory, and the core file of a crash.

use std::{
    fs,
    os::unix::process::ExitStatusExt,
    process::{Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

use super::world::World;
use crate::{
    canary::Search,
    harness::{Failures, eventually, http::PATIENCE, program::PROGRAM, site},
    observed::{is_root, writable_memory},
    trial::Trial,
};

/// Clients at once.
const CLIENTS: usize = 4;

#[test]
#[ignore = "needs root or sudo, to read the memory of a process; tests/run has it"]
fn memory_holds_no_secret_once_nothing_needs_it() {
    let trial = Trial::begin("secrets in memory after expiry");
    let mut world = World::start();
    let search = Search::new(world.sent());
    let presentations = world.presentations();
    let rounds = usize::try_from(trial.times(1, 20)).unwrap();
    let asked = rounds * presentations.len();
    // Side by side, for every buffer that is kept for a next request.
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (world, presentations) = (&world, &presentations);
            scope.spawn(move || {
                for (lines, query) in presentations.iter().cycle().skip(client * 7).take(asked) {
                    world.ask("/auth-request", "*/*", lines, query);
                    world.ask("/forward-auth", "*/*", lines, query);
                }
            });
        }
    });
    // What is remembered is remembered for a second; a connection is cut within one.
    thread::sleep(Duration::from_secs(3));
    let memory = writable_memory(world.htgate.process());
    let size: usize = memory.iter().map(|(_, bytes)| bytes.len()).sum();
    let mut failures = Failures::default();
    for (region, bytes) in &memory {
        search.look(region, bytes, &mut failures);
    }
    failures.report();
    let tried = format!(
        "{} requests, then all {} MB searched",
        2 * CLIENTS * asked,
        size >> 20
    );
    trial.end(&tried, "no password, no key");
}

#[test]
fn a_crash_leaves_no_core() {
    let trial = Trial::begin("core files");
    for signal in ["ABRT", "ILL", "FPE"] {
        let mut htgate = site::htgate_with(|configuration| configuration);
        htgate.stop();
        let mut command = Command::new("sh");
        command.args([
            "-c",
            r#"ulimit -c unlimited 2>/dev/null; exec "$@""#,
            "sh",
            PROGRAM,
        ]);
        command.current_dir(htgate.path(""));
        htgate.serve_by(command);
        htgate.process().signal(signal);
        let ended = htgate.process().wait();
        assert!(ended.signal().is_some(), "{signal}: {ended}");
        assert!(!ended.core_dumped(), "{signal}: {ended}");
        let files = fs::read_dir(htgate.path("")).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        let cores: Vec<String> = names.filter(|name| name.contains("core")).collect();
        assert!(cores.is_empty(), "{signal}: {cores:?}");
    }
    let beside = if other_program_dumps() {
        "another program's is"
    } else {
        "nor is another's"
    };
    trial.end(
        "SIGABRT, SIGILL, SIGFPE",
        &format!("no core is written; {beside}"),
    );
}

/// Whether a program that does nothing about it leaves a core here.
fn other_program_dumps() -> bool {
    let folder = tempfile::tempdir().unwrap();
    let crash = "ulimit -c unlimited 2>/dev/null; kill -SEGV $$";
    let mut shell = Command::new("sh");
    let status: ExitStatus = shell
        .args(["-c", crash])
        .current_dir(folder.path())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    status.core_dumped()
}

#[test]
fn nobody_but_root_can_look_into_the_process() {
    let trial = Trial::begin("/proc of the service");
    let mut htgate = site::htgate_with(|configuration| configuration);
    htgate.stop();
    htgate.serve_by(without_privilege(PROGRAM));
    let mut other = without_privilege("sleep").arg("60").spawn().unwrap();
    let read = |id: u32, file: &str| {
        let mut cat = without_privilege("head");
        cat.args(["-c", "1", &format!("/proc/{id}/{file}")]);
        cat.output().unwrap().status.success()
    };
    let mut failures = Failures::default();
    for file in ["environ", "maps", "auxv"] {
        // What is closed for every process proves nothing.
        if !eventually(PATIENCE, || read(other.id(), file)) {
            failures.add(format!("{file} of another process can't be read either"));
        }
        if read(htgate.process().id(), file) {
            failures.add(format!("{file} can be read"));
        }
    }
    other.kill().unwrap();
    other.wait().unwrap();
    failures.report();
    trial.end("environ, maps, auxv, read as the same user", "refused");
}

/// A program as the same user, without root's right to look into every process.
fn without_privilege(program: &str) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set", "-all", "--inh-caps", "-all", program]);
    command
}
