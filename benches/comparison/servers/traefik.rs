//! Traefik: `forwardAuth` with the shipped files, and its own `basicAuth`.

use std::{fs, net::SocketAddr, path::Path};

use tempfile::TempDir;

use crate::{
    contest::{Admits, Contestant},
    harness::{
        process::free_address,
        proxy::{Behind, Front, Proxy},
        shipped::Shipped,
        site::{ALICE, BOB, basic},
    },
    servers::{
        Field,
        bare::{Bare, Says},
        gate::Gate,
        nginx, users,
    },
};

pub(crate) const BARE: &str = "Traefik → bare handler";
pub(crate) const BASIC: &str = "Traefik → htgate, bcrypt 12";
pub(crate) const KEY: &str = "Traefik → htgate, API key";
pub(crate) const OWN: &str = "Traefik basicAuth, bcrypt 10";

pub(crate) fn join(field: &mut Field) {
    let page = nginx::page();
    let bare = Bare::start(Says::Basic, None);
    let gate = Gate::start(None);
    let asking = |authority: SocketAddr| {
        let behind = Behind {
            htgate: authority,
            socket: Path::new("none"),
            application: page.address,
        };
        Proxy::start(Front::Traefik, &behind)
    };
    let asking_bare = asking(bare.address);
    let asking_gate = asking(gate.htgate.address);
    let own = own(page.address);

    let wrong = || basic((ALICE.0, "wrong"));
    for (name, limit, traefik, right, wrong) in [
        (BARE, None, &asking_bare, basic(ALICE), None),
        (BASIC, Some(BARE), &asking_gate, basic(ALICE), Some(wrong())),
        (
            KEY,
            Some(BARE),
            &asking_gate,
            gate.bearer(),
            Some(gate.bearer() + "x"),
        ),
        (OWN, None, &own, basic(BOB), Some(wrong())),
    ] {
        field.add(Contestant {
            name,
            limit,
            address: traefik.address,
            target: "/",
            described: vec![("Host", Front::Traefik.host())],
            right,
            admits: wrong.map_or(Admits::Anybody, Admits::Only),
            cores: None,
        });
    }
    field.keep((page, bare, gate, asking_bare, asking_gate, own));
}

fn own(application: SocketAddr) -> Proxy {
    let (address, folder) = (free_address(), TempDir::new().unwrap());
    let [file, dynamic] = ["static.yml", "dynamic.yml"].map(|name| folder.path().join(name));
    Shipped::read("deploy/traefik/static.yml")
        .put("\":80\"", &format!("\"{address}\""))
        .put("/etc/traefik/dynamic.yml", &dynamic.display().to_string())
        .write(&file);
    let host = Front::Traefik.host();
    let (middleware, router, service) = (
        format!(
            "own: {{basicAuth: {{users: ['{}']}}}}",
            users::entry(BOB, users::LOWER_COST).trim()
        ),
        format!("app: {{rule: 'Host(`{host}`)', middlewares: [own], service: app}}"),
        format!("app: {{loadBalancer: {{servers: [{{url: 'http://{application}'}}]}}}}"),
    );
    let text = format!(
        "http:\n  middlewares: {{{middleware}}}\n  routers: {{{router}}}\n  services: {{{service}}}\n"
    );
    fs::write(&dynamic, text).unwrap();
    Proxy::start_traefik(address, host, folder, &file)
}
