//! A certificate authority of the test's own.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

/// It, in a folder that goes with it.
pub(crate) struct Authority(TempDir);

/// A certificate and its key, as PEM files.
pub(crate) struct Certificate {
    pub(crate) chain: PathBuf,
    pub(crate) key: PathBuf,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let authority = Self(TempDir::new().unwrap());
        authority.make(Command::new("openssl"), "root", &["-subj", "/CN=Test CA"]);
        authority
    }

    /// Its own certificate.
    pub(crate) fn root(&self) -> PathBuf {
        self.path("root.pem")
    }

    /// A certificate for these names of a server (`DNS:localhost,IP:127.0.0.1`) or one for a
    /// client, who is the last part of the subject.
    pub(crate) fn certify(&self, file: &str, subject: &str, names: &str) -> Certificate {
        self.certify_by(Command::new("openssl"), file, subject, names)
    }

    /// The same, and it is no longer valid.
    pub(crate) fn certify_long_ago(&self, file: &str, subject: &str, names: &str) -> Certificate {
        let mut past = Command::new("faketime");
        past.args(["30 days ago", "openssl"]);
        self.certify_by(past, file, subject, names)
    }

    fn certify_by(&self, openssl: Command, file: &str, subject: &str, names: &str) -> Certificate {
        let subject = format!("/CN={subject}");
        let names = format!("subjectAltName={names}");
        let (root, key) = (self.path("root.pem"), self.path("root.key"));
        let by_root = ["-CA", text(&root), "-CAkey", text(&key)];
        let more = ["-subj", &subject, "-addext", &names, "-addext"];
        let more = [&more[..], &["basicConstraints=critical,CA:FALSE"], &by_root].concat();
        self.make(openssl, file, &more);
        Certificate {
            chain: self.path(&format!("{file}.pem")),
            key: self.path(&format!("{file}.key")),
        }
    }

    fn make(&self, mut openssl: Command, file: &str, more: &[&str]) {
        let output = openssl
            .args(["req", "-x509", "-nodes", "-days", "2", "-newkey", "ec"])
            .args(["-pkeyopt", "ec_paramgen_curve:P-256"])
            .arg("-keyout")
            .arg(self.path(&format!("{file}.key")))
            .arg("-out")
            .arg(self.path(&format!("{file}.pem")))
            .args(more)
            .output()
            .expect("openssl and faketime are there; tests/setup installs them");
        assert!(output.status.success(), "{output:?}");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
