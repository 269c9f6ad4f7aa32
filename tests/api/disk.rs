//! Disks that are full or read-only: changes are refused with a word on what to do, nothing is
//! lost, and the service answers on.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::helpers::{ALICE, Ended, eventually, free_address, refused, users};
use crate::http::{Connection, basic, get};

const PATIENCE: Duration = Duration::from_secs(10);
const CREATE: &str = "key create --realm intranet --name";

/// Commands that change something, and the file they can't change.
const CHANGES: [(&str, &str); 6] = [
    ("key create --realm intranet --name new", "keys.db"),
    ("key rotate kept", "keys.db"),
    ("key update kept --scope other", "keys.db"),
    ("key revoke kept", "keys.db"),
    ("key delete kept", "keys.db"),
    ("user set --realm intranet bob", "users.htpasswd"),
];

/// A disk of its own, in a mount namespace of its own, with a site on it.
struct Disk {
    folder: TempDir,
    /// Holds the namespace.
    holder: Child,
    address: SocketAddr,
}

impl Disk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let script = "mount -t tmpfs -o size=512k tmpfs \"$0\" && echo mounted && exec sleep 600";
        let mut holder = Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
            .arg(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let told = BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line);
        assert_eq!((told.unwrap(), &*line), (8, "mounted\n"));
        let disk = Self {
            folder,
            holder,
            address: free_address(),
        };
        disk.write("users.htpasswd", &users(&[ALICE]));
        disk.write(
            "htgate.toml",
            &format!(
                "[server]\nlisten = [\"{}\"]\n[admin]\nlisten = \"unix:{}\"\n\
                 [realms.intranet]\nhtpasswd = \"users.htpasswd\"\napi_keys = true\n\
                 [policies.members]\nrealm = \"intranet\"\n\
                 [api_keys]\nstore = \"sqlite:keys.db\"\n",
                disk.address,
                disk.path("admin.sock").display()
            ),
        );
        disk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A command that sees the disk.
    fn enter(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        let holder = self.holder.id().to_string();
        command.args(["--user", "--mount", "--preserve-credentials", "--target"]);
        command.args([&holder, "--", program]);
        command.stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn sh(&self, script: &str, input: &str) -> Ended {
        let mut command = self.enter("sh");
        let child = command.args(["-c", script]).arg(self.folder.path());
        ended(child.spawn().unwrap(), input)
    }

    fn write(&self, name: &str, text: &str) {
        let done = self.sh(&format!("cat > \"$0/{name}\""), text);
        assert_eq!(done.status, 0, "{done:?}");
    }

    /// Leaves not a byte.
    fn fill(&self) {
        let done = self.sh("cat /dev/zero > \"$0/ballast\"", "");
        assert!(done.stderr.contains("No space left"), "{done:?}");
    }

    fn make_room(&self) {
        assert_eq!(self.sh("rm \"$0/ballast\"", "").status, 0);
    }

    /// Lets nothing be opened for writing any more. (What is open stays so.)
    fn freeze(&self) {
        let script = "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\"";
        let done = self.sh(script, "");
        assert_eq!(done.status, 0, "{done:?}");
    }

    fn thaw(&self) {
        let done = self.sh("umount -l \"$0\"", "");
        assert_eq!(done.status, 0, "{done:?}");
    }

    fn spawn(&self, arguments: &str) -> Child {
        let mut command = self.enter(env!("CARGO_BIN_EXE_htgate"));
        command.args(arguments.split(' ')).arg("--config");
        command.arg(self.path("htgate.toml")).spawn().unwrap()
    }

    fn run(&self, arguments: &str) -> Ended {
        ended(self.spawn(arguments), "builder")
    }

    fn done(&self, arguments: &str) -> String {
        let ended = self.run(arguments);
        assert_eq!(ended.status, 0, "{arguments}: {ended:?}");
        ended.stdout.trim_end().to_owned()
    }

    fn serve(&self) -> Service {
        let service = Service(Some(self.spawn("serve")));
        let answers = || std::net::TcpStream::connect(self.address).is_ok();
        assert!(eventually(PATIENCE, answers));
        service
    }

    /// The statuses for alice, for bob, for the key, and for one that is not there.
    fn answers(&self, key: &str) -> [u16; 4] {
        let alice = basic(ALICE);
        let bob = basic(("bob", "builder"));
        [
            ("Authorization", &*alice),
            ("Authorization", &*bob),
            ("X-API-Key", key),
            ("X-API-Key", "another-key-of-some-length"),
        ]
        .map(|header| {
            let stream = std::net::TcpStream::connect(self.address).unwrap();
            let asked = get("/auth-request/members", &[header]);
            Connection::over(stream).ask(&asked).status
        })
    }

    /// What there is, as far as commands can tell; without when keys were last used.
    fn content(&self) -> (String, String) {
        let keys = self.done("key list --json");
        let keys = keys.lines().filter(|line| !line.contains("last_used"));
        let users = self.sh("cat \"$0/users.htpasswd\"", "").stdout;
        (keys.collect(), users)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(self.holder.kill());
        drop(self.holder.wait());
    }
}

/// A running service; it ends with the test.
struct Service(Option<Child>);

impl Service {
    /// Ends it as systemd would; its exit status and its log.
    fn stop(mut self) -> Ended {
        let child = self.0.take().unwrap();
        crate::helpers::signal(&child, "TERM");
        ended(child, "")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

fn ended(mut child: Child, input: &str) -> Ended {
    // A command that reads nothing may be gone already.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    Ended {
        status: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Every change is refused, naming the file and one of these reasons.
fn all_refused(disk: &Disk, reasons: [&str; 2]) {
    for (arguments, file) in CHANGES {
        let reason = reasons[usize::from(file == "users.htpasswd")];
        let path = disk.path(file);
        refused(&disk.run(arguments), 74, &[path.to_str().unwrap(), reason]);
    }
}

const FULL: [&str; 2] = ["the disk is full; make room", "No space left on device"];
const READ_ONLY: [&str; 2] = ["whether the disk is read-only", "Read-only file system"];

#[test]
#[ignore = "mounts a disk in a user namespace, which not every machine allows; tests/run does"]
fn a_store_that_finds_no_room_is_made_when_there_is_some() {
    let disk = Disk::new();
    disk.fill();
    for arguments in [&format!("{CREATE} kept"), "key list", "serve"] {
        refused(&disk.run(arguments), 74, &["keys.db", FULL[0]]);
    }
    disk.make_room();
    let key = disk.done(&format!("{CREATE} kept"));
    let _service = disk.serve();
    assert_eq!(disk.answers(&key), [200, 401, 200, 401]);
}

#[test]
#[ignore = "mounts a disk in a user namespace, which not every machine allows; tests/run does"]
fn on_a_full_disk_nothing_changes_and_answers_go_on() {
    let disk = Disk::new();
    let key = disk.done(&format!("{CREATE} kept"));
    let before = disk.content();
    disk.fill();
    all_refused(&disk, FULL);
    disk.make_room();
    assert_eq!(disk.content(), before);

    let service = disk.serve();
    disk.fill();
    all_refused(&disk, FULL);
    assert_eq!(disk.answers(&key), [200, 401, 200, 401]);
    assert_eq!(disk.content(), before);
    assert_eq!(disk.run("reload").status, 0);
    assert_eq!(disk.answers(&key), [200, 401, 200, 401]);
    // Removing takes no room.
    disk.done("user remove --realm intranet alice");
    assert_eq!(disk.answers(&key), [401, 401, 200, 401]);
    let stopped = service.stop();
    assert_eq!(stopped.status, 0, "{stopped:?}");
    for words in ["last use could not be written", FULL[0]] {
        assert!(stopped.stderr.contains(words), "{}", stopped.stderr);
    }

    disk.make_room();
    let _service = disk.serve();
    for (arguments, _) in CHANGES {
        disk.done(arguments);
    }
    assert_eq!(disk.answers(&key), [401, 200, 401, 401]);
}

#[test]
#[ignore = "mounts a disk in a user namespace, which not every machine allows; tests/run does"]
fn on_a_read_only_disk_nothing_changes_and_answers_go_on() {
    let disk = Disk::new();
    let key = disk.done(&format!("{CREATE} kept"));
    let before = disk.content();
    let service = disk.serve();
    assert_eq!(disk.answers(&key), [200, 401, 200, 401]);
    disk.freeze();
    all_refused(&disk, READ_ONLY);
    assert_eq!(disk.answers(&key), [200, 401, 200, 401]);
    assert_eq!(disk.run("reload").status, 0);
    assert_eq!(disk.answers(&key), [200, 401, 200, 401]);
    let stopped = service.stop();
    assert_eq!(stopped.status, 0, "{stopped:?}");
    assert!(
        stopped.stderr.contains("last use could not be written"),
        "{}",
        stopped.stderr
    );
    refused(&disk.run("serve"), 74, &["Read-only file system"]);
    disk.thaw();
    assert_eq!(disk.content(), before);
    let _service = disk.serve();
    for (arguments, _) in CHANGES {
        disk.done(arguments);
    }
}
