//! A protected site: an application, htgate with a few accounts, and one proxy before them.

use std::{path::PathBuf, process::Command};

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{
    origin::Origin,
    program::Htgate,
    proxy::{Behind, Front, Proxy},
};

/// Every site asks for "staff" below `/staff/`, whether by a rule or by name.
const CONFIGURATION: &str = r#"
[realms.intranet]
title = "Example intranet"
htpasswd = "users.htpasswd"
groups = "users.groups"
api_keys = true

[policies.members]
realm = "intranet"

[policies.staff]
realm = "intranet"
require = ["group staff", "scope staff"]

[[rules]]
hosts = ["app.example"]
paths = ["/public/**"]
policy = "open"

[[rules]]
hosts = ["app.example"]
paths = ["/staff/**"]
policy = "staff"

[[rules]]
hosts = ["app.example"]
policy = "members"

[api_keys]
store = "sqlite:keys.db"

[throttle]
failures = 10
"#;

/// "correct horse" and "builder", bcrypt at its lowest cost.
pub(crate) const USERS: &str = "alice:$2y$04$1qx3YCQL7yvBRUsHr7n4i.i10hdGAjwkLOKM96tSud4GZrA3ILBOK\nbob:$2y$04$lAnlYDEIq5jcC.W3aAeMrujdsAyZGX1vphYlBhphKb7Ge/La/YUTS\n";

pub(crate) const ALICE: (&str, &str) = ("alice", "correct horse");
pub(crate) const BOB: (&str, &str) = ("bob", "builder");

/// The value of an `Authorization` header.
pub(crate) fn basic((user, password): (&str, &str)) -> String {
    format!(
        "Basic {}",
        BASE64_STANDARD.encode(format!("{user}:{password}"))
    )
}

/// htgate as it stands behind every proxy.
pub(crate) fn htgate() -> Htgate {
    htgate_with(|configuration| configuration)
}

/// The same, its configuration changed.
pub(crate) fn htgate_with(change: impl Fn(String) -> String) -> Htgate {
    let mut htgate = prepared(&change(CONFIGURATION.to_owned()));
    htgate.serve();
    htgate
}

/// The same, not running yet.
pub(crate) fn htgate_prepared() -> Htgate {
    prepared(CONFIGURATION)
}

/// The same with keys in this store, and more configuration at its end.
#[allow(dead_code, reason = "for tests/nodes and tests/siege")]
pub(crate) fn htgate_prepared_for(store: &str, more: &str) -> Htgate {
    prepared(&(CONFIGURATION.replace("sqlite:keys.db", store) + more))
}

fn prepared(configuration: &str) -> Htgate {
    let files = [
        ("users.htpasswd", USERS),
        ("users.groups", "staff: alice\n"),
    ];
    Htgate::prepare(configuration, &files)
}

/// All three, running.
pub(crate) struct Site {
    pub(crate) front: Front,
    pub(crate) proxy: Proxy,
    pub(crate) htgate: Htgate,
    pub(crate) application: Origin,
}

impl Site {
    pub(crate) fn start(front: Front) -> Self {
        Self::start_with(front, htgate())
    }

    pub(crate) fn start_with(front: Front, htgate: Htgate) -> Self {
        let application = Origin::application();
        let socket: PathBuf = htgate.socket();
        let behind = Behind {
            htgate: htgate.address,
            socket: &socket,
            application: application.address,
        };
        let proxy = Proxy::start(front, &behind);
        Self {
            front,
            proxy,
            htgate,
            application,
        }
    }

    /// The status that this user gets for the page that only staff may see.
    pub(crate) fn status_for(&self, who: (&str, &str)) -> u16 {
        self.proxy
            .get("/staff/x", &[("Authorization", &basic(who))])
            .status
    }

    /// Edits the password file as an administrator does, with Apache's tool.
    pub(crate) fn set_password(&self, (user, password): (&str, &str)) {
        let file = self.htgate.path("users.htpasswd");
        let output = Command::new("htpasswd")
            .arg("-bBC")
            .arg("4")
            .arg(file)
            .args([user, password])
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    }
}

/// A site for each way of reaching htgate.
pub(crate) fn every_site() -> impl Iterator<Item = Site> {
    Front::ALL.into_iter().map(|front| {
        eprintln!("== {front:?}");
        Site::start(front)
    })
}
