//! The world of the cases: accounts, keys and rules in htgate, and the proxies before it.

use std::{collections::BTreeMap, fs, net::SocketAddr};

use serde_json::Value;
use tempfile::TempDir;

use super::{accounts::Accounts, text};
use crate::harness::{
    origin::{Origin, Received, answer},
    process::free_address,
    program::Htgate,
    proxy::{Behind, Proxy},
};

const CONFIGURATION: &str = include_str!("world.toml");

/// The realms with users: as the cases call them, and as the files are named.
const REALMS: [(&str, &str); 2] = [("Main Site", "main"), ("Ops \"East\", \\ Bearer", "ops")];
const KEYS: &str = "api";

/// htgate with that world, an application, and nginx and Traefik between.
pub(super) struct World {
    accounts: BTreeMap<&'static str, Accounts>,
    nginx: Proxy,
    traefik: Proxy,
    htgate: Htgate,
}

impl World {
    pub(super) fn create(head: &Value, name: &str) -> Self {
        let described = &head["world"]["base"];
        let mut configuration = CONFIGURATION.to_owned();
        if name == "query-keys" {
            configuration = configuration.replace("#query_param", "query_param");
        }
        let mut accounts = BTreeMap::new();
        for (title, realm) in REALMS {
            let users: &mut Accounts = accounts.entry(realm).or_default();
            users.add(&described["realms"][title]["users"]);
        }
        if name == "hostile-names" {
            let more = head["world"][name]
                .as_object()
                .unwrap()
                .values()
                .next()
                .unwrap();
            accounts.entry("main").or_default().add(more);
        }

        let mut htgate = Htgate::prepare(&configuration, &[]);
        for (realm, accounts) in &accounts {
            accounts.write(&htgate, realm);
        }
        htgate.serve();
        for key in described["keys"].as_array().unwrap() {
            import(&htgate, key);
        }
        let upstream = Origin::start(echo);
        let nginx = nginx(&htgate, upstream.address);
        let traefik = traefik(&head["fixtures"], &htgate, upstream.address);
        Self {
            accounts,
            nginx,
            traefik,
            htgate,
        }
    }

    /// Makes a change as an administrator does, and waits for it to be in force.
    pub(super) fn act(&mut self, action: &Value) {
        let (what, with) = action.as_object().unwrap().iter().next().unwrap();
        let word = |at: usize| text(&with[at]);
        let realm = |title: &str| {
            REALMS
                .iter()
                .find(|(known, _)| *known == title)
                .expect("a realm")
                .1
        };
        let run = |arguments: &[&str]| {
            self.htgate.run(arguments, "");
        };
        match what.as_str() {
            "set_password" => {
                let accounts = self.accounts.get_mut(realm(word(0))).unwrap();
                accounts.set_password(word(1), word(2));
            }
            "remove_user" => {
                self.accounts
                    .get_mut(realm(word(0)))
                    .unwrap()
                    .hashes
                    .remove(word(1));
            }
            "add_to_group" => {
                let member = (word(0).to_owned(), word(1).to_owned());
                self.accounts.get_mut("main").unwrap().groups.push(member);
            }
            "remove_from_group" => {
                let groups = &mut self.accounts.get_mut("main").unwrap().groups;
                groups.retain(|(group, member)| {
                    (group.as_str(), member.as_str()) != (word(0), word(1))
                });
            }
            "revoke_key" => run(&["key", "revoke", text(with)]),
            "delete_key" => run(&["key", "delete", text(with)]),
            "expire_key" => run(&["key", "update", text(with), "--expires", "2020-01-01"]),
            "set_scopes" => {
                let scopes = with[1].as_array().unwrap();
                let scopes = scopes.iter().flat_map(|scope| ["--scope", text(scope)]);
                run(&["key", "update", word(0)]
                    .into_iter()
                    .chain(scopes)
                    .collect::<Vec<_>>());
            }
            _ => panic!("an unknown action: {action}"),
        }
        for (realm, accounts) in &self.accounts {
            accounts.write(&self.htgate, realm);
        }
        self.htgate.run(&["reload"], "");
    }

    /// Where a case of this way is sent.
    pub(super) fn address(&self, case: &Value) -> SocketAddr {
        match text(&case["via"]) {
            "direct" => self.htgate.address,
            "nginx" => self.nginx.address,
            "traefik" => self.traefik.address,
            via => panic!("an unknown way: {via}"),
        }
    }
}

fn import(htgate: &Htgate, key: &Value) {
    let (name, owner) = (text(&key["id"]), text(&key["owner"]));
    let mut import = vec![
        "key", "import", "--realm", KEYS, "--name", name, "--owner", owner,
    ];
    let scopes = key["scopes"].as_array().unwrap();
    import.extend(scopes.iter().flat_map(|scope| ["--scope", text(scope)]));
    if let Some(expires) = key["expires"].as_str() {
        let (day, _) = expires.split_once('T').unwrap();
        import.extend(["--expires", day]);
    }
    htgate.run(&import, text(&key["key"]));
    if key["revoked"] == true {
        htgate.run(&["key", "revoke", name], "");
    }
}

/// The upstream of the fixtures: says that it was reached, and which identity it was told.
fn echo(request: &Received) -> Vec<u8> {
    let mut headers = vec![("X-Upstream", "reached".to_owned())];
    for (told, seen) in [
        ("Remote-User", "X-Seen-User"),
        ("Remote-Groups", "X-Seen-Groups"),
    ] {
        let values = request.all(told);
        if values.iter().any(|value| !value.is_empty()) {
            headers.push((seen, values.join("|")));
        }
    }
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    answer(200, &headers, "")
}

/// nginx with the shipped files, for every host, and its identity headers renamed as they say.
fn nginx(htgate: &Htgate, upstream: SocketAddr) -> Proxy {
    let address = free_address();
    let folder = TempDir::new().unwrap();
    let socket = htgate.socket();
    let behind = Behind {
        htgate: htgate.address,
        socket: &socket,
        application: upstream,
    };
    Proxy::write_nginx_files(folder.path(), &behind, |name, file| match name {
        // Some cases ask for the location of the question by the name the fixtures give it.
        "htgate-location.conf" => file.put("/_htgate", "/_gate"),
        "htgate-protect.conf" => file
            .put("/_htgate", "/_gate")
            .put("$upstream_http_x_auth_user", "$upstream_http_remote_user")
            .put(
                "$upstream_http_x_auth_groups",
                "$upstream_http_remote_groups",
            ),
        "htgate-headers.conf" => file
            .put(
                "proxy_set_header Remote-User \"\";",
                "proxy_set_header Remote-User $htgate_user;",
            )
            .put(
                "proxy_set_header Remote-Groups \"\";",
                "proxy_set_header Remote-Groups $htgate_groups;",
            ),
        _ => file,
    });
    let http = format!(
        "keepalive_requests 100000; large_client_header_buffers 8 16k;
        include htgate/htgate-upstream.conf;
        server {{
            listen {address} default_server;
            server_name _;
            set $htgate_endpoint http://htgate/auth-request;
            include htgate/htgate-location.conf;
            location / {{
                include htgate/htgate-protect.conf;
                proxy_pass http://{upstream};
            }}
        }}"
    );
    Proxy::start_nginx(address, "app.example", folder, &http)
}

/// Traefik as the fixtures have it.
fn traefik(fixtures: &Value, htgate: &Htgate, upstream: SocketAddr) -> Proxy {
    let address = free_address();
    let folder = TempDir::new().unwrap();
    for name in ["traefik-static.yml", "traefik-dynamic.yml"] {
        let file = text(&fixtures[name])
            .replace("@TRAEFIK@", &address.to_string())
            .replace("@AUTHPATH@", "/forward-auth")
            .replace("@AUTH@", &htgate.address.to_string())
            .replace("@UPSTREAM@", &upstream.to_string())
            .replace("@TMP@", &folder.path().display().to_string());
        fs::write(folder.path().join(name), file).unwrap();
    }
    let file = folder.path().join("traefik-static.yml");
    Proxy::start_traefik(address, "app.example", folder, &file)
}
