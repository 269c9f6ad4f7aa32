//! What only Caddy does: the application gets the path raw, and so does htgate.

use crate::harness::{
    proxy::Front,
    site::{ALICE, Site, basic},
};

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn no_way_of_writing_a_path_walks_out_of_the_open_corner() {
    let site = Site::start(Front::Caddy);
    assert_eq!(site.proxy.get("/public/x", &[]).status, 200);
    site.application.take();
    for target in [
        "/public/../staff/x",
        "/public/%2e%2e/staff/x",
        "/public/..%2fstaff/x",
        "/public/%252e%252e/staff/x",
        "/public/..%5cstaff/x",
        "/public/..;/staff/x",
        "/public//../staff/x",
        "/PUBLIC/x",
        "//public/../staff/x",
        "/public%2f../staff/x",
        "*",
    ] {
        let response = site.proxy.get(target, &[]);
        assert!(
            matches!(response.status, 400 | 401 | 403),
            "{target}: {response:?}"
        );
        assert!(site.application.take().is_empty(), "{target}");
    }
}

/// Caddy appends the client's query to the question, unless the file says "?".
#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn the_query_of_a_client_is_the_applications_own() {
    let site = Site::start(Front::CaddyUnix);
    let target = "/staff/x?policy=open&realm=%26";
    assert_eq!(site.proxy.get(target, &[]).status, 401);
    assert_eq!(
        site.proxy
            .get(target, &[("Authorization", &basic(ALICE))])
            .status,
        200
    );
    assert_eq!(site.application.take_one().target, target);
}
