//! A machine of its own: real systemd, in namespaces, on a copy of this one's files.

use std::{
    fs,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

use nix::sched::{CloneFlags, setns};
use tempfile::TempDir;

use crate::harness::{eventually, process::Process};

/// The running machine; it and all that runs on it end with the test.
pub(crate) struct Machine {
    /// Of its init process, as seen from here.
    init: u32,
    process: Process,
    _folder: TempDir,
}

impl Machine {
    pub(crate) fn boot() -> Self {
        let folder = TempDir::new().unwrap();
        let mut command = Command::new("unshare");
        command
            .args(["--pid", "--fork", "--kill-child", "--mount", "--uts"])
            .args(["--ipc", "--net", "--cgroup"])
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/machine/boot"))
            .arg(folder.path());
        let process = Process::start(&mut command, folder.path(), || true);
        let mut machine = Self {
            init: 0,
            process,
            _folder: folder,
        };
        let up = eventually(Duration::from_secs(30), || machine.find_init());
        assert!(up, "no systemd: {}", machine.process.log());
        let running = eventually(Duration::from_secs(30), || {
            let state = machine.output("systemctl is-system-running");
            String::from_utf8_lossy(&state.stdout).trim() == "running"
        });
        assert!(
            running,
            "{}",
            machine.run("systemctl --failed --no-pager; true")
        );
        machine
    }

    /// The only child of `unshare`, once it is systemd.
    fn find_init(&mut self) -> bool {
        let parent = self.process.id();
        let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
        let init = children.unwrap_or_default().trim().parse().unwrap_or(0);
        let name = fs::read_to_string(format!("/proc/{init}/comm")).unwrap_or_default();
        self.init = init;
        name.trim() == "systemd"
    }

    /// Runs a script by root, however it ends.
    pub(crate) fn output(&self, script: &str) -> Output {
        Command::new("nsenter")
            .args(["--all", "--target", &self.init.to_string()])
            .args(["--", "bash", "-euo", "pipefail", "-c", script])
            .output()
            .unwrap()
    }

    /// Runs a script that has to succeed, and gives what it prints.
    pub(crate) fn run(&self, script: &str) -> String {
        let output = self.output(script);
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{script}\n{}\n{printed}\n{}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr),
            self.journal(),
        );
        printed.trim_end().to_owned()
    }

    /// The end of what htgate and systemd have said of it.
    pub(crate) fn journal(&self) -> String {
        let said = self.output("journalctl --no-pager --unit htgate --lines 30");
        String::from_utf8_lossy(&said.stdout).into_owned()
    }

    /// A file of the machine, as it is reached from here.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        Path::new(&format!("/proc/{}/root", self.init)).join(path.trim_start_matches('/'))
    }

    /// Puts a file of ours there. What is mounted here is not there, `/tmp` in particular.
    pub(crate) fn copy(&self, ours: &str, path: &str) {
        fs::copy(ours, self.path(path)).unwrap();
    }

    #[allow(dead_code, reason = "for tests/machine")]
    pub(crate) fn write(&self, path: &str, text: &str) {
        fs::write(self.path(path), text).unwrap();
    }

    /// Opens a connection to one of its unix sockets.
    pub(crate) fn unix(&self, path: &str) -> std::io::Result<UnixStream> {
        UnixStream::connect(self.path(path))
    }

    /// Takes the calling thread into the machine's network, for good.
    pub(crate) fn enter_network(&self) {
        let network = fs::File::open(format!("/proc/{}/ns/net", self.init)).unwrap();
        setns(network, CloneFlags::CLONE_NEWNET).unwrap();
    }

    /// A property of a unit.
    pub(crate) fn show(&self, unit: &str, property: &str) -> String {
        self.run(&format!(
            "systemctl show {unit} --property {property} --value"
        ))
    }
}
