//! `Server`: listens, serves pages and circuits, and stops without cutting anybody off.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use axum::Router;
#[cfg(feature = "tls")]
use axum::extract::Extension;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::IntoResponse as _;
use axum_server::Handle;
use axum_server::accept::NoDelayAcceptor;
use tokio::net::TcpListener;

use super::circuits::Circuits;
use super::headers::PageHeaders;
use super::health;
use super::options::public_origin;
use super::pages::{self, Place};
#[cfg(feature = "tls")]
use super::proxy::Encrypted;
#[cfg(feature = "tls")]
use super::tls::Tls;
use crate::error::{Error, ErrorKind};

/// How long requests that are under way may take to end once circuits have ended.
const GRACE: Duration = Duration::from_secs(5);

/// How long a client may take to send the head of a request, or to begin its first one. Longer is one that holds connections for
/// their own sake.
const HEAD_TIME: Duration = Duration::from_secs(10);

/// The most that is read of the head of a request, in bytes: browsers send cookies of up to 8 KiB or so.
const HEAD_SIZE: usize = 64 << 10;

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
    root: PathBuf,
    circuits: Option<Circuits>,
    headers: Vec<(String, String)>,
    admin: Option<TcpListener>,
    #[cfg(feature = "tls")]
    tls: Option<Tls>,
}

impl Server {
    /// Listens at `address` (port 0 for any that is free), to serve the files below `root`. At a loopback address, requests for
    /// another host than `localhost` or a loopback address are refused, so that no page of another site can read what is served;
    /// [`CircuitOptions::host`](super::CircuitOptions::host) names those that are not.
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
        let (listener, address) = listen(address).await?;
        Ok(Self {
            listener,
            address,
            root: folder,
            circuits: None,
            headers: Vec::new(),
            admin: None,
            #[cfg(feature = "tls")]
            tls: None,
        })
    }

    /// Runs the guests of `circuits` for pages, at `/_dotwit/circuit`, and answers at `/metrics`, `/healthz` and `/readyz`. Metrics are
    /// for clients on this machine alone.
    #[must_use]
    pub fn circuits(mut self, circuits: &Circuits) -> Self {
        self.circuits = Some(circuits.clone());
        self
    }

    /// Replaces a header of all pages, or adds one. An empty value leaves it out.
    ///
    /// By default there are `Content-Security-Policy`, by which a page loads nothing of other servers, `X-Content-Type-Options`,
    /// `Referrer-Policy` and `Cross-Origin-Opener-Policy`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::BadArguments`] if no header can have this name or value.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, Error> {
        PageHeaders::new(None).set(name, value)?;
        self.headers.push((name.to_owned(), value.to_owned()));
        Ok(self)
    }

    /// Listens at one more address, where everybody who reaches it may ask for `/metrics`, `/healthz` and `/readyz`, and nothing else
    /// is answered. They are no longer at the server's own address then.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Failed`] if the address is not available.
    pub async fn admin(mut self, address: SocketAddr) -> Result<Self, Error> {
        self.admin = Some(listen(address).await?.0);
        Ok(self)
    }

    /// Encrypts all connections but those of [`admin`](Self::admin).
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// The address at which the server listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers requests until `stop` is ready. Circuits then have [`CircuitOptions::drain_time`](super::CircuitOptions::drain_time) to
    /// end, while pages are still served, and after that requests under way a few seconds.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Failed`] where the system takes the listener away.
    pub async fn run(mut self, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), Error> {
        let router = self.router()?;
        let handle = Handle::new();
        let admin = match (self.admin.take(), &self.circuits) {
            (Some(listener), Some(circuits)) => {
                let router = health::router(circuits, true);
                let server = server(listener, Handle::with_control(handle.control()));
                Some(tokio::spawn(server.serve(router.into_make_service_with_connect_info::<SocketAddr>())))
            }
            _ => None,
        };
        let (stopping, circuits) = (handle.clone(), self.circuits.clone());
        let stopper = tokio::spawn(async move {
            stop.await;
            if let Some(circuits) = circuits {
                circuits.drain().await;
            }
            stopping.graceful_shutdown(Some(GRACE));
        });
        let router = router.into_make_service_with_connect_info::<SocketAddr>();
        let server = server(self.listener, handle);
        #[cfg(feature = "tls")]
        let served = match self.tls {
            Some(tls) => server.acceptor(tls.acceptor()).serve(router).await,
            None => server.serve(router).await,
        };
        #[cfg(not(feature = "tls"))]
        let served = server.serve(router).await;
        stopper.abort();
        if let Some(admin) = admin {
            admin.abort();
        }
        served.map_err(|error| Error::new(ErrorKind::Failed, format!("The server has stopped: {error}.")))
    }

    /// Puts together everything that the server answers.
    fn router(&self) -> Result<Router, Error> {
        let options = self.circuits.as_ref().map(|circuits| &*circuits.shared.options);
        let public = options.and_then(|options| public_origin(options.public_url.as_deref()?));
        let mut headers = PageHeaders::new(public.as_deref());
        for (name, value) in &self.headers {
            headers.set(name, value)?;
        }
        let mut place = Place { at_loopback: self.address.ip().to_canonical().is_loopback(), ..Place::default() };
        if let Some(options) = options {
            let origins = options.listed_origins.0.iter().map(|origin| origin.host().to_owned());
            place.hosts = options.hosts.iter().cloned().chain(origins).collect();
            place.trusted_proxies.clone_from(&options.trusted_proxies);
            place.base_path.clone_from(&options.base_path);
        }
        let base = place.base_path.clone();
        let mut router = pages::router(self.root.clone(), headers, place);
        if let Some(circuits) = &self.circuits {
            router = router.merge(Router::new().nest("/_dotwit", circuits.router()));
        }
        if !base.is_empty() {
            router = Router::new()
                .nest_service(&base, router)
                .layer(middleware::from_fn(move |request, next| to_folder(base.clone(), request, next)));
        }
        #[cfg(feature = "tls")]
        if self.tls.is_some() {
            router = router.layer(Extension(Encrypted));
        }
        match &self.circuits {
            Some(circuits) if self.admin.is_none() => Ok(router.merge(health::router(circuits, false))),
            _ => Ok(router),
        }
    }
}

/// Leads from the base path to the folder of that name, by the part of it that is the same behind every proxy.
async fn to_folder(base: String, request: Request, next: Next) -> axum::response::Response {
    if request.uri().path() != base {
        return next.run(request).await;
    }
    let folder = format!("{}/", base.rsplit('/').next().unwrap_or_default());
    (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, folder)]).into_response()
}

/// Listens at an address.
async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Error> {
    let failed =
        |error: io::Error| Error::new(ErrorKind::Failed, format!("The server cannot listen at {address}: {error}."));
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// Returns a server that waits for no client for long.
fn server(listener: TcpListener, handle: Handle<SocketAddr>) -> axum_server::Server<SocketAddr, NoDelayAcceptor> {
    let mut server = axum_server::Server::<SocketAddr>::from_listener(listener);
    server.http_builder().http1().header_read_timeout(HEAD_TIME).max_buf_size(HEAD_SIZE);
    server.first_request_timeout(HEAD_TIME).acceptor(NoDelayAcceptor::new()).handle(handle)
}
