//! Child processes that end with the test, and free ports for them.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    thread,
    time::Duration,
};

use super::eventually;

/// A running program, killed on drop; its output is shown when the test fails.
pub(crate) struct Process {
    child: Child,
    name: String,
    log: PathBuf,
}

impl Process {
    /// Starts a program, its output going to a file in `folder`, and waits until it is ready.
    pub(crate) fn start(command: &mut Command, folder: &Path, ready: impl Fn() -> bool) -> Self {
        let program = Path::new(command.get_program());
        let name = program.file_name().unwrap().to_string_lossy().into_owned();
        let log = folder.join(format!("{name}.log"));
        let output = fs::File::options()
            .create(true)
            .append(true)
            .open(&log)
            .unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap_or_else(|e| panic!("{name}: {e}; tests/setup installs what is missing"));
        let mut process = Self { child, name, log };
        let running = eventually(Duration::from_secs(15), || process.has_ended() || ready());
        assert!(
            running && !process.has_ended(),
            "{} does not get ready",
            process.name
        );
        process
    }

    fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// What it printed so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

#[allow(dead_code, reason = "for benches/comparison and tests/siege")]
impl Process {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal, by its name.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.unwrap().success(), "{}: {name}", self.name);
    }

    /// Waits until it has ended.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let ended = eventually(Duration::from_secs(15), || self.has_ended());
        assert!(ended, "{} does not end", self.name);
        self.child.wait().unwrap()
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn terminate(&mut self) {
        self.signal("TERM");
        self.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("--- {}\n{}", self.name, self.log());
        }
    }
}

/// An address of the loopback that nobody listens on.
///
/// From below the range that outgoing connections take their ports from, and never the same one
/// twice in this process, so that no other test can be faster.
pub(crate) fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 4_000).expect("below 4000");
    loop {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 20_000 + (start + step) % 12_000));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
