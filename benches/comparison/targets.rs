//! What the contests for answers per second have to show.

use crate::{
    contest::Standings,
    report::{Bound, Figure},
    servers::{direct, nginx, stores, traefik},
};

/// A figure's name, the two contestants whose ratio it is, and the least that it has to be.
const TARGETS: [(&str, &str, &str, f64); 15] = [
    (
        "htgate, Basic / bare handler",
        direct::BASIC,
        direct::BARE,
        0.95,
    ),
    (
        "htgate, API key / bare handler",
        direct::KEY,
        direct::BARE_KEY,
        0.95,
    ),
    (
        "htgate, 1,000,000 users / bare handler",
        direct::CROWD_BASIC,
        direct::BARE,
        0.95,
    ),
    (
        "htgate, 1,000,000 keys / bare handler",
        direct::CROWD_KEY,
        direct::BARE_KEY,
        0.95,
    ),
    (
        "htgate, 1,000,000 users / one",
        direct::CROWD_BASIC,
        direct::BASIC,
        0.95,
    ),
    (
        "htgate, 1,000,000 keys / one",
        direct::CROWD_KEY,
        direct::KEY,
        0.95,
    ),
    (
        "htgate, key in PostgreSQL / in SQLite",
        stores::DATABASE,
        stores::FILE,
        0.98,
    ),
    (
        "nginx → htgate / → bare handler, TCP",
        nginx::BASIC,
        nginx::BARE,
        0.95,
    ),
    (
        "nginx → htgate / → bare handler, unix socket",
        nginx::BASIC_UNIX,
        nginx::BARE_UNIX,
        0.95,
    ),
    (
        "nginx → htgate, bcrypt 12 / auth_basic, apr1",
        nginx::BASIC,
        nginx::OWN_APR1,
        8.0,
    ),
    (
        "nginx → htgate, unix socket / TCP",
        nginx::BASIC_UNIX,
        nginx::BASIC,
        1.05,
    ),
    (
        "nginx → htgate / auth_basic, both bcrypt 10",
        nginx::LOWER,
        nginx::OWN_BCRYPT,
        2000.0,
    ),
    (
        "Traefik → htgate / → bare handler",
        traefik::BASIC,
        traefik::BARE,
        0.95,
    ),
    (
        "Traefik → htgate, API key / → bare handler",
        traefik::KEY,
        traefik::BARE,
        0.95,
    ),
    (
        "Traefik → htgate, bcrypt 12 / basicAuth, bcrypt 10",
        traefik::BASIC,
        traefik::OWN,
        8.0,
    ),
];

/// The figures for which both contestants took part.
pub(crate) fn of(standings: &Standings) -> Vec<Figure> {
    let figure = |(what, upper, lower, least)| {
        Some(Figure {
            what,
            spread: standings.ratio(upper, lower)?,
            unit: "",
            bound: Bound::AtLeast(least),
        })
    };
    TARGETS.into_iter().filter_map(figure).collect()
}
