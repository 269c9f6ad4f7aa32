//! What `htgate snippet` prints, run as it stands: other places, sites and names of headers than the
//! shipped files have.

use std::fs;

use tempfile::TempDir;

use crate::{
    every_proxy::SPOOFED,
    harness::{
        origin::{Origin, Received},
        process::free_address,
        program::Htgate,
        proxy::Proxy,
        shipped::Shipped,
        site::{ALICE, USERS, basic},
    },
};

/// A configuration, and what its snippets have to do.
struct Case {
    /// The place to ask; `{address}` and `{socket}` are put in.
    listen: &'static str,
    /// All but `[server]` and `[admin]`.
    configuration: &'static str,
    /// A request of Alice's passes at these hosts.
    hosts: &'static [&'static str],
    /// And not here.
    elsewhere: &'static [&'static str],
    /// What the application is told of her.
    told: &'static [(&'static str, &'static str)],
    /// What it isn't told by anybody.
    untold: &'static [&'static str],
}

const CASES: [Case; 3] = [
    // The usual names; two sites by rules.
    Case {
        listen: "\"{address}\", \"unix:{socket}\"",
        configuration: r#"
[realms.intranet]
htpasswd = "users.htpasswd"

[policies.members]
realm = "intranet"

[[rules]]
hosts = ["app.example", "*.apps.example"]
policy = "members"
"#,
        hosts: &["app.example", "one.apps.example"],
        elsewhere: &["other.example", "apps.example"],
        told: &[
            ("X-Auth-User", "alice"),
            ("X-Auth-Method", "basic"),
            ("X-Auth-Groups", "-"),
        ],
        untold: &["Remote-User"],
    },
    // Other names for some headers, one left out; whatever the host.
    Case {
        listen: "\"{address}\"",
        configuration: r#"
[realms.intranet]
htpasswd = "users.htpasswd"
groups = "users.groups"

[policies.members]
realm = "intranet"

[[rules]]
policy = "members"

[identity_headers]
user = "Remote-User"
groups = "X-Team"
key = ""
"#,
        hosts: &["app.example", "whatever.example"],
        elsewhere: &[],
        told: &[
            ("Remote-User", "alice"),
            ("X-Team", "staff"),
            ("X-Auth-Realm", "intranet"),
        ],
        untold: &["X-Auth-User", "X-Auth-Groups", "X-Auth-Key"],
    },
    // No rules: a policy by name. First over a unix socket, for those that can.
    Case {
        listen: "\"unix:{socket}\", \"{address}\"",
        configuration: r#"
[realms.intranet]
htpasswd = "users.htpasswd"
groups = "users.groups"

[policies.staff]
realm = "intranet"
require = ["group staff"]
"#,
        hosts: &["app.example"],
        elsewhere: &[],
        told: &[("X-Auth-User", "alice"), ("X-Auth-Groups", "staff")],
        untold: &["Remote-User"],
    },
];

impl Case {
    fn serve(&self) -> Htgate {
        let mut htgate = Htgate::in_a_folder();
        let listen = self
            .listen
            .replace("{address}", &htgate.address.to_string())
            .replace("{socket}", &htgate.socket().display().to_string());
        let (admin, rest) = (htgate.admin, self.configuration);
        let text = format!("[server]\nlisten = [{listen}]\n[admin]\nlisten = \"{admin}\"\n{rest}");
        fs::write(htgate.path("htgate.toml"), text).unwrap();
        fs::write(htgate.path("users.htpasswd"), USERS).unwrap();
        fs::write(htgate.path("users.groups"), "staff: alice\n").unwrap();
        htgate.serve();
        htgate
    }

    /// Holds a proxy that runs on a snippet against all of this.
    fn hold(&self, proxy: &Proxy, application: &Origin) {
        let alice = basic(ALICE);
        for host in self.hosts {
            let refused = proxy.ask_at(host, "/x", &[]);
            assert_eq!(refused.status, 401, "{host}");
            let challenges = refused.all("WWW-Authenticate");
            assert!(challenges[0].starts_with("Basic realm="), "{challenges:?}");
            assert!(application.take().is_empty(), "{host}");

            let made_up: Vec<(&str, &str)> = self
                .told
                .iter()
                .map(|(name, _)| *name)
                .chain(self.untold.iter().copied())
                .map(|name| (name, "spoofed"))
                .collect();
            let signed = [("Authorization", alice.as_str())];
            let headers = [&signed, &SPOOFED[..], &made_up].concat();
            let passed = proxy.ask_at(host, "/x?a=1", &headers);
            assert_eq!(passed.status, 200, "{host}");
            self.hold_identity(&application.take_one());
        }
        for host in self.elsewhere {
            proxy.ask_at(host, "/x", &[("Authorization", &alice)]);
            assert!(application.take().is_empty(), "{host}");
        }
    }

    fn hold_identity(&self, seen: &Received) {
        assert_eq!(seen.target, "/x?a=1");
        for (name, value) in self.told {
            assert_eq!(seen.all(name), [*value], "{name}: {seen:?}");
        }
        for name in self.untold {
            assert_eq!(seen.all(name), [""; 0], "{name}: {seen:?}");
        }
        let made_up = |(_, value): &&(String, String)| value.contains("spoofed");
        let made_up: Vec<_> = seen.headers.iter().filter(made_up).collect();
        assert!(made_up.is_empty(), "{made_up:?}");
        assert_eq!(seen.all("Authorization"), [""; 0]);
    }
}

/// Runs what is printed for this proxy, for each case; `start` puts the test's own address in.
fn each_case(name: &str, start: impl Fn(&Case, Shipped, TempDir) -> Proxy) {
    for case in &CASES {
        let (htgate, application) = (case.serve(), Origin::application());
        let file = Shipped::printed(&htgate.run(&["snippet", name], ""));
        let (documented, ours) = if name == "envoy" {
            (
                "port_value: 8080}",
                format!("port_value: {}}}", application.address.port()),
            )
        } else {
            ("127.0.0.1:8080", application.address.to_string())
        };
        let file = file.put(documented, &ours);
        let proxy = start(case, file, TempDir::new().unwrap());
        case.hold(&proxy, &application);
    }
}

#[test]
#[ignore = "needs nginx; tests/run installs it"]
fn nginx_protects_each_configuration_with_what_is_printed_for_it() {
    each_case("nginx", |case, file, folder| {
        let address = free_address();
        file.put("listen 80", &format!("listen {address}"))
            .write(&folder.path().join("htgate.conf"));
        // A host that nobody named gets this server.
        let other = if case.elsewhere.is_empty() {
            String::new()
        } else {
            format!("server {{ listen {address} default_server; return 421; }}")
        };
        let http = format!("{other} include htgate.conf;");
        Proxy::start_nginx(address, case.hosts[0], folder, &http)
    });
}

#[test]
#[ignore = "needs Traefik; tests/run installs it"]
fn traefik_protects_each_configuration_with_what_is_printed_for_it() {
    each_case("traefik", |case, file, folder| {
        let address = free_address();
        let dynamic = folder.path().join("dynamic.yml");
        file.write(&dynamic);
        let fixed = folder.path().join("static.yml");
        Shipped::read("deploy/traefik/static.yml")
            .put("\":80\"", &format!("\"{address}\""))
            .put("/etc/traefik/dynamic.yml", &dynamic.display().to_string())
            .write(&fixed);
        Proxy::start_traefik(address, case.hosts[0], folder, &fixed)
    });
}

#[test]
#[ignore = "needs Caddy; tests/run installs it"]
fn caddy_protects_each_configuration_with_what_is_printed_for_it() {
    each_case("caddy", |case, file, folder| {
        let address = free_address();
        let site = |host: &str| format!("http://{host}");
        let mut file = file;
        for host in ["app.example", "*.apps.example"] {
            if file.text().contains(&site(host)) {
                file = file.put(&site(host), &format!("{}:{}", site(host), address.port()));
            }
        }
        if case.elsewhere.is_empty() {
            file = file.put("\nhttp:// {", &format!("\nhttp://:{} {{", address.port()));
        }
        let place = folder.path().join("Caddyfile");
        file.write(&place);
        Proxy::start_caddy(address, case.hosts[0], folder, &place)
    });
}

#[test]
#[ignore = "needs HAProxy; tests/run installs it"]
fn haproxy_protects_each_configuration_with_what_is_printed_for_it() {
    each_case("haproxy", |case, file, folder| {
        let address = free_address();
        let (place, lua) = (
            folder.path().join("haproxy.cfg"),
            folder.path().join("htgate.lua"),
        );
        Shipped::read("deploy/haproxy/htgate.lua").write(&lua);
        file.put("bind :80", &format!("bind {address}"))
            .put("/etc/haproxy/htgate.lua", &lua.display().to_string())
            .write(&place);
        Proxy::start_haproxy(address, case.hosts[0], folder, &place)
    });
}

#[test]
#[ignore = "needs Envoy; tests/run installs it"]
fn envoy_protects_each_configuration_with_what_is_printed_for_it() {
    each_case("envoy", |case, file, folder| {
        let address = free_address();
        let place = folder.path().join("envoy.yaml");
        file.put("address: 0.0.0.0", "address: 127.0.0.1")
            .put(
                "port_value: 80}",
                &format!("port_value: {}}}", address.port()),
            )
            .write(&place);
        Proxy::start_envoy(address, case.hosts[0], folder, &place)
    });
}

#[test]
fn units_and_annotations_are_printed_for_the_configuration() {
    let case = &CASES[1];
    let htgate = case.serve();
    let units = htgate.run(&["snippet", "systemd"], "");
    let file = htgate.path("htgate.toml").display().to_string();
    assert!(
        units.contains(&format!("serve --config {file}\n")),
        "{units}"
    );
    assert!(
        units.contains("# /etc/systemd/system/htgate.service.d/network.conf\n"),
        "{units}"
    );
    assert!(!units.contains("htgate.socket\n"), "{units}");
    let ingress = htgate.run(&["snippet", "ingress-nginx"], "");
    assert!(
        ingress.contains(":9180/auth-request/members\"\n"),
        "{ingress}"
    );
    let headers = "\"Remote-User, X-Team, X-Auth-Scopes, X-Auth-Method, X-Auth-Realm\"";
    assert!(ingress.contains(headers), "{ingress}");
}
