//! For Caddy: a Caddyfile.

use super::plan::{Ask, Plan, shown};
use super::template::Template;
use crate::endpoint::Endpoint;

const CADDYFILE: &str = include_str!("../../../deploy/caddy/Caddyfile");

/// A whole Caddyfile.
pub(super) fn file(plan: &Plan) -> String {
    let at = match plan.place() {
        Ask::Tcp(address) => address,
        Ask::Unix(path) => format!("unix/{}", shown(&path)),
    };
    let asked = plan.path(Endpoint::ForwardAuth.path());
    let site = Template::block(CADDYFILE, "http://app.example {")
        .put("http://app.example", &sites(plan))
        .put("127.0.0.1:9180", &at)
        .put("uri /forward-auth?", &format!("uri {asked}?"));
    let heading = plan.heading("Caddy", "In earnest, leave out \"http://\".");
    let [clean, exchange, strip] = [
        clean(plan),
        exchange(plan),
        Template::block(CADDYFILE, "(htgate-strip) {"),
    ];
    let parts = [clean.text(), exchange.text(), strip.text(), site.text()];
    format!("{heading}\n{}", parts.join("\n"))
}

fn sites(plan: &Plan) -> String {
    if plan.any_host() {
        return "http://".to_owned();
    }
    let sites = plan.hosts.iter().map(|host| format!("http://{host}"));
    sites.collect::<Vec<_>>().join(", ")
}

/// The client's headers that go no further: those that htgate writes, by whatever name, too.
fn clean(plan: &Plan) -> Template {
    let mut dropped = vec!["request_header -X-Auth-*".to_owned()];
    let mut kept = vec!["x-auth-[a-z]+".to_owned()];
    for (_, name) in plan.renamed() {
        kept.push(name.to_ascii_lowercase());
        dropped.push(format!("request_header -{name}"));
    }
    Template::block(CADDYFILE, "(htgate-clean) {")
        .put_line("request_header -X-Auth-*", &dropped.join("\n"))
        .put("(?i)x-auth-[a-z]+", &format!("(?i)({})", kept.join("|")))
}

/// What is copied from the answer: all that is sent, and nothing else, or Caddy makes something up.
fn exchange(plan: &Plan) -> Template {
    let sent: Vec<String> = plan.headers().filter_map(|(_, name)| name).collect();
    let usual: Vec<&str> = plan.headers().map(|(usual, _)| usual).collect();
    Template::block(CADDYFILE, "(htgate-exchange) {").put_line(
        &format!("copy_headers {}", usual.join(" ")),
        &format!("copy_headers {}", sent.join(" ")),
    )
}
