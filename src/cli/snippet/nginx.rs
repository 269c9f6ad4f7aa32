//! For nginx: what the files of `nginx/` say together, as one.

use super::plan::{Ask, Plan, shown};
use super::template::Template;
use crate::endpoint::Endpoint;

const EXAMPLE: &str = include_str!("../../../nginx/example.conf");
const UPSTREAM: &str = include_str!("../../../nginx/htgate-upstream.conf");
const LOCATION: &str = include_str!("../../../nginx/htgate-location.conf");
const PROTECT: &str = include_str!("../../../nginx/htgate-protect.conf");
const HEADERS: &str = include_str!("../../../nginx/htgate-headers.conf");

const EXEMPT: &str =
    "# Exempt: exactly this path, and still no identity header of the client's making.";
/// What is true of files only.
const BESIDE: &str = "; add those you want beside the include";
const RENAME: &str = " Where
# htgate.toml renames one under [identity_headers], rename it here and in htgate-protect.conf.";

/// A file for `http {}`.
pub(super) fn file(plan: &Plan) -> String {
    let (upstream, at) = match plan.place() {
        Ask::Tcp(address) => ("upstream htgate {", ("127.0.0.1:9180", address)),
        Ask::Unix(path) => (
            "upstream htgate_unix {",
            ("/run/htgate/htgate.sock", shown(&path)),
        ),
    };
    let upstream = Template::block(UPSTREAM, upstream)
        .put(at.0, &at.1)
        .text()
        .replace("htgate_unix", "htgate");
    let map = Template::block(UPSTREAM, "map $http_upgrade $htgate_connection {");
    let heading = plan.heading("nginx", "It goes into http {}, such as /etc/nginx/conf.d/.");
    format!("{heading}\n{upstream}\n{}\n{}", map.text(), server(plan))
}

fn server(plan: &Plan) -> String {
    let example = Template::block(EXAMPLE, "# By the rules of htgate.toml, over TCP.");
    let names: Vec<String> = plan.hosts.iter().map(ToString::to_string).collect();
    let example = if plan.any_host() {
        example
            .put("listen 80;", "listen 80 default_server;")
            .put("server_name app.example;", "server_name _;")
    } else {
        example.put("app.example", &names.join(" "))
    };
    let asked = plan.path(Endpoint::AuthRequest.path());
    example
        .put("# By the rules of htgate.toml, over TCP.\n", "")
        // What is open is a matter of the rules.
        .without_lines(EXEMPT, "}")
        .put("/auth-request", &asked)
        .put_line(
            "include htgate/htgate-location.conf;",
            Template::body(LOCATION).text(),
        )
        .put_line("include htgate/htgate-protect.conf;", protect(plan).text())
        .text()
        .to_owned()
}

fn protect(plan: &Plan) -> Template {
    let renamed = plan.renamed();
    renamed
        .iter()
        .fold(Template::body(PROTECT), |file, (usual, name)| {
            file.put(&variable(usual), &variable(name))
        })
        .put(BESIDE, "")
        .put_line("include htgate/htgate-headers.conf;", headers(plan).text())
}

fn headers(plan: &Plan) -> Template {
    let mut file = Template::body(HEADERS).put(RENAME, "");
    for (usual, name) in plan.renamed() {
        let padded = format!("{usual:<13}");
        let slot = usual.trim_start_matches("X-Auth-").to_ascii_lowercase();
        let said = format!("$htgate_{slot}");
        // One line for each name: two would be sent as two.
        file = file
            .without_line(&format!("proxy_set_header {name} \"\";"))
            .put_line(
                &format!("proxy_set_header {padded} {said};"),
                &format!("proxy_set_header {name} {said};\nproxy_set_header {usual} \"\";"),
            );
    }
    file
}

/// What nginx calls a header of htgate's answer.
fn variable(header: &str) -> String {
    let name = header.to_ascii_lowercase().replace('-', "_");
    format!("$upstream_http_{name};")
}
