//! For `HAProxy`: a whole configuration; the Lua helper is a file of its own.

use super::plan::{Plan, Unreachable};
use super::template::Template;
use crate::endpoint::Endpoint;
use crate::request::host::HostPattern;

const CONFIGURATION: &str = include_str!("../../../deploy/haproxy/haproxy.cfg");

/// A configuration.
pub(super) fn file(plan: &Plan) -> Result<String, Unreachable> {
    let asked = plan.path(Endpoint::AuthRequest.path());
    let asked = format!("http://{}{asked}", plan.tcp("HAProxy's Lua helper")?);
    let mut file = Template::body(CONFIGURATION)
        .put_line(
            "acl intranet hdr(host),host_only,lower intranet.example",
            "",
        )
        .put("unless app or intranet", "unless app")
        .put(
            "# By the rules, and by one policy.",
            "# Whether it may pass.",
        )
        .without_line(
            "http-request lua.htgate http://127.0.0.1:9180/auth-request/staff if intranet",
        )
        .put("http://127.0.0.1:9180/auth-request      ", &asked)
        .put_line(
            "acl app      hdr(host),host_only,lower app.example",
            &sites(plan),
        );
    let mut renamed = Vec::new();
    for (usual, name) in plan.headers() {
        let slot = usual.trim_start_matches("X-Auth-").to_ascii_lowercase();
        let set = format!("http-request set-header {usual:<13} \"%[var(txn.htgate_{slot})]\"");
        match name {
            Some(name) if name == usual => {}
            Some(name) => {
                renamed.push(format!("{slot}={name}"));
                let here = format!("http-request set-header {name} \"%[var(txn.htgate_{slot})]\"");
                let first = "http-request del-header X-Remote-User";
                file = file
                    .put_line(&set, &here)
                    .put_line(first, &format!("{first}\nhttp-request del-header {name}"));
            }
            None => file = file.without_line(&set),
        }
    }
    if !renamed.is_empty() {
        let lua = "lua-load /etc/haproxy/htgate.lua";
        let named = format!("setenv HTGATE_HEADERS \"{}\"\n{lua}", renamed.join(" "));
        file = file.put_line(lua, &named);
    }
    let rest = "It goes with deploy/haproxy/htgate.lua, as /etc/haproxy/htgate.lua.";
    let text = file.text();
    Ok(format!("{}\n{text}", plan.heading("HAProxy", rest)))
}

/// A condition that holds for the sites.
fn sites(plan: &Plan) -> String {
    if plan.any_host() {
        return "acl app      always_true".to_owned();
    }
    let sites = plan.hosts.iter().map(|host| match host {
        HostPattern::Exact(name) => format!("acl app hdr(host),host_only,lower {name}"),
        HostPattern::Below(suffix) => {
            format!("acl app hdr(host),host_only,lower -m end {suffix}")
        }
    });
    sites.collect::<Vec<_>>().join("\n")
}
