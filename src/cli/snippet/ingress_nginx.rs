//! For ingress-nginx: an Ingress with its annotations.

use super::plan::{Plan, Unreachable};
use super::template::Template;

const INGRESS: &str = include_str!("../../../deploy/ingress-nginx/ingress.yaml");

/// An Ingress for one policy: the controller tells a host of the client's choosing, so no rules.
pub(super) fn file(plan: &Plan) -> Result<String, Unreachable> {
    plan.tcp("ingress-nginx")?;
    let policy = plan.policy.as_deref().or(plan.first_policy.as_deref());
    let policy = policy.unwrap_or("closed");
    let headers: Vec<String> = plan.headers().filter_map(|(_, name)| name).collect();
    let usual: Vec<&str> = plan.headers().map(|(usual, _)| usual).collect();
    let host = plan
        .hosts
        .first()
        .map_or_else(|| "app.example".to_owned(), ToString::to_string);
    let file = Template::body(INGRESS)
        .put("/auth-request/staff", &format!("/auth-request/{policy}"))
        .put(&usual.join(", "), &headers.join(", "))
        .put("host: app.example", &format!("host: \"{host}\""));
    let rest = "The controller tells a host of the client's choosing, so a policy is named instead of \
                asking the rules. Put in where htgate is; it has to trust the controller's pods, and \
                nobody else.";
    let text = file.text();
    Ok(format!("{}\n{text}", plan.heading("ingress-nginx", rest)))
}
