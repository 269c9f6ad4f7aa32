//! A service on files of its own, and the command line beside it.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::http::{Answer, Connection, basic, get};

/// How long anything may take before a test gives up on it.
const PATIENCE: Duration = Duration::from_secs(10);

/// How soon a changed file or key has to be in force. The page says a second; the rest is for a
/// machine that runs other tests.
pub(crate) const SOON: Duration = Duration::from_millis(1500);

pub(crate) const ALICE: (&str, &str) = ("alice", "wonderland");
pub(crate) const BOB: (&str, &str) = ("bob", "builder");

/// Everything but `[server]` and `[admin]`.
pub(crate) const CONFIG: &str = r#"
[realms.intranet]
title = "Example intranet"
htpasswd = "users.htpasswd"
groups = "users.groups"
api_keys = true

[realms.robots]
api_keys = true
query_param = "api_key"

[policies.members]
realm = "intranet"

[policies.staff]
realm = "intranet"
require = ["group staff"]

[policies.writers]
realm = "intranet"
require_all = ["scope api:write"]

[policies.lan]
realm = "intranet"
allow_from = ["192.168.1.0/24", "2001:db8::/32"]

[policies.robots]
realm = "robots"

[policies.both]
realm = "intranet"
offer = ["Basic", "Bearer"]

[[rules]]
hosts = ["app.example"]
paths = ["/public/**"]
policy = "open"

[[rules]]
hosts = ["app.example"]
methods = ["POST"]
policy = "staff"

[[rules]]
hosts = ["app.example"]
policy = "members"
"#;

/// A folder with a configuration, and the service that runs on it; both go with the test.
pub(crate) struct Site {
    folder: TempDir,
    service: Option<Child>,
    pub(crate) address: SocketAddr,
}

impl Site {
    /// The usual configuration, with the service running.
    pub(crate) fn start() -> Self {
        Self::start_with(CONFIG)
    }

    /// Another configuration, with the service running.
    pub(crate) fn start_with(config: &str) -> Self {
        let mut site = Self::prepare(config);
        site.serve("htgate.toml");
        site
    }

    /// The files alone.
    pub(crate) fn prepare(config: &str) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("htgate-api-")
            .tempdir()
            .unwrap();
        let address = free_address();
        let site = Self {
            folder,
            service: None,
            address,
        };
        site.configure("htgate.toml", "", address, config);
        site.write("users.htpasswd", &users(&[ALICE, BOB]));
        site.write("users.groups", "staff: alice\n");
        site
    }

    /// Writes a configuration file; its sockets' names begin with `prefix`.
    pub(crate) fn configure(&self, file: &str, prefix: &str, address: SocketAddr, rest: &str) {
        let sockets = format!(
            "[server]\nlisten = [\"{address}\", \"unix:{prefix}htgate.sock\"]\n\
             trusted_proxies = [\"127.0.0.1\"]\n[admin]\nlisten = \"unix:{prefix}admin.sock\"\n"
        );
        self.write(file, &(sockets + rest));
    }

    /// Starts the service of a configuration, and waits until it answers.
    pub(crate) fn serve(&mut self, config: &str) {
        let mut child = spawn_service(&self.path(config), &self.path("htgate.log"));
        let socket = self.path("admin.sock");
        let ready = eventually(PATIENCE, || {
            child.try_wait().unwrap().is_some() || is_ready(&socket)
        });
        let gone = child.try_wait().unwrap().is_some();
        self.service = Some(child);
        assert!(ready && !gone, "no start:\n{}", self.log());
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Puts a file in the place of another, as most editors and tools do.
    pub(crate) fn replace(&self, name: &str, text: &str) {
        self.write("new", text);
        fs::rename(self.path("new"), self.path(name)).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// What the service has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("htgate.log")).unwrap_or_default()
    }

    /// Runs a command on this configuration.
    pub(crate) fn run(&self, arguments: &[&str], stdin: &str) -> Ended {
        let config = self.path("htgate.toml");
        let config = ["--config", config.to_str().unwrap()];
        run(&[arguments, &config].concat(), stdin, self.folder())
    }

    /// Runs a command that has to succeed, and gives what it prints, less the last line end.
    pub(crate) fn done(&self, arguments: &[&str]) -> String {
        let ended = self.run(arguments, "");
        assert_eq!(ended.status, 0, "{arguments:?}: {}", ended.stderr);
        ended.stdout.trim_end_matches('\n').to_owned()
    }

    pub(crate) fn connect(&self) -> Connection<TcpStream> {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Connection::over(stream)
    }

    /// A connection that comes from another address of this machine.
    pub(crate) fn connect_from(&self, from: &str) -> Connection<TcpStream> {
        use socket2::{Domain, Socket, Type};
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let from: IpAddr = from.parse().unwrap();
        socket.bind(&SocketAddr::from((from, 0)).into()).unwrap();
        socket.connect(&self.address.into()).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Connection::over(socket.into())
    }

    pub(crate) fn connect_unix(&self) -> Connection<UnixStream> {
        let stream = UnixStream::connect(self.path("htgate.sock")).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Connection::over(stream)
    }

    /// Asks on a connection of its own.
    pub(crate) fn ask(&self, target: &str, headers: &[(&str, &str)]) -> Answer {
        self.connect().ask(&get(target, headers))
    }

    /// The status for a user under the policy `members`.
    pub(crate) fn status_for(&self, who: (&str, &str)) -> u16 {
        self.ask("/auth-request/members", &[("Authorization", &basic(who))])
            .status
    }

    /// The status for a key, presented as a Bearer token.
    pub(crate) fn status_for_key(&self, policy: &str, key: &str) -> u16 {
        let bearer = format!("Bearer {key}");
        self.ask(
            &format!("/forward-auth/{policy}"),
            &[("Authorization", &bearer)],
        )
        .status
    }

    /// Sends the service a signal, by its name.
    pub(crate) fn signal(&self, name: &str) {
        signal(self.service.as_ref().unwrap(), name);
    }

    /// Ends the service as systemd would, and gives its exit status.
    pub(crate) fn stop(&mut self) -> Option<i32> {
        let mut child = self.service.take().unwrap();
        signal(&child, "TERM");
        wait(&mut child)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(child) = &mut self.service {
            drop(child.kill());
            drop(child.wait());
        }
        if thread::panicking() {
            eprintln!("--- log\n{}", self.log());
        }
    }
}

fn spawn_service(config: &Path, log: &Path) -> Child {
    let log = File::options().create(true).append(true).open(log).unwrap();
    htgate()
        .args(["serve", "--config"])
        .arg(config)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap()
}

fn is_ready(admin: &Path) -> bool {
    let Ok(mut stream) = UnixStream::connect(admin) else {
        return false;
    };
    let mut answer = String::new();
    stream
        .write_all(b"GET /readyz HTTP/1.0\r\n\r\n")
        .and_then(|()| stream.read_to_string(&mut answer))
        .is_ok_and(|_| answer.starts_with("HTTP/1.0 200"))
}

/// The program, with nothing of ours in its environment.
pub(crate) fn htgate() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_htgate"));
    command.env_remove("HTGATE_CONFIG");
    command
}

/// A command that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs the program in a folder, with this on standard input.
pub(crate) fn run(arguments: &[&str], stdin: &str, folder: &Path) -> Ended {
    let mut child = htgate()
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that reads nothing may be gone already.
    drop(child.stdin.take().unwrap().write_all(stdin.as_bytes()));
    let output = child.wait_with_output().unwrap();
    Ended {
        status: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Status and words of a command that has to fail.
pub(crate) fn refused(ended: &Ended, status: i32, words: &[&str]) {
    assert_eq!(ended.status, status, "{ended:?}");
    assert_eq!(ended.stdout, "", "{ended:?}");
    for word in words {
        assert!(
            ended.stderr.contains(word),
            "{word:?} is not in:\n{}",
            ended.stderr
        );
    }
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
}

/// Sends a program a signal, by its name.
pub(crate) fn signal(child: &Child, name: &str) {
    let kill = format!("kill -{name} {}", child.id());
    let status = Command::new("sh").args(["-c", &kill]).status().unwrap();
    assert!(status.success(), "{kill}");
}

/// Waits for a program to end; kills it if it doesn't.
pub(crate) fn wait(child: &mut Child) -> Option<i32> {
    let mut status = None;
    let ended = eventually(PATIENCE, || {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    if !ended {
        drop(child.kill());
        drop(child.wait());
    }
    status.and_then(|status| status.code())
}

/// An address of the loopback that nobody listens on, from below the range in which the system
/// picks ports for outgoing connections, and never the same one twice.
pub(crate) fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 5_000).unwrap();
    loop {
        let port = 12_000 + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % 8_000;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

/// Asks again and again until the answer is yes; says whether it came in time.
pub(crate) fn eventually(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    while !done() {
        if started.elapsed() > limit {
            return false;
        }
        thread::sleep(Duration::from_millis(15));
    }
    true
}

/// htpasswd lines, with the cheapest bcrypt there is.
pub(crate) fn users(all: &[(&str, &str)]) -> String {
    all.iter().map(|who| user(*who, 4)).collect()
}

/// One htpasswd line.
pub(crate) fn user((name, password): (&str, &str), cost: u32) -> String {
    format!("{name}:{}\n", bcrypt::hash(password, cost).unwrap())
}
