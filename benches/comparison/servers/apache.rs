//! Apache with `mod_authn_socache`, which remembers the entry and still verifies each password.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Command,
};

use tempfile::TempDir;

use crate::{
    contest::{Admits, Contestant},
    harness::{
        process::{Process, free_address},
        site::{ALICE, BOB, basic},
    },
    servers::{Field, users},
};

const NAME: &str = "Apache, mod_authn_socache, bcrypt 10";

const MODULES: [&str; 8] = [
    "mpm_event",
    "authn_core",
    "authn_file",
    "authn_socache",
    "socache_shmcb",
    "auth_basic",
    "authz_core",
    "authz_user",
];

pub(crate) fn join(field: &mut Field) {
    let (address, folder) = (free_address(), TempDir::new().unwrap());
    let place = folder.path();
    // Started by root, it reads its files as somebody else.
    fs::set_permissions(place, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(place.join("users"), users::few()).unwrap();
    fs::create_dir(place.join("pages")).unwrap();
    fs::write(place.join("pages/index"), "").unwrap();
    fs::write(place.join("apache.conf"), configuration(address, place)).unwrap();
    let mut command = Command::new("/usr/sbin/apache2");
    // A single process, in the foreground, with a thread for each client: one with fewer closes
    // kept connections.
    command.args(["-X", "-f"]).arg(place.join("apache.conf"));
    let process = Process::start(&mut command, place, || TcpStream::connect(address).is_ok());
    field.add(Contestant {
        name: NAME,
        limit: None,
        address,
        target: "/index",
        described: vec![("Host", "app.example")],
        right: basic(BOB),
        admits: Admits::Only(basic((ALICE.0, "wrong"))),
        cores: None,
    });
    field.keep((process, folder));
}

fn configuration(address: SocketAddr, place: &Path) -> String {
    let modules = MODULES
        .map(|name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"));
    let (modules, place) = (modules.concat(), place.display());
    format!(
        "{modules}
ServerRoot {place}
ServerName app.example
Listen {address}
User www-data
Group www-data
PidFile {place}/pid
DefaultRuntimeDir {place}
Mutex pthread
ErrorLog /dev/stderr
LogLevel error
MaxKeepAliveRequests 0
ThreadsPerChild 64
DocumentRoot {place}/pages
AuthnCacheEnable
AuthnCacheSOCache shmcb:{place}/cache
<Directory {place}/pages>
    AuthType Basic
    AuthName intranet
    AuthBasicProvider socache file
    AuthUserFile {place}/users
    AuthnCacheProvideFor file
    Require valid-user
</Directory>
"
    )
}
