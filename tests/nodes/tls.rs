//! Certificates: the server's is always verified, a client's may stand for a password.

use std::{fs, path::Path};

use crate::{
    access::{assert_kept_out, assert_refused, assert_works},
    harness::{
        authority::{Authority, Certificate},
        nodes::Node,
        postgres::{OWNER, Postgres},
    },
};

/// A server that takes no TCP connection without TLS, and those of clients it knows by certificate.
fn encrypted(certificate: &Certificate, authority: &Authority, clients: &str) -> Postgres {
    let folder = tempfile::tempdir().unwrap();
    let hba = folder.path().join("hba");
    let rules = format!("local all all trust\nhostssl all all 127.0.0.1/32 {clients}\n");
    fs::write(&hba, rules).unwrap();
    let settings = [
        "ssl=on",
        "ssl_cert_file=server.pem",
        "ssl_key_file=server.key",
        "ssl_ca_file=root.pem",
    ];
    let files: [(&str, &Path); 4] = [
        ("server.pem", &certificate.chain),
        ("server.key", &certificate.key),
        ("root.pem", &authority.root()),
        ("pg_hba.conf", &hba),
    ];
    Postgres::start_with(&settings, &files)
}

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn a_certificate_is_verified_with_its_name() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let (root, strange) = (authority.root(), stranger.root());
    let here = "DNS:localhost,IP:127.0.0.1";
    let good = authority.certify("good", "localhost", here);
    let postgres = encrypted(&good, &authority, "scram-sha-256");
    let by_name = postgres.url(OWNER).replace("127.0.0.1", "localhost");
    for url in [&by_name, &postgres.url(OWNER)] {
        for mode in ["require", "verify-ca", "verify-full"] {
            let root = root.display();
            assert_works(&format!("{url}?sslmode={mode}&sslrootcert={root}"));
        }
    }
    let trusted = format!("sslmode=verify-full&sslrootcert={}", root.display());
    let _node = Node::start(&format!("{by_name}?{trusted}"));
    let encrypted_ones = postgres.query(
        "SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
         WHERE application_name = 'htgate'",
    );
    assert_eq!(encrypted_ones, [["t"]]);

    let strange = format!("sslmode=verify-full&sslrootcert={}", strange.display());
    assert_kept_out(&format!("{by_name}?{strange}"), &["certificate"]);
    assert_kept_out(&format!("{by_name}?sslmode=verify-full"), &["certificate"]);
    assert_kept_out(&by_name, &["pg_hba.conf"]); // plain text, which the server refuses

    let bad = [
        (
            "expired",
            authority.certify_long_ago("old", "localhost", here),
        ),
        (
            "name",
            authority.certify("other", "localhost", "DNS:db.example"),
        ),
        // A name in the subject is none: RFC 9525, section 6.3.
        (
            "certificate",
            authority.certify("none", "localhost", "DNS:x.example"),
        ),
    ];
    for (word, certificate) in bad {
        let postgres = encrypted(&certificate, &authority, "scram-sha-256");
        let url = postgres.url(OWNER).replace("127.0.0.1", "localhost");
        for mode in ["require", "verify-ca", "verify-full"] {
            let root = root.display();
            assert_kept_out(&format!("{url}?sslmode={mode}&sslrootcert={root}"), &[word]);
        }
    }
}

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn a_client_may_have_a_certificate_for_a_password() {
    let authority = Authority::new();
    let server = authority.certify("server", "localhost", "DNS:localhost");
    let postgres = encrypted(&server, &authority, "cert");
    let url = format!(
        "postgres://htgate@localhost:{}/htgate?sslmode=verify-full&sslrootcert={}",
        postgres.address.port(),
        authority.root().display()
    );
    let with = |client: &Certificate| {
        let (chain, key) = (client.chain.display(), client.key.display());
        format!("{url}&sslcert={chain}&sslkey={key}")
    };
    let client = authority.certify("client", OWNER, "DNS:node.example");
    assert_works(&with(&client));
    assert_kept_out(&url, &["certificate"]);
    let other = authority.certify("other", "somebody", "DNS:node.example");
    assert_kept_out(&with(&other), &["certificate authentication failed"]);
    let half = format!("{url}&sslcert={}", client.chain.display());
    assert_refused(&half, &["sslkey"]);
}
