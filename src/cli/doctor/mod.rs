//! `htgate doctor`: asks a live site, through its own proxy, what an attacker would.

mod advice;
mod answers;
mod client;
mod requests;
mod visit;

use std::io::{self, Write as _};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::json;
use zeroize::Zeroizing;

use super::input::{Ask, secret};
use super::{Exit, Failure};
use client::Client;
use visit::Visit;

/// Ask a live site, through its own proxy, what an attacker would, and say what is open
///
/// Some hundred and thirty requests, one after the other, all of them harmless. The URL is a page that is to be
/// protected. With --user, the password is read from standard input or asked for, and more can be
/// tested; most of all where the page shows the headers that it gets. The exit status is 0 where
/// nothing was found, else 1.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  htgate doctor https://app.example/reports
  htgate doctor https://app.example/reports --user alice
  htgate doctor http://app.example/ --connect 127.0.0.1:8080")]
pub(super) struct Args {
    /// A page that is to be protected
    #[arg(value_name = "URL")]
    url: String,
    /// Sign in as this user for what needs it
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Where the site is, if its name doesn't say
    #[arg(long, value_name = "HOST:PORT")]
    connect: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> Result<(), Failure> {
    let client = Client::new(&args.url, args.connect);
    let client = client.map_err(|wrong| Failure::new(Exit::Usage, wrong))?;
    let authorization = args.user.map(|user| authorization(&user)).transpose()?;
    let away = |error: io::Error| {
        Failure::new(
            Exit::Unavailable,
            format_args!("{} does not answer: {error}", args.url),
        )
    };
    let visit = Visit::start(&client, authorization).map_err(away)?;
    let found = visit.findings().map_err(away)?;
    let mut out = io::stdout().lock();
    if args.json {
        let findings: Vec<_> = found
            .iter()
            .map(|finding| {
                json!({
                    "code": finding.kind.code(),
                    "why": finding.kind.why(),
                    "seen": finding.seen,
                    "again": finding.again,
                    "change": finding.kind.lines(visit.proxy()),
                })
            })
            .collect();
        writeln!(
            out,
            "{:#}",
            json!({ "findings": findings, "not_tested": visit.not_tested() })
        )?;
    } else {
        for finding in &found {
            writeln!(out, "{}: {}", finding.kind.code(), finding.kind.why())?;
            writeln!(out, "  seen    {}", finding.seen)?;
            writeln!(out, "  again   {}", finding.again)?;
            for line in finding.kind.lines(visit.proxy()) {
                writeln!(out, "  change  {line}")?;
            }
        }
        for reason in visit.not_tested() {
            writeln!(out, "not tested: {reason}")?;
        }
        if found.is_empty() {
            writeln!(out, "nothing was found open")?;
        }
    }
    if found.is_empty() {
        Ok(())
    } else {
        Err(Failure::no())
    }
}

/// The value of `Authorization`.
fn authorization(user: &str) -> Result<Zeroizing<String>, Failure> {
    let password = secret("Password", Ask::Once)?;
    let pair = Zeroizing::new([user.as_bytes(), b":", &password].concat());
    Ok(Zeroizing::new(format!(
        "Basic {}",
        BASE64_STANDARD.encode(&*pair)
    )))
}
