//! The server's certificate, which can be replaced while it runs.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::error::{Error, ErrorKind};

/// The one protocol that clients are offered: a WebSocket is opened from HTTP/1.1.
const PROTOCOL: &[u8] = b"http/1.1";

/// A certificate and its key, read from files. Clones are the same.
#[derive(Clone)]
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    config: RustlsConfig,
}

impl Tls {
    /// Reads a certificate, with those that lead to its root after it, and its key, both in PEM.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Failed`] if a file cannot be read, is not in that format, or the two do not belong together.
    pub fn load(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Result<Self, Error> {
        let (certificate, key) = (certificate.into(), key.into());
        let config = RustlsConfig::from_config(config(&certificate, &key)?);
        Ok(Self { certificate, key, config })
    }

    /// Reads the files anew. Connections that there are keep the old certificate.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load), and nothing changes then.
    pub fn reload(&self) -> Result<(), Error> {
        self.config.reload_from_config(config(&self.certificate, &self.key)?);
        Ok(())
    }

    /// Returns what encrypts connections.
    pub(crate) fn acceptor(&self) -> RustlsAcceptor<NoDelayAcceptor> {
        RustlsAcceptor::new(self.config.clone()).acceptor(NoDelayAcceptor::new())
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("certificate", &self.certificate).field("key", &self.key).finish_non_exhaustive()
    }
}

fn config(certificate: &PathBuf, key: &PathBuf) -> Result<Arc<ServerConfig>, Error> {
    let failed = |what: &str, path: &PathBuf, error: &dyn fmt::Display| {
        Error::new(ErrorKind::Failed, format!("The {what} '{}' cannot be used: {error}.", path.display()))
    };
    let chain: Vec<_> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|error| failed("certificate", certificate, &error))?;
    if chain.is_empty() {
        return Err(failed("certificate", certificate, &"it has no 'BEGIN CERTIFICATE' in it"));
    }
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| failed("key", key, &error))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, secret))
        .map_err(|error| failed("key", key, &error))?;
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    Ok(Arc::new(config))
}
