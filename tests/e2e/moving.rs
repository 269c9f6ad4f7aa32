//! The pages of docs/moving: what they have before and after, run and asked the same questions.

use std::{fs, path::Path, process::Command};

use tempfile::TempDir;

use crate::harness::{
    http::{Connection, request},
    origin::Origin,
    process::{Process, free_address},
    program::Htgate,
    proxy::{Behind, Front, Proxy},
    site::{ALICE, BOB, USERS, basic},
};

const PAGES: [&str; 5] = [
    "nginx",
    "apache",
    "traefik",
    "oauth2-proxy",
    "ingress-nginx",
];

/// The block of a page that has these words behind its fence.
fn block(page: &str, words: &str) -> String {
    let file = format!("docs/moving/{page}.md");
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&file)).unwrap();
    let fence = format!("```{words}\n");
    let (_, rest) = text
        .split_once(&fence)
        .unwrap_or_else(|| panic!("{file} has no {fence}"));
    rest.split_once("```").unwrap().0.to_owned()
}

/// htgate as a page leaves it; alice is of the staff, bob is not.
fn after(page: &str) -> Htgate {
    let files = [
        ("users.htpasswd", USERS),
        ("users.groups", "staff: alice\n"),
    ];
    let mut htgate = Htgate::prepare(&block(page, "toml after"), &files);
    htgate.serve();
    htgate
}

#[test]
fn what_each_page_ends_with_is_sound() {
    for page in PAGES {
        let said = after(page).run(&["check"], "");
        assert!(
            said.contains("the configuration is sound"),
            "{page}: {said}"
        );
    }
}

/// The statuses for nobody, a wrong password, bob and alice.
fn statuses(proxy: &Proxy) -> [u16; 4] {
    let wrong = basic((ALICE.0, "wrong"));
    let (bob, alice) = (basic(BOB), basic(ALICE));
    ["", &wrong, &bob, &alice].map(|authorization| {
        let headers = [("Authorization", authorization)];
        let headers = if authorization.is_empty() {
            &[][..]
        } else {
            &headers
        };
        proxy.get("/", headers).status
    })
}

/// The same through htgate, where the page asks by name.
fn moved(page: &str, front: Front) -> [u16; 4] {
    let (htgate, application) = (after(page), Origin::application());
    let socket = htgate.socket();
    let behind = Behind {
        htgate: htgate.address,
        socket: &socket,
        application: application.address,
    };
    let proxy = match front {
        Front::Traefik => {
            Proxy::traefik(&behind, |name, file| {
                match name {
            "dynamic.yml" => file.put("9180/forward-auth\"", "9180/forward-auth/intranet\"").put(
                "http://127.0.0.1:9180/forward-auth/intranet\"",
                &format!("http://{}/forward-auth/intranet\" # http://127.0.0.1:9180/forward-auth\"", behind.htgate),
            ),
            _ => file,
        }
            })
        }
        _ => Proxy::nginx(front, &behind, |name, file| match name {
            "example.conf" => file.put("htgate/auth-request;", "htgate/auth-request/intranet;"),
            _ => file,
        }),
    };
    statuses(&proxy)
}

#[test]
#[ignore = "needs nginx; tests/run installs it"]
fn nginx_lets_the_same_people_in_before_and_after() {
    let (address, application) = (free_address(), Origin::application());
    let folder = TempDir::new().unwrap();
    let users = folder.path().join("users.htpasswd");
    fs::write(&users, USERS).unwrap();
    let location = block("nginx", "nginx before")
        .replace("users.htpasswd", &users.display().to_string())
        .replace("127.0.0.1:8080", &application.address.to_string());
    let server = format!("server {{ listen {address}; server_name app.example; {location} }}");
    let before = Proxy::start_nginx(address, "app.example", folder, &server);
    assert_eq!(statuses(&before), [401, 401, 200, 200]);
    assert_eq!(moved("nginx", Front::Nginx), [401, 401, 200, 200]);
}

#[test]
#[ignore = "needs Traefik; tests/run installs it"]
fn traefik_lets_the_same_people_in_before_and_after() {
    let (address, application) = (free_address(), Origin::application());
    let folder = TempDir::new().unwrap();
    let place = |name: &str| folder.path().join(name);
    fs::write(place("users.htpasswd"), USERS).unwrap();
    let middleware = block("traefik", "yaml before").replace(
        "users.htpasswd",
        &place("users.htpasswd").display().to_string(),
    );
    let dynamic = format!(
        "{middleware}  routers:\n    app:\n      rule: \"Host(`app.example`)\"\n      middlewares: [auth]\n      service: app\n  \
         services:\n    app:\n      loadBalancer:\n        servers:\n          - url: \"http://{}\"\n",
        application.address
    );
    fs::write(place("dynamic.yml"), dynamic).unwrap();
    let fixed = format!(
        "entryPoints:\n  web:\n    address: \"{address}\"\nproviders:\n  file:\n    filename: {}\n",
        place("dynamic.yml").display()
    );
    let file = place("static.yml");
    fs::write(&file, fixed).unwrap();
    let before = Proxy::start_traefik(address, "app.example", folder, &file);
    assert_eq!(statuses(&before), [401, 401, 200, 200]);
    assert_eq!(moved("traefik", Front::Traefik), [401, 401, 200, 200]);
}

#[test]
#[ignore = "needs Apache and nginx; tests/run installs them"]
fn apache_lets_the_same_people_in_and_htgate_says_403_to_who_is_known() {
    let address = free_address();
    let folder = TempDir::new().unwrap();
    let place = |name: &str| folder.path().join(name).display().to_string();
    fs::write(place("users.htpasswd"), USERS).unwrap();
    fs::write(place("users.groups"), "staff: alice\n").unwrap();
    fs::create_dir(place("www")).unwrap();
    fs::write(place("www") + "/index.html", "a page").unwrap();
    let location = block("apache", "apache before")
        .replace("users.htpasswd", &place("users.htpasswd"))
        .replace("users.groups", &place("users.groups"));
    let modules: String = [
        "mpm_event",
        "authn_core",
        "authn_file",
        "authz_core",
        "authz_user",
        "authz_groupfile",
        "auth_basic",
        "dir",
    ]
    .map(|module| format!("LoadModule {module}_module /usr/lib/apache2/modules/mod_{module}.so\n"))
    .concat();
    let root = if nix::unistd::geteuid().is_root() {
        "User www-data\nGroup www-data\n"
    } else {
        ""
    };
    let configuration = format!(
        "{modules}{root}ServerName app.example\nListen {address}\nPidFile {}\nErrorLog /dev/stderr\n\
         DocumentRoot {}\nDirectoryIndex index.html\n{location}",
        place("pid"),
        place("www"),
    );
    fs::write(place("apache.conf"), configuration).unwrap();
    Command::new("chmod")
        .args(["-R", "a+rX"])
        .arg(folder.path())
        .status()
        .unwrap();
    let mut apache = Command::new("/usr/sbin/apache2");
    apache.args(["-X", "-f", &place("apache.conf")]);
    let ask = |headers: &[(&str, &str)]| {
        let headers = [&[("Host", "app.example"), ("Connection", "close")], headers].concat();
        Connection::open(address)
            .ask(&request("GET", "/", &headers, b""))
            .unwrap()
            .status
    };
    let _apache = Process::start(&mut apache, folder.path(), || {
        std::net::TcpStream::connect(address).is_ok()
    });
    let wrong = basic((ALICE.0, "wrong"));
    let before = [
        ask(&[]),
        ask(&[("Authorization", &wrong)]),
        ask(&[("Authorization", &basic(BOB))]),
        ask(&[("Authorization", &basic(ALICE))]),
    ];
    assert_eq!(before, [401, 401, 401, 200]);
    // As the page says: who is known, and not of the group, is told so.
    assert_eq!(moved("apache", Front::Nginx), [401, 401, 403, 200]);
}
