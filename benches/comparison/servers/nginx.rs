//! nginx on one worker: `auth_request` with the shipped files, and its own `auth_basic`.
//!
//! Behind the gate is a page that nginx has in memory, so that little is measured but the gate.

use std::{fs, net::SocketAddr, path::Path, process::Command};

use tempfile::TempDir;

use crate::{
    contest::{Admits, Contestant},
    harness::{
        process::free_address,
        proxy::{Behind, Proxy},
        site::{ALICE, BOB, basic},
    },
    servers::{
        Field,
        bare::{Bare, Says},
        gate::Gate,
        users,
    },
};

pub(crate) const BARE: &str = "nginx → bare handler, TCP";
pub(crate) const BARE_UNIX: &str = "nginx → bare handler, unix socket";
pub(crate) const BASIC: &str = "nginx → htgate, bcrypt 12, TCP";
pub(crate) const BASIC_UNIX: &str = "nginx → htgate, bcrypt 12, unix socket";
pub(crate) const LOWER: &str = "nginx → htgate, bcrypt 10, TCP";
pub(crate) const KEY: &str = "nginx → htgate, API key, TCP";
pub(crate) const KEY_UNIX: &str = "nginx → htgate, API key, unix socket";
pub(crate) const OWN_PLAIN: &str = "nginx auth_basic, plaintext";
pub(crate) const OWN_APR1: &str = "nginx auth_basic, apr1";
pub(crate) const OWN_BCRYPT: &str = "nginx auth_basic, bcrypt 10";

/// The sites of an nginx that asks, by the way it does.
const TCP: &str = "app.example";
const UNIX: &str = "intranet.example";

pub(crate) fn join(field: &mut Field) {
    let folder = TempDir::new().unwrap();
    let bare = Bare::start(Says::Basic, None);
    let (on_socket, socket) = Bare::start_on_socket(folder.path());
    let asking_bare = asking(bare.address, &socket);
    let gate = Gate::start(None);
    let asking_gate = asking(gate.htgate.address, &gate.htgate.socket());
    let own = own();

    let wrong = || basic((ALICE.0, "wrong"));
    for (name, limit, nginx, host, right, wrong) in [
        (BARE, None, &asking_bare, TCP, basic(ALICE), None),
        (BARE_UNIX, None, &asking_bare, UNIX, basic(ALICE), None),
        (
            BASIC,
            Some(BARE),
            &asking_gate,
            TCP,
            basic(ALICE),
            Some(wrong()),
        ),
        (
            BASIC_UNIX,
            Some(BARE_UNIX),
            &asking_gate,
            UNIX,
            basic(ALICE),
            Some(wrong()),
        ),
        (
            LOWER,
            Some(BARE),
            &asking_gate,
            TCP,
            basic(BOB),
            Some(wrong()),
        ),
        (
            KEY,
            Some(BARE),
            &asking_gate,
            TCP,
            gate.bearer(),
            Some(gate.bearer() + "x"),
        ),
        (
            KEY_UNIX,
            Some(BARE_UNIX),
            &asking_gate,
            UNIX,
            gate.bearer(),
            Some(gate.bearer() + "x"),
        ),
        (
            OWN_PLAIN,
            None,
            &own,
            "plain.example",
            basic(ALICE),
            Some(wrong()),
        ),
        (
            OWN_APR1,
            None,
            &own,
            "apr1.example",
            basic(ALICE),
            Some(wrong()),
        ),
        (
            OWN_BCRYPT,
            None,
            &own,
            "bcrypt.example",
            basic(BOB),
            Some(wrong()),
        ),
    ] {
        field.add(Contestant {
            name,
            limit,
            address: nginx.address,
            target: "/",
            described: vec![("Host", host)],
            right,
            admits: wrong.map_or(Admits::Anybody, Admits::Only),
            cores: None,
        });
    }
    field.keep((folder, bare, on_socket, asking_bare, gate, asking_gate, own));
}

/// nginx with the shipped files, asking by the rules over TCP and over a unix socket.
fn asking(authority: SocketAddr, socket: &Path) -> Proxy {
    let (address, folder) = (free_address(), TempDir::new().unwrap());
    let behind = Behind {
        htgate: authority,
        socket,
        application: address,
    };
    Proxy::write_nginx_files(folder.path(), &behind, |_, file| file);
    let site = |host: &str, upstream: &str| {
        format!(
            "server {{\n listen {address};\n server_name {host};\n \
             set $htgate_endpoint http://{upstream}/auth-request;\n \
             include htgate/htgate-location.conf;\n \
             location / {{ include htgate/htgate-protect.conf; empty_gif; }}\n}}\n"
        )
    };
    let http = format!(
        "include htgate/htgate-upstream.conf;\n{}{}",
        site(TCP, "htgate"),
        site(UNIX, "htgate_unix")
    );
    Proxy::start_nginx(address, TCP, folder, &http)
}

/// nginx that looks into password files itself.
fn own() -> Proxy {
    let (address, folder) = (free_address(), TempDir::new().unwrap());
    let (user, password) = ALICE;
    let files = [
        ("plain", format!("{user}:{{PLAIN}}{password}\n")),
        ("apr1", apr1(ALICE)),
        ("bcrypt", users::few()),
    ];
    let sites = files.map(|(kind, text)| {
        let file = folder.path().join(kind);
        fs::write(&file, text).unwrap();
        format!(
            "server {{\n listen {address};\n server_name {kind}.example;\n location / {{\n \
             auth_basic intranet;\n auth_basic_user_file {};\n empty_gif;\n }}\n}}\n",
            file.display()
        )
    });
    Proxy::start_nginx(address, "plain.example", folder, &sites.concat())
}

/// A line as Apache's tool writes it by default.
fn apr1((user, password): (&str, &str)) -> String {
    let output = Command::new("htpasswd")
        .args(["-nbm", user, password])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned() + "\n"
}

/// An nginx with an empty page, for proxies that have none of their own.
pub(crate) fn page() -> Proxy {
    let (address, folder) = (free_address(), TempDir::new().unwrap());
    let site = format!("server {{ listen {address}; keepalive_requests 1000000; return 204; }}");
    Proxy::start_nginx(address, "localhost", folder, &site)
}
