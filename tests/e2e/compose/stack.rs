//! What `deploy/compose/compose.yaml` starts, without containers: two nodes of the shipped
//! `htgate.toml`, and nginx with the shipped files before them.

use std::{
    fs,
    path::Path,
    process::{Command, ExitStatus},
};

use tempfile::TempDir;

use crate::harness::{process::free_address, program::Htgate, proxy::Proxy, shipped::Shipped};

/// The upstream's addresses in `nginx/site.conf`.
const NODES: [&str; 2] = ["172.30.180.11:9180", "172.30.180.12:9180"];

pub(crate) struct Stack {
    pub(crate) proxy: Proxy,
    pub(crate) nodes: [Htgate; 2],
    /// What `prepare` made, and the keys.
    _private: TempDir,
}

impl Stack {
    pub(crate) fn start() -> Self {
        let private = prepared();
        let nodes = NODES.map(|_| {
            let mut node = node(private.path());
            node.serve();
            node
        });
        let proxy = nginx(&nodes);
        Self {
            proxy,
            nodes,
            _private: private,
        }
    }
}

/// A folder with `deploy/compose/prepare` and what it makes, owned by who runs the test.
pub(crate) fn prepared() -> TempDir {
    let folder = TempDir::new().unwrap();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/compose/prepare");
    fs::copy(shipped, folder.path().join("prepare")).unwrap();
    prepare(folder.path());
    folder
}

/// Runs `prepare` in a folder that has it.
pub(crate) fn prepare(folder: &Path) {
    let owner = format!("{}:{}", nix::unistd::getuid(), nix::unistd::getgid());
    let status = Command::new("sh")
        .arg(folder.join("prepare"))
        .arg(owner)
        .status();
    assert!(status.as_ref().is_ok_and(ExitStatus::success), "{status:?}");
}

/// A node with the shipped configuration; both keep their keys in one SQLite file.
fn node(prepared: &Path) -> Htgate {
    let node = Htgate::in_a_folder();
    let private = prepared.join("private");
    let store = "postgres://htgate_node@postgres/htgate?sslmode=disable\
                 &passfile=/run/secrets/node_pgpass";
    Shipped::read("deploy/compose/htgate/htgate.toml")
        .put("0.0.0.0:9180", &node.address.to_string())
        .put("127.0.0.1:9181", &node.admin.to_string())
        .put("\"172.30.180.2\"", "\"127.0.0.1\"")
        .put(store, &format!("sqlite:{}/keys.db", private.display()))
        .put("/var/lib/htgate", &private.join("users").to_string_lossy())
        .put("/run/secrets", &private.join("secrets").to_string_lossy())
        .write(&node.path("htgate.toml"));
    node
}

fn nginx(nodes: &[Htgate; 2]) -> Proxy {
    let (address, application) = (free_address(), free_address());
    let folder = TempDir::new().unwrap();
    let snippets = Path::new(env!("CARGO_MANIFEST_DIR")).join("nginx");
    fs::create_dir(folder.path().join("htgate")).unwrap();
    for file in fs::read_dir(snippets).unwrap().flatten() {
        let copy = folder.path().join("htgate").join(file.file_name());
        fs::copy(file.path(), copy).unwrap();
    }
    let mut site = Shipped::read("deploy/compose/nginx/site.conf")
        .put("listen 80", &format!("listen {address}"))
        .put("127.0.0.1:8080", &application.to_string());
    for (documented, node) in NODES.iter().zip(nodes) {
        site = site.put(documented, &node.address.to_string());
    }
    site.write(&folder.path().join("site.conf"));
    Shipped::read("deploy/compose/nginx/application.conf")
        .put("127.0.0.1:8080", &application.to_string())
        .write(&folder.path().join("application.conf"));
    let include = "include application.conf; include site.conf;";
    Proxy::start_nginx(address, "app.example", folder, include)
}
