//! For systemd: the unit, with its sockets where the configuration takes them.

use super::plan::Plan;
use super::template::Template;

const SERVICE: &str = include_str!("../../../deploy/systemd/htgate.service");
const NETWORK: &str = include_str!("../../../deploy/systemd/htgate.service.d/network.conf");
const SOCKET: &str = include_str!("../../../deploy/systemd/htgate.socket");

/// The units, one after the other, each below its name.
pub(super) fn file(plan: &Plan) -> String {
    let config = plan.config.display().to_string();
    let mut service = Template::body(SERVICE).put("/etc/htgate/htgate.toml", &config);
    if !plan.activated {
        service = service
            .without_line("Wants=htgate.socket")
            .without_line("Also=htgate.socket")
            .put("network.target htgate.socket", "network.target");
    }
    let heading = plan.heading("systemd", "Each file is below its name.");
    let named = |name: &str, text: &str| format!("# /etc/systemd/system/{name}\n\n{text}");
    let mut files = vec![heading, named("htgate.service", service.text())];
    if plan.activated {
        files.push(named("htgate.socket", Template::body(SOCKET).text()));
    }
    if plan.needs_network {
        let network = Template::body(NETWORK);
        files.push(named("htgate.service.d/network.conf", network.text()));
    }
    files.join("\n")
}
