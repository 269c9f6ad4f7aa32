//! `htgate snippet`: the shipped file of a proxy, fitted to one configuration.
//!
//! What is printed is what `nginx/` and `deploy/` hold and the tests drive, with other addresses,
//! hosts and header names put in the place of the documented ones: one file a kind of proxy.

mod caddy;
mod envoy;
mod haproxy;
mod ingress_nginx;
mod nginx;
mod plan;
mod systemd;
mod template;
mod traefik;

use std::io::{self, Write as _};

use clap::ValueEnum;

use super::{ConfigArg, Exit, Failure};
use plan::Plan;

/// Print a file for a proxy that works with this configuration as it stands
///
/// The application is at 127.0.0.1:8080 in it, and sites speak plain HTTP: put your own there. What
/// has to be known besides is said at its top. Nothing is written anywhere.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  htgate snippet nginx > /etc/nginx/conf.d/htgate.conf
  htgate snippet traefik > /etc/traefik/dynamic.yml")]
pub(super) struct Args {
    /// What the file is for
    #[arg(value_enum, value_name = "PROXY")]
    proxy: Proxy,
    #[command(flatten)]
    config: ConfigArg,
}

#[derive(Clone, Copy, ValueEnum)]
enum Proxy {
    Nginx,
    Traefik,
    Caddy,
    Haproxy,
    Envoy,
    IngressNginx,
    Systemd,
}

impl Proxy {
    fn file(self, plan: &Plan) -> Result<String, plan::Unreachable> {
        match self {
            Self::Nginx => Ok(nginx::file(plan)),
            Self::Traefik => traefik::file(plan),
            Self::Caddy => Ok(caddy::file(plan)),
            Self::Haproxy => haproxy::file(plan),
            Self::Envoy => envoy::file(plan),
            Self::IngressNginx => ingress_nginx::file(plan),
            Self::Systemd => Ok(systemd::file(plan)),
        }
    }
}

pub(super) fn run(args: Args) -> Result<(), Failure> {
    let (source, settings) = args.config.load()?;
    let plan = Plan::of(&source, &settings);
    let file = args.proxy.file(&plan);
    let file = file.map_err(|unreachable| Failure::new(Exit::No, unreachable))?;
    io::stdout().lock().write_all(file.as_bytes())?;
    for advice in plan.advice(&settings) {
        eprintln!("htgate: note: {advice}");
    }
    Ok(())
}
