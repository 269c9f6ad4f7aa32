//! What `compose.yaml` says, held against the files that it names.

use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use serde_json::Value;

use super::stack::{prepare, prepared};
use crate::harness::shipped::Shipped;

const FOLDER: &str = "deploy/compose";

/// The file as JSON: read by a YAML parser, its aliases and merges resolved.
fn compose() -> Value {
    let program = "import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER);
    let output = Command::new("python3")
        .args(["-c", program])
        .stdin(fs::File::open(path.join("compose.yaml")).unwrap())
        .output()
        .expect("python3; tests/setup installs what is missing");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn services(compose: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let services = compose["services"].as_object().unwrap();
    services
        .iter()
        .map(|(name, service)| (name.as_str(), service))
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array()
        .into_iter()
        .flatten()
        .map(|text| text.as_str().unwrap())
}

/// A service's networks, whether they are written as a list or with addresses.
fn networks(service: &Value) -> BTreeSet<&str> {
    let named = service["networks"].as_object().into_iter().flatten();
    texts(&service["networks"])
        .chain(named.map(|(name, _)| name.as_str()))
        .collect()
}

fn address<'a>(compose: &'a Value, service: &str) -> &'a str {
    compose["services"][service]["networks"]["ask"]["ipv4_address"]
        .as_str()
        .unwrap()
}

#[test]
#[ignore = "needs PyYAML; tests/run installs it"]
fn every_path_that_is_mounted_is_shipped_or_made_by_prepare() {
    let (compose, prepared) = (compose(), prepared());
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER);
    let mounts = services(&compose)
        .flat_map(|(_, service)| texts(&service["volumes"]))
        .map(|volume| volume.split(':').next().unwrap());
    let secrets = compose["secrets"].as_object().unwrap().values();
    let secrets = secrets.map(|secret| secret["file"].as_str().unwrap());
    let mut seen = 0;
    for path in mounts.chain(secrets) {
        let place = match path.strip_prefix("./private/") {
            Some(_) => prepared.path(),
            None if path.starts_with('.') => &here,
            None => {
                assert!(compose["volumes"].get(path).is_some(), "{path}");
                continue;
            }
        };
        assert!(place.join(path).exists(), "{path}");
        seen += 1;
    }
    assert!(seen > 10, "{seen}");
    let build = &compose["services"]["htgate-1"]["build"];
    let top = here.join(build["context"].as_str().unwrap());
    assert!(top.join(build["dockerfile"].as_str().unwrap()).exists());
    for line in Shipped::read("deploy/compose/Dockerfile").text().lines() {
        let sources = line
            .strip_prefix("COPY ")
            .filter(|rest| !rest.starts_with("--"));
        for source in sources
            .iter()
            .flat_map(|rest| rest.split(' ').rev().skip(1))
        {
            assert!(top.join(source).exists(), "{line}");
        }
    }
}

#[test]
#[ignore = "needs PyYAML; tests/run installs it"]
fn addresses_ports_and_secrets_are_the_same_in_every_file() {
    let compose = compose();
    let [site, settings] = ["nginx/site.conf", "htgate/htgate.toml"]
        .map(|name| Shipped::read(&format!("{FOLDER}/{name}")));
    let settings: toml::Table = settings.text().parse().unwrap();
    let server = &settings["server"];
    let port = server["listen"][0]
        .as_str()
        .unwrap()
        .rsplit(':')
        .next()
        .unwrap();
    for node in ["htgate-1", "htgate-2"] {
        let line = format!("server {}:{port} ", address(&compose, node));
        assert!(site.text().contains(&line), "{line}");
    }
    let proxy = address(&compose, "nginx");
    assert_eq!(server["trusted_proxies"], vec![proxy].into());
    assert!(site.text().contains("listen 80;"));
    assert!(texts(&compose["services"]["nginx"]["ports"]).all(|port| port.ends_with(":80")));

    let ready = format!(
        "http://{}/readyz",
        settings["admin"]["listen"].as_str().unwrap()
    );
    let keys = &settings["api_keys"];
    let of_commands = &compose["services"]["commands"]["environment"]["HTGATE_API_KEYS__STORE"];
    for (service, role, store) in [
        ("htgate-1", "node", keys["store"].as_str().unwrap()),
        ("htgate-2", "node", keys["store"].as_str().unwrap()),
        ("commands", "commands", of_commands.as_str().unwrap()),
        ("schema", "commands", of_commands.as_str().unwrap()),
    ] {
        let service = &compose["services"][service];
        assert!(
            store.starts_with(&format!("postgres://htgate_{role}@postgres/htgate?")),
            "{store}"
        );
        let secrets: Vec<_> = texts(&service["secrets"]).collect();
        assert_eq!(secrets, [&format!("{role}_pgpass"), "pepper"]);
        assert!(
            store.ends_with(&format!("passfile=/run/secrets/{role}_pgpass")),
            "{store}"
        );
        assert_eq!(keys["pepper_file"].as_str(), Some("/run/secrets/pepper"));
        if role == "node" {
            assert!(texts(&service["healthcheck"]["test"]).any(|word| word == ready));
        }
    }
    for (name, service) in services(&compose) {
        for secret in texts(&service["secrets"]) {
            assert!(compose["secrets"].get(secret).is_some(), "{name}: {secret}");
        }
    }
}

#[test]
#[ignore = "needs PyYAML; tests/run installs it"]
fn the_database_is_for_the_nodes_and_the_commands_and_nobody_reaches_in() {
    let compose = compose();
    let mut open = Vec::new();
    for (name, service) in services(&compose) {
        let networks = networks(service);
        let expected: &[&str] = match name {
            "nginx" => &["ask", "outside"],
            "htgate-1" | "htgate-2" => &["ask", "keys"],
            _ => &["keys"],
        };
        assert_eq!(networks, expected.iter().copied().collect(), "{name}");
        open.extend(texts(&service["ports"]));
    }
    assert_eq!(open, ["127.0.0.1:8000:80"]);
    for network in ["ask", "keys"] {
        assert_eq!(compose["networks"][network]["internal"], true, "{network}");
    }
}

#[test]
#[ignore = "needs PyYAML; tests/run installs it"]
fn no_container_keeps_a_right_that_it_needs_not() {
    let compose = compose();
    for (name, service) in services(&compose) {
        let words = |key: &str| texts(&service[key]).collect::<Vec<_>>();
        assert_eq!(words("cap_drop"), ["ALL"], "{name}");
        assert_eq!(words("security_opt"), ["no-new-privileges:true"], "{name}");
        let capabilities: &[&str] = match name {
            "nginx" => &["CHOWN", "NET_BIND_SERVICE", "SETGID", "SETUID"],
            _ => &[],
        };
        assert_eq!(words("cap_add"), capabilities, "{name}");
        assert_eq!(service["read_only"] == true, name != "postgres", "{name}");
        assert!(service.get("privileged").is_none(), "{name}");
        let writable = words("volumes").into_iter().filter(|v| !v.ends_with(":ro"));
        let expected: &[&str] = match name {
            "commands" => &["./private/users:/var/lib/htgate"],
            "postgres" => &["database:/var/lib/postgresql/data"],
            _ => &[],
        };
        assert_eq!(writable.collect::<Vec<_>>(), expected, "{name}");
    }
}

#[test]
fn prepare_makes_secrets_once_and_for_nobody_else() {
    let folder = prepared();
    let private = folder.path().join("private");
    let secrets = [
        "node_pgpass",
        "commands_pgpass",
        "postgres_password",
        "pepper",
    ];
    let contents = || secrets.map(|name| fs::read(private.join("secrets").join(name)).unwrap());
    let before = contents();
    assert!(before.iter().all(|secret| secret.len() >= 64));
    assert_eq!(before.iter().collect::<BTreeSet<_>>().len(), secrets.len());
    prepare(folder.path());
    assert_eq!(before, contents());
    for path in ["", "users", "secrets"].map(|name| private.join(name)) {
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o077,
            0,
            "{path:?}"
        );
        for file in fs::read_dir(&path).unwrap().flatten() {
            let mode = file.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o027, 0, "{:?}: {mode:o}", file.path());
        }
    }
}
