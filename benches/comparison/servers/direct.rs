//! htgate and the bare handler, asked directly, each on a core of its own.

use crate::{
    contest::{Admits, Contestant},
    cores::Cores,
    harness::site::{ALICE, basic},
    servers::{
        Field,
        bare::{Bare, Says},
        gate::{DESCRIBED, ENDPOINT, Gate},
        users,
    },
};

pub(crate) const BARE: &str = "bare handler";
pub(crate) const BARE_KEY: &str = "bare handler, headers of a key";
pub(crate) const BASIC: &str = "htgate, Basic, bcrypt 12";
pub(crate) const KEY: &str = "htgate, API key";
pub(crate) const SOME_BASIC: &str = "htgate, Basic, 200,000 users";
pub(crate) const CROWD_BASIC: &str = "htgate, Basic, 1,000,000 users";
pub(crate) const CROWD_KEY: &str = "htgate, API key, 1,000,000 keys";

/// As many users and keys as are put beside the one that asks.
pub(crate) const CROWD: usize = 1_000_000;

pub(crate) fn join(field: &mut Field) {
    let cores = Cores::two();
    for (name, says) in [(BARE, Says::Basic), (BARE_KEY, Says::ApiKey)] {
        let bare = Bare::start(says, cores);
        field.add(Contestant {
            name,
            limit: None,
            address: bare.address,
            target: ENDPOINT,
            described: DESCRIBED.to_vec(),
            right: basic(ALICE),
            admits: Admits::Anybody,
            cores,
        });
        field.keep(bare);
    }
    let gate = Gate::start(cores);
    add(field, &gate, [Some(BASIC), Some(KEY)], cores);
    field.keep(gate);

    let mut some = Gate::prepare(&users::crowd(200_000));
    some.serve_on(cores);
    add(field, &some, [Some(SOME_BASIC), None], cores);
    field.keep(some);

    let mut crowd = Gate::prepare(&users::crowd(CROWD));
    users::add_keys(&crowd.htgate.path("keys.db"), CROWD);
    crowd.serve_on(cores);
    add(field, &crowd, [Some(CROWD_BASIC), Some(CROWD_KEY)], cores);
    field.keep(crowd);
}

/// A gate, asked with a password, with a key, or with either.
pub(super) fn add(
    field: &mut Field,
    gate: &Gate,
    names: [Option<&'static str>; 2],
    cores: Option<Cores>,
) {
    for (name, limit, right, wrong) in [
        (names[0], BARE, basic(ALICE), basic((ALICE.0, "wrong"))),
        (names[1], BARE_KEY, gate.bearer(), gate.bearer() + "x"),
    ] {
        let Some(name) = name else { continue };
        field.add(Contestant {
            name,
            limit: Some(limit),
            address: gate.htgate.address,
            target: ENDPOINT,
            described: DESCRIBED.to_vec(),
            right,
            admits: Admits::Only(wrong),
            cores,
        });
    }
}
