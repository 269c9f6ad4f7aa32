//! Paths that two programs read in two ways.

use super::stays_closed;

/// oauth2-proxy GHSA-7rh7-c77v-6434: what was to be left open was looked for in the query as well.
#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn an_open_path_in_the_query_opens_nothing() {
    stays_closed(
        &[
            "/staff/x?/public/",
            "/staff/x?to=/public/x",
            "/staff/x?%2fpublic%2f",
            "/staff/?/../public/",
        ],
        &[],
    );
}

/// oauth2-proxy GHSA-pxq7-h93f-9jrg (CVE-2026-41059): what follows a `#` counted for one side only.
#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn a_fragment_is_part_of_no_path() {
    stays_closed(
        &[
            "/staff/x#/public/",
            "/staff/x#/../../public/x",
            "/public/x#/../../staff/x",
            "/public/%23/../../staff/x",
            "/staff/%23/../../public/../staff/x",
        ],
        &[],
    );
}

/// Ory Oathkeeper GHSA-p224-6x5r-fjpm and go-authcrunch issue 110: prefixes were held against
/// the path as it was sent.
#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn a_prefix_is_held_against_the_path_that_the_dots_lead_to() {
    stays_closed(
        &[
            "/public/../staff/x",
            "/public/x/../../staff/x",
            "/public/./../staff/x",
            "/public/%2e%2e/staff/x",
            "/public/.%2E/staff/x",
            "/public//../staff/x",
        ],
        &[],
    );
}

/// Caddy GHSA-m8m5-v4jf-3wcm: a matcher saw `..%2f` as it was sent, the handler decoded.
#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn an_escaped_slash_leads_out_of_no_corner() {
    stays_closed(
        &[
            "/public/..%2fstaff/x",
            "/public/..%2Fstaff%2Fx",
            "/public%2f..%2fstaff/x",
            "/public/%2e%2e%2fstaff/x",
        ],
        &[],
    );
}

/// Authelia CVE-2021-32637: behind nginx, a NUL in the URL was let in.
#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn a_nul_in_the_url_is_a_refusal() {
    stays_closed(
        &[
            "/staff/%00",
            "/public/%00",
            "/public/%00/../../staff/x",
            "/staff/x\0",
            "/public/\0/../staff/x",
            "/public/x%2500",
            "/public/x?\0",
        ],
        &[],
    );
}
