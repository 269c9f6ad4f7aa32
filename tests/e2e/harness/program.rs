//! The program itself, on files of its own.

use std::{
    fs,
    io::{self, Write},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
};

use tempfile::TempDir;

use super::{
    http::{Connection, Response, request},
    process::{Process, free_address},
};

/// The program as it was built for this run.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_htgate");

/// A running htgate; its folder goes with it.
pub(crate) struct Htgate {
    process: Option<Process>,
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    /// Goes last: the process writes into it.
    folder: TempDir,
}

impl Htgate {
    /// Starts on a free port and a unix socket, with this configuration (all but `[server]` and
    /// `[admin]`) and these files beside it.
    pub(crate) fn start(configuration: &str, files: &[(&str, &str)]) -> Self {
        let mut htgate = Self::prepare(configuration, files);
        htgate.serve();
        htgate
    }

    /// The same, not running yet: `serve` starts it.
    pub(crate) fn prepare(configuration: &str, files: &[(&str, &str)]) -> Self {
        let htgate = Self::in_a_folder();
        for (name, text) in files {
            fs::write(htgate.path(name), text).unwrap();
        }
        let (address, admin, socket) = (htgate.address, htgate.admin, htgate.socket());
        let listeners = format!(
            "[server]\nlisten = [\"{address}\", \"unix:{}\"]\ntrusted_proxies = [\"127.0.0.1\"]\n\
             [admin]\nlisten = \"{admin}\"\n{configuration}",
            socket.display()
        );
        fs::write(htgate.path("htgate.toml"), listeners).unwrap();
        htgate
    }

    /// Not running yet, and without any file: the caller writes `htgate.toml`, all of it.
    pub(crate) fn in_a_folder() -> Self {
        let folder = tempfile::Builder::new().prefix("htgate").tempdir().unwrap();
        let (address, admin) = (free_address(), free_address());
        Self {
            process: None,
            address,
            admin,
            folder,
        }
    }

    pub(crate) fn serve(&mut self) {
        self.serve_by(Command::new(PROGRAM));
    }

    /// The same by a command of the caller's, which gets the arguments.
    pub(crate) fn serve_by(&mut self, command: Command) {
        self.serve_until("/readyz", command);
    }

    /// The same where it need only be up: something it needs is away.
    #[allow(dead_code, reason = "for tests/nodes and tests/siege")]
    pub(crate) fn serve_unready(&mut self) {
        self.serve_until("/healthz", Command::new(PROGRAM));
    }

    fn serve_until(&mut self, answered: &str, mut command: Command) {
        command
            .args(["serve", "--config"])
            .arg(self.path("htgate.toml"));
        let admin = self.admin;
        let ready = || ask_admin(admin, answered).is_ok_and(|answer| answer.status == 200);
        let process = Process::start(&mut command, self.folder.path(), ready);
        self.process = Some(process);
    }

    pub(crate) fn stop(&mut self) {
        self.process = None;
    }

    /// The running process.
    #[allow(dead_code, reason = "for benches/comparison and tests/siege")]
    pub(crate) fn process(&mut self) -> &mut Process {
        self.process.as_mut().expect("htgate is running")
    }

    /// A file of its folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.path("htgate.sock")
    }

    /// Runs a command that has to succeed, and gives its output without the last line break.
    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> String {
        let Output {
            status,
            stdout,
            stderr,
        } = self.output(arguments, input);
        let errors = String::from_utf8_lossy(&stderr);
        assert!(status.success(), "htgate {arguments:?}: {status}\n{errors}");
        String::from_utf8(stdout)
            .unwrap()
            .trim_end_matches('\n')
            .to_owned()
    }

    /// Runs a command, however it ends.
    pub(crate) fn output(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = self.spawn(arguments);
        // A command that reads nothing may be gone already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// Runs a command that is about no configuration, however it ends.
    #[allow(dead_code, reason = "for tests/e2e")]
    pub(crate) fn bare_output(arguments: &[&str], input: &str) -> Output {
        let mut child = Command::new(PROGRAM)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// Starts a command with pipes to all it reads and writes.
    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        Command::new(PROGRAM)
            .args(arguments)
            .arg("--config")
            .arg(self.path("htgate.toml"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Creates a key of the realm "intranet" and gives it.
    pub(crate) fn create_key(&self, name: &str, scope: &str) -> String {
        let create = [
            "key", "create", "--realm", "intranet", "--name", name, "--scope", scope,
        ];
        self.run(&create, "")
    }

    pub(crate) fn log(&self) -> String {
        self.process.as_ref().map(Process::log).unwrap_or_default()
    }
}

/// What the admin listener answers.
pub(crate) fn ask_admin(admin: SocketAddr, path: &str) -> io::Result<Response> {
    let headers = [("Host", "admin"), ("Connection", "close")];
    let question = request("GET", path, &headers, b"");
    let stream = TcpStream::connect(admin)?;
    Connection::over(stream).ask(&question)
}
