//! Who may say what is asked, and where from.

use std::net::IpAddr;

use super::through;
use crate::harness::{
    http::{Connection, request},
    proxy::Front,
    site::{Site, htgate_with},
};

/// oauth2-proxy GHSA-7x63-xv5r-3p2x (CVE-2026-40575) and issue 3506: the trusted range was the
/// whole Internet unless narrowed. What an untrusted peer gets is shown in `tests/api`.
#[test]
fn nobody_beyond_the_loopback_may_describe_requests_unless_named() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("htgate.toml");
    std::fs::write(&file, "[realms.robots]\napi_keys = true\n").unwrap();
    let (settings, _) = htgate::config::Source::file(&file).load().unwrap();
    let trusted = |address: &str| {
        let address: IpAddr = address.parse().unwrap();
        let networks = &settings.server.trusted_proxies;
        networks.iter().any(|network| network.contains(address))
    };
    for address in ["127.0.0.1", "127.255.0.9", "::1"] {
        assert!(trusted(address), "{address}");
    }
    for address in [
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "126.255.255.255",
        "128.0.0.1",
        "169.254.0.1",
        "172.16.0.1",
        "192.0.2.1",
        "192.168.1.1",
        "::",
        "::2",
        "::ffff:10.0.0.1",
        "fd00::1",
        "fe80::1",
        "2001:db8::1",
    ] {
        assert!(!trusted(address), "{address}");
    }
}

/// authentik CVE-2024-47070: an `X-Forwarded-For` that could not be read skipped the password.
#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn an_address_that_cannot_be_read_is_no_proof() {
    let with_office = |file: String| {
        file.replace(
            "[policies.staff]",
            "[policies.staff]\nallow_from = [\"192.168.1.0/24\"]",
        )
    };
    let forged = [
        "192.168.1.7",
        "junk",
        "192.168.1.7, junk",
        "",
        ",",
        "192.168.1.7,",
    ];
    let htgate = htgate_with(with_office);
    for value in &forged[1..] {
        let named = [("Host", "htgate"), ("X-Forwarded-For", value)];
        let question = request("GET", "/forward-auth/staff", &named, b"");
        let answer = Connection::open(htgate.address).ask(&question).unwrap();
        assert_eq!(answer.status, 400, "{value:?}");
    }
    for front in Front::ALL {
        let site = Site::start_with(front, htgate_with(with_office));
        for value in forged {
            for name in ["X-Forwarded-For", "X-Real-IP", "Forwarded"] {
                let answer = through(&site, "/staff/x", &[(name, value)]).unwrap();
                assert_eq!(answer.status, 401, "{front:?} {name}: {value:?}");
            }
        }
        assert!(site.application.take().is_empty());
    }
}
