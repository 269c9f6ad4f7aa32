//! `htgate demo`.

use std::fs;
use std::io::{self, Write as _};

use jiff::Timestamp;
use zeroize::Zeroizing;

use super::serve::service;
use super::{Exit, Failure};
use crate::app::open_key_store;
use crate::config::Settings;
use crate::config::Source;
use crate::identity::{Label, Password, Scope};
use crate::password_hash::{DEFAULT_BCRYPT_COST, hash_bcrypt};
use crate::store::api_keys::NewKey;

/// Try htgate at once: a user and a key made up, the service started, curl lines to paste
///
/// Everything lives in a temporary folder and on a free port, and is gone when you press Ctrl-C.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  htgate demo")]
pub(super) struct Args {}

const CONFIG: &str = r#"
[server]
listen = ["127.0.0.1:0"]

[admin]
listen = "unix:admin.sock"

[realms.demo]
title = "htgate demo"
htpasswd = "users.htpasswd"
groups = "users.groups"
api_keys = true
offer = ["Basic", "Bearer"]

[policies.staff]
realm = "demo"
require = ["group staff", "scope read"]

[policies.admins]
realm = "demo"
require = ["group admins"]

[[rules]]
hosts = ["demo.example"]
paths = ["/public/**"]
policy = "open"

[[rules]]
hosts = ["demo.example"]
policy = "staff"
"#;

const PASSWORD: &str = "correct-horse";

pub(super) fn run(_args: &Args) -> Result<(), Failure> {
    let folder = tempfile::Builder::new().prefix("htgate-demo-").tempdir()?;
    let path = folder.path().join("htgate.toml");
    let password = Password::new(Zeroizing::new(PASSWORD.as_bytes().to_vec()));
    let hash = hash_bcrypt(&password, DEFAULT_BCRYPT_COST);
    let hash = hash.map_err(|error| Failure::new(Exit::Io, error))?;
    fs::write(&path, CONFIG)?;
    fs::write(
        folder.path().join("users.htpasswd"),
        format!("alice:{hash}\n"),
    )?;
    fs::write(folder.path().join("users.groups"), "staff: alice\n")?;

    let source = Source::file(&path);
    let (settings, _advice) = source.load()?;
    let key = make_key(&settings)?;
    let shown = folder.path().display().to_string();
    service(source, settings, |places| {
        let at = places.first().map(String::as_str).unwrap_or_default();
        say(at, &key, &shown).map_err(Failure::from)
    })
}

/// A key with the scope `read`.
fn make_key(settings: &Settings) -> Result<String, Failure> {
    let wrong = |error: &dyn std::fmt::Display| Failure::new(Exit::Io, error);
    let new = NewKey {
        name: Label::parse("demo").map_err(|e| wrong(&e))?,
        realm: "demo".to_owned(),
        owner: None,
        scopes: [Scope::parse("read").map_err(|e| wrong(&e))?]
            .into_iter()
            .collect(),
        networks: Vec::new(),
        expires: None,
    };
    let mut store = open_key_store(&settings.api_keys)?;
    let made = store.create(new, &settings.api_keys.prefix, Timestamp::now());
    let (_, key) = made.map_err(|e| wrong(&e))?;
    Ok(key.expose_secret().to_owned())
}

/// The lines to try, each with the status it gives at its end.
fn say(at: &str, key: &str, folder: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let basic = format!("-u alice:{PASSWORD}");
    let asked = |path: &str| {
        format!(
            "-H 'X-Forwarded-Method: GET' -H 'X-Forwarded-Host: demo.example' \
             -H 'X-Forwarded-Uri: {path}' http://{at}/forward-auth"
        )
    };
    writeln!(
        out,
        "htgate answers on {at}; its files are in {folder}. Ctrl-C ends it.\n"
    )?;
    writeln!(out, "A policy by name, as a proxy would ask:")?;
    let staff = format!("http://{at}/forward-auth/staff");
    for (args, status) in [
        (staff.clone(), 401),
        (format!("{basic} {staff}"), 200),
        (format!("-u alice:wrong {staff}"), 401),
        (format!("-H 'Authorization: Bearer {key}' {staff}"), 200),
        (format!("{basic} http://{at}/forward-auth/admins"), 403),
        (format!("{basic} http://{at}/auth-request/staff"), 200),
    ] {
        writeln!(out, "curl -i {args}  # {status}")?;
    }
    writeln!(out, "\nBy the rules, for a page that the proxy describes:")?;
    for (args, status) in [
        (asked("/public/logo.png"), 200),
        (asked("/reports"), 401),
        (format!("{basic} {}", asked("/reports")), 200),
        (format!("{basic} {}", asked("/public/..%2freports")), 403),
    ] {
        writeln!(out, "curl -i {args}  # {status}")?;
    }
    writeln!(out)?;
    out.flush()
}
