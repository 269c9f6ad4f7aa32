//! Real PostgreSQL on a free port, which a test may stop, kill, pause and restore.
//!
//! It never runs as root: then it is the `postgres` user of Debian's package. What is written
//! outlives a kill of its processes, as the kernel has it by then; only a power cut would not do.

mod data;
mod session;

use std::{fs, net::SocketAddr, path::Path, process::Command};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use self::{
    data::{by_owner, copy, folder, give, programs, run, template},
    session::Session,
};
use super::{
    eventually,
    http::PATIENCE,
    process::{Process, free_address},
};

/// The database that keys are in, and the role that owns it.
pub(crate) const OWNER: &str = "htgate";
/// A role that may connect, and has no other rights.
pub(crate) const NODES: &str = "nodes";
/// The password of every role, as it is written in a URL: `p@ss:word`.
pub(crate) const PASSWORD: &str = "p%40ss%3Aword";

/// Small and quick, and safe against everything but a power cut.
const SETTINGS: [&str; 6] = [
    "fsync=off",
    "synchronous_commit=on",
    "shared_buffers=32MB",
    "listen_addresses=127.0.0.1",
    "dynamic_shared_memory_type=mmap", // a file of its folder, which goes with it
    "shared_preload_libraries=pg_stat_statements",
];

/// A server with an empty database `htgate`; its folder goes with it.
pub(crate) struct Postgres {
    process: Option<Process>,
    pub(crate) address: SocketAddr,
    settings: Vec<String>,
    folder: TempDir,
}

impl Postgres {
    pub(crate) fn start() -> Self {
        Self::start_with(&[], &[])
    }

    /// The same with more settings (`name=value`), and these files in its data folder.
    pub(crate) fn start_with(settings: &[&str], files: &[(&str, &Path)]) -> Self {
        let folder = folder();
        let data = folder.path().join("data");
        copy(&template(), &data);
        for (name, file) in files {
            let copy = data.join(name);
            fs::copy(file, &copy).unwrap();
            give(&copy);
        }
        let mut server = Self {
            process: None,
            address: free_address(),
            settings: settings.iter().map(|&one| one.to_owned()).collect(),
            folder,
        };
        server.serve();
        server
    }

    /// Starts it, or starts it again, on the same port and data.
    pub(crate) fn serve(&mut self) {
        let folder = self.folder.path();
        let mut command = by_owner("postgres", folder);
        command.arg("-D").arg(folder.join("data"));
        command.arg(format!("--port={}", self.address.port()));
        command.arg(format!("--unix_socket_directories={}", folder.display()));
        let settings = SETTINGS.into_iter();
        for setting in settings.chain(self.settings.iter().map(String::as_str)) {
            command.args(["-c", setting]);
        }
        // After a kill, there is still what the last one wrote.
        let status = || fs::read_to_string(folder.join("data/postmaster.pid")).unwrap_or_default();
        let before = status();
        let ready = || {
            let now = status();
            now != before && now.trim_end().ends_with("ready")
        };
        self.process = Some(Process::start(&mut command, folder, ready));
    }

    /// Ends it in order: sessions are ended, everything is written.
    pub(crate) fn stop(&mut self) {
        self.end(Signal::INT);
    }

    fn end(&mut self, how: Signal) {
        let mut process = self.process.take().expect("PostgreSQL is running");
        kill_process(pid(process.id()), how).unwrap();
        process.wait();
    }

    /// Ends it in order and starts it again.
    pub(crate) fn restart(&mut self) {
        self.stop();
        self.serve();
    }

    /// Kills all its processes, none of which can write another byte.
    pub(crate) fn kill(&mut self) {
        let mut process = self.process.take().expect("PostgreSQL is running");
        // A stopped parent starts no more children.
        kill_process(pid(process.id()), Signal::STOP).unwrap();
        let all = family(process.id());
        for &id in all.iter().rev() {
            let _ = kill_process(pid(id), Signal::KILL);
        }
        process.wait();
        assert!(eventually(PATIENCE, || all.iter().all(|&id| has_ended(id))));
    }

    /// Stops all its processes as they are: connections stay open, and nothing is answered.
    pub(crate) fn pause(&self) {
        let id = self.process.as_ref().expect("PostgreSQL is running").id();
        kill_process(pid(id), Signal::STOP).unwrap();
        for id in family(id) {
            let _ = kill_process(pid(id), Signal::STOP);
        }
    }

    /// Lets them go on.
    pub(crate) fn resume(&self) {
        let id = self.process.as_ref().expect("PostgreSQL is running").id();
        for id in family(id).into_iter().rev() {
            let _ = kill_process(pid(id), Signal::CONT);
        }
    }

    /// Where the database is, for this role.
    pub(crate) fn url(&self, role: &str) -> String {
        self.url_via(role, self.address)
    }

    /// The same by way of a relay.
    #[expect(clippy::unused_self, reason = "the relay leads to this server")]
    pub(crate) fn url_via(&self, role: &str, relay: SocketAddr) -> String {
        format!("postgres://{role}:{PASSWORD}@{relay}/{OWNER}")
    }

    /// The folder of its unix socket, by which every role gets in without a password.
    pub(crate) fn socket_folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs SQL as the superuser in the database of the keys, and gives the rows that come.
    pub(crate) fn query(&self, sql: &str) -> Vec<Vec<String>> {
        let flags = ["-XAtq", "-F", "\x1f", "-v", "ON_ERROR_STOP=1"];
        let rows = self.client("psql", &flags, sql);
        let columns = |row: &str| row.split('\x1f').map(str::to_owned).collect();
        rows.lines().map(columns).collect()
    }

    /// A session of the owner's that stays open.
    pub(crate) fn session(&self) -> Session {
        Session::open(&self.url(OWNER))
    }

    /// The one value that comes of this.
    pub(crate) fn value(&self, sql: &str) -> String {
        let [row] = &self.query(sql)[..] else {
            panic!("{sql} does not give one row");
        };
        row.join(" ")
    }

    /// Ends every session of htgate, as an administrator or a firewall may.
    pub(crate) fn terminate_connections(&self) -> usize {
        self.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE application_name = 'htgate'",
        )
        .len()
    }

    /// The schema of the keys as a backup has it.
    pub(crate) fn dump(&self) -> String {
        let dump = self.client("pg_dump", &["--schema=htgate"], "");
        // Newer ones fence it with words that are never the same.
        let fenced =
            |line: &&str| line.starts_with("\\restrict") || line.starts_with("\\unrestrict");
        dump.split_inclusive('\n')
            .filter(|line| !fenced(line))
            .collect()
    }

    /// Puts a backup in the place of what is there.
    pub(crate) fn restore(&self, dump: &str) {
        let all = format!("DROP SCHEMA IF EXISTS htgate CASCADE;\n{dump}");
        self.client("psql", &["-Xq1", "-v", "ON_ERROR_STOP=1"], &all);
    }

    fn client(&self, program: &str, flags: &[&str], input: &str) -> String {
        let mut command = Command::new(programs().join(program));
        command
            .args(["-U", "postgres", "-d", OWNER, "-h"])
            .arg(self.folder.path())
            .arg(format!("-p{}", self.address.port()))
            .args(flags);
        run(&mut command, input)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(process) = &self.process {
            // At once, and unlike by a kill, nothing of it is left in the kernel.
            if kill_process(pid(process.id()), Signal::QUIT).is_ok() {
                self.resume();
                let id = process.id();
                eventually(PATIENCE, || has_ended(id));
            }
        }
    }
}

/// A process and its children.
fn family(parent: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap();
    let children = children.split_whitespace().map(|id| id.parse().unwrap());
    [parent].into_iter().chain(children).collect()
}

/// Whether it is gone, or a zombie that nobody waits for.
fn has_ended(id: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_none_or(|(_, rest)| rest.starts_with(['Z', 'X']))
}

fn pid(id: u32) -> Pid {
    Pid::from_raw(i32::try_from(id).unwrap()).unwrap()
}
