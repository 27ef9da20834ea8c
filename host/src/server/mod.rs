//! The web server behind `dotwit serve`: a folder of pages, and the adapter's sources for them at `/_dotwit/`.
//!
//! Pages host their guest in the browser. Guests that run in the server, one for each page, are not built yet.

mod adapter;
mod auth;
mod circuit;
mod circuits;
mod files;
mod handshake;
mod handshakes;
mod hosts;
mod metrics;
mod names;
mod options;
mod origin;
mod proxy;
mod registry;
#[cfg(test)]
mod tests;
mod upgrade;
mod wire;

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware;
use axum::routing::get;
use tokio::net::TcpListener;
use tower_http::set_header::SetResponseHeaderLayer;

pub use self::auth::{Auth, Everybody, Refusal, Subject};
pub use self::circuits::Circuits;
pub use self::options::CircuitOptions;
pub use self::origin::{Origin, Origins, SameOrigin};
pub use crate::engine::access::SystemAccess;
use crate::error::{Error, ErrorKind};

/// Reads a message of a circuit's socket, for the fuzz target.
#[cfg(fuzzing)]
#[doc(hidden)]
pub fn wire_read(data: &[u8]) {
    wire::fuzz::wire_read(data);
}

/// How long requests that are under way may take to end once the server is asked to stop.
const GRACE: Duration = Duration::from_secs(5);

/// A server that listens, and answers while it [runs](Self::run).
///
/// ```no_run
/// # async fn example() -> Result<(), dotwit_host::Error> {
/// use std::net::Ipv4Addr;
///
/// let server = dotwit_host::server::Server::bind("www", (Ipv4Addr::LOCALHOST, 0).into()).await?;
/// println!("http://{}/", server.address());
/// server.run(std::future::pending()).await
/// # }
/// ```
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
}

impl Server {
    /// Listens at `address` (port 0 for any that is free), to serve the files below `root`. At a loopback address, requests for
    /// another host than `localhost` or a loopback address are refused, so that no page of another site can read what is served.
    ///
    /// Must be called within a Tokio runtime.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Failed`] if `root` is not a folder that can be read, or the address is not available.
    pub async fn bind(root: impl Into<PathBuf>, address: SocketAddr) -> Result<Self, Error> {
        let root = root.into();
        let failed = |what: String| Error::new(ErrorKind::Failed, what);
        let folder = root
            .canonicalize()
            .map_err(|error| failed(format!("The root '{}' cannot be served: {error}.", root.display())))?;
        if !folder.is_dir() {
            return Err(failed(format!("The root '{}' cannot be served: it is not a folder.", root.display())));
        }
        let listener = TcpListener::bind(address)
            .await
            .map_err(|error| failed(format!("The server cannot listen at {address}: {error}.")))?;
        let address =
            listener.local_addr().map_err(|error| failed(format!("The listener has no address: {error}.")))?;
        Ok(Self { listener, address, router: router(folder, address.ip().to_canonical().is_loopback()) })
    }

    /// Runs the guests of `circuits` for pages, at `/_dotwit/circuit`.
    #[must_use]
    pub fn circuits(mut self, circuits: &Circuits) -> Self {
        self.router = Router::new().nest("/_dotwit", circuits.router()).fallback_service(self.router);
        self
    }

    /// The address at which the server listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers requests until `stop` is ready. After that it takes no new ones, and those under way have a few seconds to end.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Failed`] where the system takes the listener away.
    pub async fn run(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), Error> {
        let (stopping, stopped) = tokio::sync::oneshot::channel();
        let serving = axum::serve(self.listener, self.router.into_make_service_with_connect_info::<SocketAddr>())
            .with_graceful_shutdown(async move {
                stop.await;
                let _ = stopping.send(());
            });
        let overdue = async move {
            if stopped.await.is_err() {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            served = serving.into_future() => {
                served.map_err(|error| Error::new(ErrorKind::Failed, format!("The server has stopped: {error}.")))
            }
            () = overdue => Ok(()),
        }
    }
}

fn router(root: PathBuf, at_loopback: bool) -> Router {
    // Pages, modules and guests change while they are developed: browsers may cache them, but must revalidate.
    let revalidate =
        SetResponseHeaderLayer::if_not_present(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // A file is what its type says, whatever is in it.
    let no_sniffing = SetResponseHeaderLayer::if_not_present(
        HeaderName::from_static("x-content-type-options"),
        HeaderValue::from_static("nosniff"),
    );
    let router = Router::new().route("/_dotwit/{*path}", get(adapter::source)).fallback_service(files::service(root));
    let router = if at_loopback { router.layer(middleware::from_fn(names::only_loopback)) } else { router };
    router.layer(revalidate).layer(no_sniffing)
}
