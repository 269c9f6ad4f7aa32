//! Caddy: `forward_auth` with the shipped file, and its own `basicauth`, which remembers what it
//! verified.

use std::{fs, net::SocketAddr, path::Path};

use tempfile::TempDir;

use crate::{
    contest::{Admits, Contestant},
    harness::{
        process::free_address,
        proxy::{Behind, Front, Proxy},
        site::{ALICE, BOB, basic},
    },
    servers::{
        Field,
        bare::{Bare, Says},
        gate::Gate,
        nginx, users,
    },
};

pub(crate) const BARE: &str = "Caddy → bare handler";
pub(crate) const BASIC: &str = "Caddy → htgate, bcrypt 12";
pub(crate) const OWN: &str = "Caddy basicauth, bcrypt 10";

pub(crate) fn join(field: &mut Field) {
    let page = nginx::page();
    let bare = Bare::start(Says::Basic, None);
    let gate = Gate::start(None);
    let asking = |authority: SocketAddr| {
        let behind = Behind {
            htgate: authority,
            socket: Path::new("/none"),
            application: page.address,
        };
        Proxy::start(Front::Caddy, &behind)
    };
    let asking_bare = asking(bare.address);
    let asking_gate = asking(gate.htgate.address);
    let own = own(page.address);

    let wrong = || basic((ALICE.0, "wrong"));
    for (name, limit, caddy, right, wrong) in [
        (BARE, None, &asking_bare, basic(ALICE), None),
        (BASIC, Some(BARE), &asking_gate, basic(ALICE), Some(wrong())),
        (OWN, None, &own, basic(BOB), Some(wrong())),
    ] {
        field.add(Contestant {
            name,
            limit,
            address: caddy.address,
            target: "/",
            described: vec![("Host", Front::Caddy.host())],
            right,
            admits: wrong.map_or(Admits::Anybody, Admits::Only),
            cores: None,
        });
    }
    field.keep((page, bare, gate, asking_bare, asking_gate, own));
}

fn own(application: SocketAddr) -> Proxy {
    let (address, folder) = (free_address(), TempDir::new().unwrap());
    let file = folder.path().join("Caddyfile");
    let entry = users::entry(BOB, users::LOWER_COST).replace(':', " ");
    let host = Front::Caddy.host();
    let text = format!(
        "http://{host}:{} {{\n\tbasicauth {{\n\t\t{entry}\t}}\n\treverse_proxy {application}\n}}\n",
        address.port()
    );
    fs::write(&file, text).unwrap();
    Proxy::start_caddy(address, host, folder, &file)
}
