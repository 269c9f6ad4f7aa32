//! For Envoy: a whole static configuration.

use super::plan::{Plan, Unreachable};
use super::template::Template;
use crate::endpoint::Endpoint;

const CONFIGURATION: &str = include_str!("../../../deploy/envoy/envoy.yaml");

/// A configuration.
pub(super) fn file(plan: &Plan) -> Result<String, Unreachable> {
    let address = plan.tcp("Envoy")?;
    let (host, port) = address.rsplit_once(':').unwrap_or((address, "9180"));
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let endpoint = Endpoint::ExtAuthz.path();
    let prefix = match &plan.policy {
        None => format!("{endpoint}/-"),
        Some(policy) => format!("{endpoint}/{policy}"),
    };
    let mut file = Template::body(CONFIGURATION)
        .put_line(
            "path_prefix: /ext-authz/-",
            &format!("path_prefix: {prefix}"),
        )
        .put(
            "uri: http://127.0.0.1:9180",
            &format!("uri: http://{address}"),
        )
        .put(
            "address: 127.0.0.1, port_value: 9180",
            &format!("address: \"{host}\", port_value: {port}"),
        )
        .put_line(
            "domains: [\"app.example\", \"app.example:*\"]",
            &format!("domains: [{}]", sites(plan)),
        );
    for (_, name) in plan.renamed() {
        let name = name.to_ascii_lowercase();
        file = file
            .put_line(
                "- prefix: x-auth-",
                &format!("- prefix: x-auth-\n- exact: {name}"),
            )
            .put_line(
                "- remove: x-remote-user",
                &format!("- remove: x-remote-user\n- remove: {name}"),
            );
    }
    let rest = "In earnest, use a listener with TLS.";
    let text = file.text();
    Ok(format!("{}\n{text}", plan.heading("Envoy", rest)))
}

/// Virtual hosts' names, with and without a port.
fn sites(plan: &Plan) -> String {
    if plan.any_host() {
        return "\"*\"".to_owned();
    }
    let sites = plan.hosts.iter().map(|host| {
        let host = host.to_string();
        // A pattern with a star at its front takes no port behind.
        if host.starts_with('*') {
            format!("\"{host}\"")
        } else {
            format!("\"{host}\", \"{host}:*\"")
        }
    });
    sites.collect::<Vec<_>>().join(", ")
}
