//! Where a database is and how to get in, as `store` in `[api_keys]` says it: a connection URL of
//! PostgreSQL (its manual, section 34.1.1), with libpq's names for files and TLS.
//!
//! SECURITY: a database behind a network must prove who it is, and nothing falls back to plain
//! text: whoever could answer in its place would let anybody in. Passwords are in no text that is
//! shown.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use super::tls::Tls;

/// How long to wait for one address of the server to answer, unless the URL says.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// A connection URL, understood. Cheap to clone: every fault of the store carries it.
#[derive(Clone, PartialEq)]
pub struct Url(Arc<Parts>);

#[derive(PartialEq)]
struct Parts {
    config: Config,
    /// How to encrypt; `None`: not.
    tls: Option<Tls>,
    passfile: Option<PathBuf>,
}

/// `Config` has no floating parts.
impl Eq for Url {}

/// Why a URL can't be used. Repeats nothing of it but names of parameters.
#[derive(Debug, thiserror::Error)]
pub enum InvalidUrl {
    /// No URL at all, or one with a value that makes no sense.
    #[error(
        "is no PostgreSQL URL ({0}); write postgres://user@host:5432/database, with special \
         characters of a password as %40 for @, %2F for /, %3A for :, and so on"
    )]
    Malformed(String),
    /// No host.
    #[error("names no host; write postgres://user@host/database, or ?host=/run/postgresql")]
    NoHost,
    /// No user.
    #[error("names no user; write postgres://user@host/database")]
    NoUser,
    /// A mode that may end up without TLS.
    #[error(
        "sslmode={0} may fall back to plain text or trust anybody; write sslmode=verify-full, or \
         sslmode=disable where nobody else is on the network"
    )]
    SslMode(String),
    /// A file that goes with another.
    #[error("has only one of sslcert and sslkey; a client's certificate needs both")]
    HalfCertificate,
    /// Files for TLS, and no TLS.
    #[error("has {0} but no TLS; add sslmode=verify-full, or leave {0} out")]
    NoTls(&'static str),
}

impl Url {
    pub(in crate::store::api_keys) fn parse(
        raw: &str,
        absolute: impl Fn(&str) -> PathBuf,
    ) -> Result<Self, InvalidUrl> {
        let (base, query) = raw.split_once('?').unwrap_or((raw, ""));
        // Else part of a password would be taken as the host or the database, and shown.
        if base.matches('@').count() > 1 {
            return Err(InvalidUrl::Malformed("there is more than one @".into()));
        }
        let (mut sslmode, mut passfile) = (None, None);
        let (mut root, mut cert, mut key) = (None, None, None);
        let mut rest = Vec::new();
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let value = || percent_encoding::percent_decode_str(value).decode_utf8_lossy();
            match name {
                "sslmode" => sslmode = Some(value().into_owned()),
                "passfile" => passfile = Some(absolute(&value())),
                "sslrootcert" => root = Some(absolute(&value())),
                "sslcert" => cert = Some(absolute(&value())),
                "sslkey" => key = Some(absolute(&value())),
                // Else what is no name may be a part of a password.
                _ if !name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') => {
                    return Err(InvalidUrl::Malformed("an odd parameter".into()));
                }
                _ => rest.push(parameter),
            }
        }
        let mut config: Config = format!("{base}?{}", rest.join("&"))
            .parse()
            .map_err(|fault| InvalidUrl::Malformed(malformed(&fault)))?;
        check(&mut config)?;
        let wanted = match sslmode.as_deref() {
            None => !is_here(&config),
            Some("disable") => false,
            Some("require" | "verify-ca" | "verify-full") => true,
            Some(mode) => return Err(InvalidUrl::SslMode(mode.chars().take(20).collect())),
        };
        let identity = match (cert, key) {
            (None, None) => None,
            (Some(cert), Some(key)) => Some((cert, key)),
            _ => return Err(InvalidUrl::HalfCertificate),
        };
        if !wanted {
            if root.is_some() {
                return Err(InvalidUrl::NoTls("sslrootcert"));
            }
            if identity.is_some() {
                return Err(InvalidUrl::NoTls("sslcert"));
            }
        }
        config.ssl_mode(if wanted {
            SslMode::Require
        } else {
            SslMode::Disable
        });
        Ok(Self(Arc::new(Parts {
            config,
            tls: wanted.then_some(Tls { root, identity }),
            passfile,
        })))
    }

    /// Whether the URL itself holds a password.
    #[must_use]
    pub fn has_password(&self) -> bool {
        self.0.config.get_password().is_some()
    }

    /// The file with the password, if there is one.
    #[must_use]
    pub fn passfile(&self) -> Option<&Path> {
        self.0.passfile.as_deref()
    }

    /// The key of our own certificate, if there is one.
    #[must_use]
    pub fn sslkey(&self) -> Option<&Path> {
        let identity = self.0.tls.as_ref()?.identity.as_ref()?;
        Some(&identity.1)
    }

    /// The certificates of those who may vouch for the server, if they are named.
    #[must_use]
    pub fn sslrootcert(&self) -> Option<&Path> {
        self.0.tls.as_ref()?.root.as_deref()
    }

    /// The database's name.
    pub(in crate::store::api_keys) fn database(&self) -> Option<&str> {
        self.0.config.get_dbname().or(self.0.config.get_user())
    }

    /// How to encrypt; nothing: not.
    pub(super) fn tls(&self) -> Option<&Tls> {
        self.0.tls.as_ref()
    }

    /// What to connect with, with a password if there is one.
    pub(super) fn config(&self) -> Result<Config, String> {
        let mut config = self.0.config.clone();
        if let Some(file) = &self.0.passfile
            && let Some(password) = super::passfile::password(file, &config)?
        {
            config.password(password.as_slice());
        }
        Ok(config)
    }
}

/// What the parser says is wrong; it names parameters, and no value.
fn malformed(fault: &tokio_postgres::Error) -> String {
    use std::error::Error as _;
    fault
        .source()
        .map_or_else(|| fault.to_string(), ToString::to_string)
}

/// Sets what the URL leaves open, and refuses what it must not leave open.
fn check(config: &mut Config) -> Result<(), InvalidUrl> {
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        return Err(InvalidUrl::NoHost);
    }
    if config.get_user().is_none_or(str::is_empty) {
        return Err(InvalidUrl::NoUser);
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    if config.get_application_name().is_none() {
        config.application_name("htgate");
    }
    // A standby would be behind, and take no change.
    config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    Ok(())
}

/// Whether all servers are on this machine, by their names and by the addresses that are used in
/// place of names.
fn is_here(config: &Config) -> bool {
    let by_name = |host: &Host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost"
                || name
                    .parse::<IpAddr>()
                    .is_ok_and(|address| address.is_loopback())
        }
    };
    config.get_hosts().iter().all(by_name) && config.get_hostaddrs().iter().all(IpAddr::is_loopback)
}

/// Without the password and without parameters.
impl fmt::Display for Url {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let config = &self.0.config;
        let mut hosts: Vec<String> = config
            .get_hosts()
            .iter()
            .map(|host| match host {
                Host::Tcp(name) if name.contains(':') => format!("[{name}]"),
                Host::Tcp(name) => name.clone(),
                Host::Unix(path) => path.display().to_string(),
            })
            .collect();
        if hosts.is_empty() {
            hosts = config
                .get_hostaddrs()
                .iter()
                .map(ToString::to_string)
                .collect();
        }
        let ports = config.get_ports();
        for (number, host) in hosts.iter_mut().enumerate() {
            let port = ports.get(number).or(ports.first()).copied();
            if let Some(port) = port.filter(|port| *port != 5432) {
                *host = format!("{host}:{port}");
            }
        }
        let user = config.get_user().unwrap_or_default();
        write!(out, "postgres://{user}@{}", hosts.join(","))?;
        match config.get_dbname() {
            Some(name) => write!(out, "/{name}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(raw: &str) -> Result<Url, InvalidUrl> {
        Url::parse(raw, |path| PathBuf::from("/etc/htgate").join(path))
    }

    #[test]
    fn a_host_elsewhere_must_prove_who_it_is_unless_told_otherwise() {
        for (raw, tls) in [
            ("postgres://u@db.example/d", true),
            ("postgres://u@10.0.0.1/d", true),
            ("postgres://u@localhost,db.example/d", true),
            ("postgres:///d?user=u&hostaddr=10.0.0.1", true),
            ("postgres://u@localhost/d?hostaddr=10.0.0.1", true),
            ("postgres://u@localhost/d?hostaddr=127.0.0.1", false),
            ("postgres://u@db.example/d?sslmode=require", true),
            ("postgres://u@db.example/d?sslmode=verify-ca", true),
            ("postgres://u@localhost/d?sslmode=verify-full", true),
            ("postgres://u@localhost/d", false),
            ("postgresql://u@127.0.0.1:5433/d", false),
            ("postgres://u@[::1]/d", false),
            ("postgres:///d?user=u&host=/run/postgresql", false),
            ("postgres://u@db.example/d?sslmode=disable", false),
        ] {
            let url = url(raw).unwrap();
            assert_eq!(url.tls().is_some(), tls, "{raw}");
            let mode = if tls {
                SslMode::Require
            } else {
                SslMode::Disable
            };
            assert_eq!(url.config().unwrap().get_ssl_mode(), mode, "{raw}");
        }
    }

    #[test]
    fn what_is_shown_holds_no_password_and_no_parameters() {
        for (raw, shown) in [
            ("postgres://u:s3cret@db/d", "postgres://u@db/d"),
            (
                "postgres://u:s3cr%40t@db:6000,[2001:db8::1]:6001/d?passfile=s3cret",
                "postgres://u@db:6000,[2001:db8::1]:6001/d",
            ),
            (
                "postgres:///d?user=u&password=s3cret&host=/run/postgresql",
                "postgres://u@/run/postgresql/d",
            ),
        ] {
            let url = url(raw).unwrap();
            assert_eq!(url.to_string(), shown);
            assert!(url.0.passfile.is_some() || url.has_password(), "{raw}");
        }
        for raw in [
            "postgres://u:s3cr@t@db/d",
            "postgres://u:s3cret@db:port/d",
            "postgres://u:s3cret/@db/d",
            "postgres://u:s3cret@/d",
            "postgres://u:s3cret@db/d?sslmode=no",
        ] {
            if let Err(fault) = url(raw) {
                let fault = format!("{fault} {fault:?}");
                assert!(!fault.contains("s3cr"), "{fault}");
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn no_part_of_a_password_is_ever_told(
            parts in proptest::collection::vec("[!-~]", 1..4),
            place in 0..3_usize,
        ) {
            // However it is written, encoded or not, and wherever it ends up.
            let password = format!("S3CRET{}S3CRET", parts.join("S3CRET"));
            let raw = match place {
                0 => format!("postgres://u:{password}@db/d"),
                1 => format!("postgres://u@db/d?password={password}"),
                _ => format!("postgres://u:{password}@db:5432,db2/d?sslmode=disable"),
            };
            let told = match url(&raw) {
                Ok(url) => url.to_string(),
                Err(fault) => format!("{fault} {fault:?}"),
            };
            proptest::prop_assert!(!told.contains("S3CRET"), "{raw}: {told}");
        }
    }

    #[test]
    fn files_are_found_beside_the_configuration() {
        let url = url("postgres://u@db/d?sslrootcert=ca%20.pem&passfile=pgpass").unwrap();
        let root = url.tls().and_then(|tls| tls.root.clone());
        assert_eq!(root, Some("/etc/htgate/ca .pem".into()));
        assert_eq!(url.0.passfile, Some("/etc/htgate/pgpass".into()));
    }
}
