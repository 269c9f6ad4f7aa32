//! For Traefik: the dynamic file; what the static one has to say is at its top.

use super::plan::{Plan, Unreachable};
use super::template::Template;
use crate::endpoint::Endpoint;
use crate::request::host::HostPattern;

const DYNAMIC: &str = include_str!("../../../deploy/traefik/dynamic.yml");

/// A dynamic file.
pub(super) fn file(plan: &Plan) -> Result<String, Unreachable> {
    let asked = plan.path(Endpoint::ForwardAuth.path());
    let asked = format!("http://{}{asked}", plan.tcp("Traefik")?);
    let mut file = Template::body(DYNAMIC)
        .put(
            "\"http://127.0.0.1:9180/forward-auth\"",
            &format!("\"{asked}\""),
        )
        .put("\"Host(`app.example`)\"", "Host(`app.example`)")
        .put("Host(`app.example`)", &format!("\"{}\"", rule(plan)));
    for (usual, name) in plan.renamed() {
        let (line, usual) = (format!("- {name}"), format!("- {usual}"));
        if !file.has_line(&line) {
            file = file.put_line(&usual, &format!("{usual}\n{line}"));
        }
    }
    let heading = plan.heading(
        "Traefik's dynamic part",
        "Its static part is deploy/traefik/static.yml; of that, forwardedHeaders (none), \
         aliasHeadersStrategy and encodedCharacters matter here.",
    );
    Ok(format!("{heading}\n{}", file.text()))
}

/// Which requests a router takes.
fn rule(plan: &Plan) -> String {
    if plan.any_host() {
        return "PathPrefix(`/`)".to_owned();
    }
    let hosts = plan.hosts.iter().map(|host| match host {
        HostPattern::Exact(name) => format!("Host(`{name}`)"),
        HostPattern::Below(suffix) => {
            let suffix = suffix.replace('.', "[.]");
            format!("HostRegexp(`^.+{suffix}$`)")
        }
    });
    hosts.collect::<Vec<_>>().join(" || ")
}
