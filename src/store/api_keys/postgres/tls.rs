//! TLS to the database: its certificate and name are always verified.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

/// What a connection is encrypted with.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Tls {
    /// Whom to trust, in PEM; `None`: whom the system trusts.
    pub(super) root: Option<PathBuf>,
    /// Our own certificate and its key, in PEM.
    pub(super) identity: Option<(PathBuf, PathBuf)>,
}

impl Tls {
    /// Reads the files. They may be renewed at any time: every connect reads them again.
    pub(super) fn connector(&self) -> Result<MakeRustlsConnect, String> {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|fault| fault.to_string())?
            .with_root_certificates(self.roots()?);
        let config = match &self.identity {
            None => config.with_no_client_auth(),
            Some((cert, key)) => {
                let chain = certificates(cert)?;
                let secret =
                    PrivateKeyDer::from_pem_file(key).map_err(unreadable("sslkey", key))?;
                config
                    .with_client_auth_cert(chain, secret)
                    .map_err(unreadable("sslkey", key))?
            }
        };
        Ok(MakeRustlsConnect::new(config))
    }

    fn roots(&self) -> Result<RootCertStore, String> {
        let mut roots = RootCertStore::empty();
        if let Some(file) = &self.root {
            for certificate in certificates(file)? {
                roots
                    .add(certificate)
                    .map_err(unreadable("sslrootcert", file))?;
            }
        } else {
            let system = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(system.certs);
            if roots.is_empty() {
                return Err(
                    "this system trusts no certificates; install ca-certificates, or name a file \
                     with sslrootcert"
                        .to_owned(),
                );
            }
        }
        Ok(roots)
    }
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let unreadable = unreadable::<pem::Error>("certificate", file);
    let all = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match all {
        Ok(all) if all.is_empty() => Err(unreadable(pem::Error::NoItemsFound)),
        other => other.map_err(unreadable),
    }
}

fn unreadable<E: std::fmt::Display>(what: &str, file: &Path) -> impl Fn(E) -> String {
    let place = format!("{what} {}", file.display());
    move |fault| format!("{place}: {fault}")
}
