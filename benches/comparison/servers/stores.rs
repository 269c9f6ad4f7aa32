//! htgate with its keys in a file and in PostgreSQL, asked directly.

use crate::{
    cores::Cores,
    harness::postgres::{OWNER, Postgres},
    servers::{
        Field, direct,
        gate::{Gate, STORE},
        users,
    },
};

pub(crate) const FILE: &str = "htgate, API key in SQLite";
pub(crate) const DATABASE: &str = "htgate, API key in PostgreSQL";

pub(crate) fn join(field: &mut Field) {
    let cores = Cores::two();
    let server = Postgres::start();
    for (name, store) in [(FILE, STORE), (DATABASE, &server.url(OWNER))] {
        let mut gate = Gate::prepare_with(&users::few(), store);
        gate.serve_on(cores);
        direct::add(field, &gate, [None, Some(name)], cores);
        field.keep(gate);
    }
    field.keep(server);
}
