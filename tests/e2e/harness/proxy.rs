//! Real proxies, run with the shipped files.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    path::Path,
    process::Command,
};

use tempfile::TempDir;

use super::{
    http::{Connection, Response, request},
    process::{Process, free_address},
    shipped::Shipped,
};

/// The ways by which a shipped file reaches htgate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Front {
    /// By the rules, over TCP.
    Nginx,
    /// By the policy "staff", over the unix socket.
    NginxUnix,
    /// By the rules, over TCP; Traefik knows nothing else.
    Traefik,
    /// By the rules, over TCP.
    Caddy,
    /// By the policy "staff", over the unix socket.
    CaddyUnix,
    /// By the rules, over TCP.
    Envoy,
    /// By the rules, over TCP.
    Haproxy,
    /// By the policy "staff", over TCP.
    HaproxyNamed,
}

impl Front {
    pub(crate) const ALL: [Self; 8] = [
        Self::Nginx,
        Self::NginxUnix,
        Self::Traefik,
        Self::Caddy,
        Self::CaddyUnix,
        Self::Envoy,
        Self::Haproxy,
        Self::HaproxyNamed,
    ];

    /// The site of the shipped file that is protected in this way.
    pub(crate) fn host(self) -> &'static str {
        match self {
            Self::Nginx | Self::Traefik | Self::Caddy | Self::Envoy | Self::Haproxy => {
                "app.example"
            }
            Self::NginxUnix | Self::CaddyUnix | Self::HaproxyNamed => "intranet.example",
        }
    }

    pub(crate) fn is_nginx(self) -> bool {
        matches!(self, Self::Nginx | Self::NginxUnix)
    }

    /// Whether a client gets htgate's own words of a refusal.
    pub(crate) fn relays_words(self) -> bool {
        matches!(
            self,
            Self::Traefik | Self::Caddy | Self::CaddyUnix | Self::Envoy
        )
    }
}

/// What stands behind a proxy.
pub(crate) struct Behind<'a> {
    pub(crate) htgate: SocketAddr,
    pub(crate) socket: &'a Path,
    pub(crate) application: SocketAddr,
}

/// A running proxy.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    host: &'static str,
    _process: Process,
    /// Goes last: the process writes into it.
    _folder: TempDir,
}

impl Proxy {
    pub(crate) fn start(front: Front, behind: &Behind<'_>) -> Self {
        match front {
            Front::Nginx | Front::NginxUnix => Self::nginx(front, behind, |_, file| file),
            Front::Traefik => Self::traefik(behind, |_, file| file),
            Front::Caddy | Front::CaddyUnix => Self::caddy(front, behind, |_, file| file),
            Front::Envoy => Self::envoy(behind),
            Front::Haproxy | Front::HaproxyNamed => Self::haproxy(front, behind),
        }
    }

    /// nginx with the shipped files, each changed as the test asks.
    pub(crate) fn nginx(
        front: Front,
        behind: &Behind<'_>,
        change: impl Fn(&str, Shipped) -> Shipped,
    ) -> Self {
        let address = free_address();
        let folder = TempDir::new().unwrap();
        Self::write_nginx_files(folder.path(), behind, &change);
        change("example.conf", Shipped::read("nginx/example.conf"))
            .put("listen 80", &format!("listen {address}"))
            .put("127.0.0.1:8080", &behind.application.to_string())
            .write(&folder.path().join("example.conf"));
        Self::start_nginx(address, front.host(), folder, "include example.conf;")
    }

    /// Puts the files that an administrator includes into `folder`, each changed as the test asks.
    pub(crate) fn write_nginx_files(
        folder: &Path,
        behind: &Behind<'_>,
        change: impl Fn(&str, Shipped) -> Shipped,
    ) {
        fs::create_dir(folder.join("htgate")).unwrap();
        for name in ["location", "headers", "protect"].map(|name| format!("htgate-{name}.conf")) {
            let file = change(&name, Shipped::read(&format!("nginx/{name}")));
            file.write(&folder.join("htgate").join(&name));
        }
        Shipped::read("nginx/htgate-upstream.conf")
            .put("127.0.0.1:9180", &behind.htgate.to_string())
            .put(
                "/run/htgate/htgate.sock",
                &behind.socket.display().to_string(),
            )
            .write(&folder.join("htgate/htgate-upstream.conf"));
    }

    /// nginx with this text in `http {}`; files it includes are in `folder`.
    pub(crate) fn start_nginx(
        address: SocketAddr,
        host: &'static str,
        folder: TempDir,
        http: &str,
    ) -> Self {
        let place = folder.path();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("  {name}_temp_path {}/{name};\n", place.display()))
            .concat();
        let main = format!(
            "daemon off; master_process off; pid {}/nginx.pid; error_log stderr info;\n\
             events {{ worker_connections 512; }}\n\
             http {{\n  access_log off;\n{temporary}  {http}\n}}\n",
            place.display()
        );
        let file = place.join("nginx.conf");
        fs::write(&file, main).unwrap();
        let mut command = Command::new(if Path::new("/usr/sbin/nginx").exists() {
            "/usr/sbin/nginx"
        } else {
            "nginx"
        });
        command
            .args(["-e", "stderr", "-c"])
            .arg(file)
            .arg("-p")
            .arg(place);
        let process = Process::start(&mut command, place, || listens(address));
        Self {
            address,
            host,
            _process: process,
            _folder: folder,
        }
    }

    /// Traefik with the shipped files, each changed as the test asks.
    pub(crate) fn traefik(behind: &Behind<'_>, change: impl Fn(&str, Shipped) -> Shipped) -> Self {
        let address = free_address();
        let folder = TempDir::new().unwrap();
        let (file, dynamic) = (
            folder.path().join("static.yml"),
            folder.path().join("dynamic.yml"),
        );
        let fixed = Shipped::read("deploy/traefik/static.yml")
            .put("\":80\"", &format!("\"{address}\""))
            .put("/etc/traefik/dynamic.yml", &dynamic.display().to_string());
        change("static.yml", fixed).write(&file);
        let changed = change("dynamic.yml", Shipped::read("deploy/traefik/dynamic.yml"));
        changed
            .put(
                "http://127.0.0.1:9180/forward-auth\"",
                &format!("http://{}/forward-auth\"", behind.htgate),
            )
            .put("127.0.0.1:8080", &behind.application.to_string())
            .write(&dynamic);
        Self::start_traefik(address, Front::Traefik.host(), folder, &file)
    }

    /// Traefik with a static file in `folder`.
    pub(crate) fn start_traefik(
        address: SocketAddr,
        host: &'static str,
        folder: TempDir,
        file: &Path,
    ) -> Self {
        let mut command =
            Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/traefik"));
        command.arg("--configFile").arg(file);
        // It listens before it has read the dynamic file, and says 404 until then.
        let process = Process::start(&mut command, folder.path(), || {
            listens(address)
                && ask(address, "GET", "/", &[("Host", host)])
                    .is_ok_and(|answer| answer.status != 404)
        });
        Self {
            address,
            host,
            _process: process,
            _folder: folder,
        }
    }

    /// Caddy with the shipped file, changed as the test asks.
    pub(crate) fn caddy(
        front: Front,
        behind: &Behind<'_>,
        change: impl Fn(&str, Shipped) -> Shipped,
    ) -> Self {
        let address = free_address();
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("Caddyfile");
        change("Caddyfile", Shipped::read("deploy/caddy/Caddyfile"))
            .put(
                "http://app.example",
                &format!("http://app.example:{}", address.port()),
            )
            .put(
                "http://intranet.example",
                &format!("http://intranet.example:{}", address.port()),
            )
            .put("127.0.0.1:9180", &behind.htgate.to_string())
            .put(
                "/run/htgate/htgate.sock",
                &behind.socket.display().to_string(),
            )
            .put("127.0.0.1:8080", &behind.application.to_string())
            .write(&file);
        Self::start_caddy(address, front.host(), folder, &file)
    }

    /// Caddy with a Caddyfile in `folder`.
    pub(crate) fn start_caddy(
        address: SocketAddr,
        host: &'static str,
        folder: TempDir,
        file: &Path,
    ) -> Self {
        let mut command = Command::new("caddy");
        command
            .args(["run", "--adapter", "caddyfile", "--config"])
            .arg(file)
            .env("CADDY_ADMIN", free_address().to_string())
            .env("HOME", folder.path())
            .env("XDG_CONFIG_HOME", folder.path())
            .env("XDG_DATA_HOME", folder.path());
        let process = Process::start(&mut command, folder.path(), || listens(address));
        Self {
            address,
            host,
            _process: process,
            _folder: folder,
        }
    }

    fn envoy(behind: &Behind<'_>) -> Self {
        let address = free_address();
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("envoy.yaml");
        let port = |port: u16| format!("port_value: {port}}}");
        Shipped::read("deploy/envoy/envoy.yaml")
            .put("address: 0.0.0.0", "address: 127.0.0.1")
            .put(&port(80), &port(address.port()))
            .put(&port(9180), &port(behind.htgate.port()))
            .put(&port(8080), &port(behind.application.port()))
            .write(&file);
        Self::start_envoy(address, Front::Envoy.host(), folder, &file)
    }

    /// Envoy with a file in `folder`.
    pub(crate) fn start_envoy(
        address: SocketAddr,
        host: &'static str,
        folder: TempDir,
        file: &Path,
    ) -> Self {
        let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools");
        let mut command = Command::new(tools.join("envoy"));
        command
            .args(["--concurrency", "1", "--disable-hot-restart"])
            .args(["--log-level", "warning", "-c"])
            .arg(file);
        let process = Process::start(&mut command, folder.path(), || listens(address));
        Self {
            address,
            host,
            _process: process,
            _folder: folder,
        }
    }

    fn haproxy(front: Front, behind: &Behind<'_>) -> Self {
        let address = free_address();
        let folder = TempDir::new().unwrap();
        let (file, lua) = (
            folder.path().join("haproxy.cfg"),
            folder.path().join("htgate.lua"),
        );
        Shipped::read("deploy/haproxy/htgate.lua").write(&lua);
        Shipped::read("deploy/haproxy/haproxy.cfg")
            .put("/etc/haproxy/htgate.lua", &lua.display().to_string())
            .put("bind :80", &format!("bind {address}"))
            .put("127.0.0.1:9180", &behind.htgate.to_string())
            .put("127.0.0.1:8080", &behind.application.to_string())
            .write(&file);
        Self::start_haproxy(address, front.host(), folder, &file)
    }

    /// `HAProxy` with a file in `folder`.
    pub(crate) fn start_haproxy(
        address: SocketAddr,
        host: &'static str,
        folder: TempDir,
        file: &Path,
    ) -> Self {
        let mut command = Command::new("/usr/sbin/haproxy");
        command.args(["-db", "-f"]).arg(file);
        let process = Process::start(&mut command, folder.path(), || listens(address));
        Self {
            address,
            host,
            _process: process,
            _folder: folder,
        }
    }

    /// Asks the protected site, on a connection of its own.
    pub(crate) fn ask(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> Response {
        let mut all = vec![("Host", self.host)];
        all.extend_from_slice(headers);
        ask(self.address, method, target, &all).unwrap()
    }

    /// Gets a page of another site of this proxy's.
    #[allow(dead_code, reason = "for tests/e2e")]
    pub(crate) fn ask_at(&self, host: &str, target: &str, headers: &[(&str, &str)]) -> Response {
        let all = [&[("Host", host)], headers].concat();
        ask(self.address, "GET", target, &all).unwrap()
    }

    pub(crate) fn get(&self, target: &str, headers: &[(&str, &str)]) -> Response {
        self.ask("GET", target, headers)
    }
}

fn ask(
    to: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
) -> std::io::Result<Response> {
    Connection::open(to).ask(&request(method, target, headers, b""))
}

fn listens(address: SocketAddr) -> bool {
    TcpStream::connect(address).is_ok()
}
