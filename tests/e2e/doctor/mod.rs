//! `htgate doctor` before real proxies: it finds each of these mistakes, and says what to change; of
//! the shipped files it says nothing.

mod mistakes;

use std::{fmt::Write as _, net::SocketAddr};

use serde_json::Value;

use crate::harness::{
    Failures,
    origin::{Origin, answer},
    process::free_address,
    program::Htgate,
    proxy::{Behind, Front, Proxy},
    site::{ALICE, htgate},
};
use mistakes::{CADDY, Edit, Mistake, NGINX, TRAEFIK};

/// An application that shows each request that it gets.
fn mirror() -> Origin {
    Origin::start(|request| {
        let mut page = format!("{} {}\n", request.method, request.target);
        for (name, value) in &request.headers {
            writeln!(page, "{name}: {value}").unwrap();
        }
        answer(200, &[("Content-Type", "text/plain")], &page)
    })
}

/// What the doctor finds on the page of the staff, signed in as alice; and all it says.
fn found(host: &str, at: SocketAddr) -> (Vec<String>, String) {
    let url = format!("http://{host}/staff/x");
    let connect = at.to_string();
    let arguments = [
        "doctor",
        &url,
        "--connect",
        &connect,
        "--user",
        ALICE.0,
        "--json",
    ];
    let output = Htgate::bare_output(&arguments, ALICE.1);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    let all: Value = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}{errors}"));
    let findings = all["findings"].as_array().unwrap();
    assert_eq!(output.status.code(), Some(i32::from(!findings.is_empty())));
    for finding in findings {
        assert!(!finding["change"].as_array().unwrap().is_empty(), "{said}");
        assert!(
            finding["again"].as_str().unwrap().starts_with("curl "),
            "{said}"
        );
    }
    let codes = findings
        .iter()
        .map(|finding| finding["code"].as_str().unwrap().to_owned());
    (codes.collect(), said)
}

#[test]
#[ignore = "needs the proxies; tests/run installs them"]
fn of_the_shipped_files_it_says_nothing() {
    let htgate = htgate();
    let socket = htgate.socket();
    let mut failures = Failures::default();
    for application in [mirror(), Origin::application()] {
        for front in Front::ALL {
            let behind = Behind {
                htgate: htgate.address,
                socket: &socket,
                application: application.address,
            };
            let proxy = Proxy::start(front, &behind);
            let (codes, said) = found(front.host(), proxy.address);
            if !codes.is_empty() {
                failures.add(format!("{front:?}: {said}"));
            }
        }
    }
    failures.report();
}

/// Holds what is found of each mistake against what should be.
fn hold(proxy: &str, mistakes: &[Mistake], start: impl Fn(&[Edit], &Behind<'_>) -> Proxy) {
    let (htgate, application) = (htgate(), mirror());
    let socket = htgate.socket();
    let behind = Behind {
        htgate: htgate.address,
        socket: &socket,
        application: application.address,
    };
    let mut failures = Failures::default();
    for mistake in mistakes {
        let proxy_at = start(mistake.edits, &behind);
        let (codes, said) = found("app.example", proxy_at.address);
        let line = said.contains(mistake.line);
        if !codes.iter().any(|code| code == mistake.code) || !line {
            failures.add(format!(
                "{proxy}, {}: {codes:?}, the line: {line}\n{said}",
                mistake.name
            ));
        }
    }
    failures.report();
}

#[test]
#[ignore = "needs nginx; tests/run installs it"]
fn each_mistake_with_nginx_is_found_and_explained() {
    hold("nginx", &NGINX, |edits, behind| {
        Proxy::nginx(Front::Nginx, behind, |name, mut file| {
            for (of, documented, wrong) in edits {
                if *of == name {
                    file = file.put(documented, wrong);
                }
            }
            file
        })
    });
}

#[test]
#[ignore = "needs Traefik; tests/run installs it"]
fn each_mistake_with_traefik_is_found_and_explained() {
    hold("Traefik", &TRAEFIK, |edits, behind| {
        Proxy::traefik(behind, |name, mut file| {
            for (of, documented, wrong) in edits {
                if *of == name {
                    file = file.put(documented, wrong);
                }
            }
            file
        })
    });
}

#[test]
#[ignore = "needs Caddy; tests/run installs it"]
fn each_mistake_with_caddy_is_found_and_explained() {
    hold("Caddy", &CADDY, |edits, behind| {
        Proxy::caddy(Front::Caddy, behind, |_, mut file| {
            for (_, documented, wrong) in edits {
                file = file.put(documented, wrong);
            }
            file
        })
    });
}

#[test]
fn what_it_cannot_ask_it_says() {
    let nobody = format!("http://{}/", free_address());
    for (url, status, words) in [
        ("app.example", 64, "neither http:// nor https://"),
        ("ftp://app.example/", 64, "neither http:// nor https://"),
        (nobody.as_str(), 69, "does not answer"),
    ] {
        let output = Htgate::bare_output(&["doctor", url], "");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(status), "{said}");
        assert!(said.contains(words), "{said}");
    }
}
