//! Hostile targets through Traefik and Caddy with the files as shipped: what they tell htgate,
//! against what the application receives.

use std::{fmt::Write as _, path::Path};

use fastrand::Rng;

use super::{
    hostile,
    pipeline::Pipeline,
    sites,
    tally::{Tally, applications},
};
use crate::{
    harness::{
        origin::{Origin, answer},
        proxy::{Behind, Front, Proxy},
        to_latin1,
    },
    trial::Trial,
};

/// Targets asked for at once.
const BATCH: usize = 32;

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn no_rule_is_more_permissive_than_the_application_reads_the_path_behind_traefik() {
    through(
        Front::Traefik,
        "Traefik",
        "paths: hostile URIs through Traefik",
    );
}

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn no_rule_is_more_permissive_than_the_application_reads_the_path_behind_caddy() {
    through(Front::Caddy, "Caddy", "paths: hostile URIs through Caddy");
}

fn through(front: Front, name: &str, row: &'static str) {
    let mut trial = Trial::begin(row);
    let all = trial.times(2_000, 100_000);
    let mut random = Rng::with_seed(5);
    let (sites, mut tally) = (sites::all(), Tally::default());
    let [htgate, application] = [told(), received()];
    let behind = Behind {
        htgate: htgate.address,
        socket: Path::new("/nowhere/htgate.sock"),
        application: application.address,
    };
    let proxy = Proxy::start(front, &behind);
    let mut pipeline = Pipeline::new(proxy.address, front.host());
    let mut done = 0;
    while done < all {
        let targets: Vec<Vec<u8>> = (0..BATCH).map(|_| hostile::target(&mut random)).collect();
        for (target, answer) in targets.iter().zip(pipeline.ask(&targets)) {
            done += 1;
            if answer.status != 200 {
                assert!(answer.all("X-Received").is_empty(), "{answer:?}");
                tally.refused();
                continue;
            }
            let (told, received) = (answer.one("X-Told"), answer.one("X-Received"));
            if told == "-" {
                tally.broken(&format!("{}: htgate is not told", target.escape_ascii()));
            }
            let (told, received) = (bytes(told), bytes(received));
            tally.judge(&sites, &told, &applications(&received));
        }
        // They remember what they were asked.
        htgate.take();
        application.take();
        trial.progress(done, all);
    }
    trial.end(
        &format!("{done} URIs, {} rule sets each", sites.len()),
        &tally.outcome(name),
    );
}

/// In the place of htgate: says yes, and as the user's name what it was told the target is.
fn told() -> Origin {
    Origin::start(|request| {
        let uri = match request.all("X-Forwarded-Uri")[..] {
            [uri] => hexadecimal(uri),
            _ => "-".to_owned(),
        };
        let rest = ["Groups", "Scopes", "Method", "Realm", "Key"].map(|n| format!("X-Auth-{n}"));
        let mut headers = vec![("X-Auth-User", &*uri)];
        headers.extend(rest.iter().map(|name| (name.as_str(), "-")));
        answer(200, &headers, "")
    })
}

/// In the place of an application: gives back both that and the target it was asked for itself.
fn received() -> Origin {
    Origin::start(|request| {
        let target = hexadecimal(&request.target);
        let told = request.all("X-Auth-User").join(" ");
        answer(200, &[("X-Received", &target), ("X-Told", &told)], "")
    })
}

fn hexadecimal(text: &str) -> String {
    to_latin1(text).iter().fold(String::new(), |mut all, byte| {
        write!(all, "{byte:02x}").unwrap();
        all
    })
}

fn bytes(hexadecimal: &str) -> Vec<u8> {
    let digits = hexadecimal.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}
