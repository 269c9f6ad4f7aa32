//! The contestants, one file for each family of servers.

pub(crate) mod apache;
pub(crate) mod bare;
pub(crate) mod caddy;
pub(crate) mod direct;
pub(crate) mod gate;
pub(crate) mod nginx;
pub(crate) mod stores;
pub(crate) mod traefik;
pub(crate) mod users;

use std::any::Any;

use crate::contest::Contestant;

/// Contestants, and the servers behind them, which run as long as this lives.
#[derive(Default)]
pub(crate) struct Field {
    pub(crate) contestants: Vec<Contestant>,
    running: Vec<Box<dyn Any>>,
}

impl Field {
    pub(crate) fn add(&mut self, contestant: Contestant) {
        self.contestants.push(contestant);
    }

    pub(crate) fn keep(&mut self, server: impl Any) {
        self.running.push(Box::new(server));
    }
}
