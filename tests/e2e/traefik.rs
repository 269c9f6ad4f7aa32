//! What only Traefik does: it cleans paths before it describes them, and refuses some at once.

use crate::harness::{
    proxy::Front,
    site::{ALICE, Site, basic},
};

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn encoded_characters_that_are_read_in_two_ways_go_no_further() {
    let site = Site::start(Front::Traefik);
    for target in [
        "/public/..%2fstaff/x",
        "/public/..%5cstaff/x",
        "/public/%00",
        "/public/%252e%252e/staff/x",
    ] {
        let response = site.proxy.get(target, &[("Authorization", &basic(ALICE))]);
        assert_eq!(response.status, 400, "{target}");
        assert!(site.application.take().is_empty(), "{target}");
    }
}

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn a_path_is_judged_as_the_application_gets_it() {
    let site = Site::start(Front::Traefik);
    for target in [
        "/public/../staff/x",
        "/public/%2e%2e/staff/x",
        "/%73taff/x",
        "//staff/x",
    ] {
        assert_eq!(site.proxy.get(target, &[]).status, 401, "{target}");
        assert!(site.application.take().is_empty(), "{target}");
        assert_eq!(
            site.proxy
                .get(target, &[("Authorization", &basic(ALICE))])
                .status,
            200,
            "{target}"
        );
        assert_eq!(site.application.take_one().target, "/staff/x", "{target}");
    }
}

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn a_header_that_passes_for_another_is_refused() {
    let site = Site::start(Front::Traefik);
    for name in ["X_Auth_User", "X.Auth.User", "X_Forwarded_Uri"] {
        let response = site.proxy.get(
            "/staff/x",
            &[("Authorization", &basic(ALICE)), (name, "spoofed")],
        );
        assert_eq!(response.status, 400, "{name}");
        assert!(site.application.take().is_empty(), "{name}");
    }
}
