//! The door to circuits: the checks that a request must pass before it is a WebSocket, and what each one that fails is answered.
//!
//! A browser shows a page nothing of a refused WebSocket but that it failed, so each refusal says in the log what is wrong and
//! which option allows it.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::SystemTime;

use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::extract::{ConnectInfo, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::handshakes::{Full, Handshake, Handshakes};
use super::hosts::{Host, is_listed};
use super::metrics::{Limit, Metrics, Refused};
use super::options::CircuitOptions;
use super::origin::Origin;
use super::proxy::Source;
use super::wire::{MESSAGE_OVERHEAD, SUBPROTOCOL};

/// The size of each of a socket's buffers, in bytes. A buffer is there for as long as its socket, and an idle one needs none; larger
/// messages go past it.
const BUFFER: usize = 4 << 10;

/// For how long a client that finds no room should wait, in seconds: that of a hello, after which sockets are free again.
const RETRY_SECONDS: &str = "5";

/// One who has opened a WebSocket.
#[derive(Debug)]
pub(crate) struct Client {
    /// From where the request came.
    pub(crate) source: Source,
    /// The page's origin. A client that is no browser need not name one.
    pub(crate) origin: Option<Origin>,
    /// The request, for [`Auth`](super::Auth).
    pub(crate) request: Parts,
    /// The place among the sockets that have not said hello. To be dropped once it has.
    pub(crate) _handshake: Handshake,
}

/// What stands before circuits.
#[derive(Debug)]
pub(crate) struct Gate {
    options: Arc<CircuitOptions>,
    metrics: Arc<Metrics>,
    handshakes: Handshakes,
    closed: AtomicBool,
    /// The last second in which a refusal was logged for each reason, so that nobody can flood the log.
    logged: [AtomicU64; Refused::COUNT],
}

/// Why a request is not let in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Denied {
    status: StatusCode,
    reason: Refused,
    message: String,
}

impl Gate {
    /// Returns an open gate.
    pub(crate) fn new(options: Arc<CircuitOptions>, metrics: Arc<Metrics>) -> Self {
        let handshakes = Handshakes::new(options.max_handshakes, options.max_handshakes_per_address);
        Self {
            options,
            metrics,
            handshakes,
            closed: AtomicBool::new(false),
            logged: [const { AtomicU64::new(0) }; Refused::COUNT],
        }
    }

    /// Answers every request with 503 from now on.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Returns how many sockets are open that have not said hello.
    pub(crate) fn handshakes(&self) -> usize {
        self.handshakes.count()
    }

    /// Answers a request for a circuit. Of one that passes all checks, `serve` gets the socket in a task of its own.
    pub(crate) async fn open<F, S>(&self, request: Request, serve: S) -> Response
    where
        F: Future<Output = ()> + Send + 'static,
        S: FnOnce(WebSocket, Client) -> F + Send + 'static,
    {
        let (mut parts, _) = request.into_parts();
        let (source, origin) = match self.check(&parts) {
            Ok(checked) => checked,
            Err(denied) => return self.deny(denied),
        };
        let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
            Ok(upgrade) => upgrade.protocols([SUBPROTOCOL]),
            Err(rejection) => {
                let (status, message) = (rejection.status(), rejection.body_text());
                return self.deny(Denied { status, reason: Refused::Protocol, message });
            }
        };
        let handshake = match self.handshakes.begin(source.address) {
            Ok(handshake) => handshake,
            Err(full) => {
                self.metrics.limit_hit(Limit::Handshakes);
                return self.deny(Denied::full(full));
            }
        };
        let options = &self.options;
        let incoming = options.max_message.saturating_add(MESSAGE_OVERHEAD);
        let client = Client { source, origin, request: parts, _handshake: handshake };
        upgrade
            .read_buffer_size(BUFFER)
            .write_buffer_size(BUFFER)
            // Circuits have one message written at a time, and these have limits of their own.
            .max_write_buffer_size(usize::MAX)
            .max_message_size(incoming)
            .max_frame_size(incoming)
            .on_upgrade(move |socket| serve(socket, client))
    }

    /// Checks everything that a request's head shows.
    fn check(&self, request: &Parts) -> Result<(Source, Option<Origin>), Denied> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(Denied::new(StatusCode::SERVICE_UNAVAILABLE, Refused::Draining, "The server is stopping."));
        }
        if request.method != Method::GET || !has_token(&request.headers, header::UPGRADE, "websocket") {
            let what = "This is where pages open a WebSocket: a GET request with 'Upgrade: websocket' is expected.";
            return Err(Denied::new(StatusCode::UPGRADE_REQUIRED, Refused::Protocol, what));
        }
        let (source, origin) = self.admit(request)?;
        if !has_token(&request.headers, header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL) {
            let what = format!(
                "The client must offer the subprotocol '{SUBPROTOCOL}', which is the one that this server speaks."
            );
            return Err(Denied::new(StatusCode::BAD_REQUEST, Refused::Version, what));
        }
        Ok((source, origin))
    }

    /// Checks for whose page a request asks, whatever it asks for. Returns from where it comes, and the page's origin.
    pub(crate) fn admit(&self, request: &Parts) -> Result<(Source, Option<Origin>), Denied> {
        let (source, own) = self.source(request)?;
        let origin = self.origin(request, &own)?;
        Ok((source, origin))
    }

    /// Returns from where a request comes, and the origin of the server as its client sees it.
    fn source(&self, request: &Parts) -> Result<(Source, Origin), Denied> {
        let options = &self.options;
        let Some(ConnectInfo(peer)) = request.extensions.get::<ConnectInfo<SocketAddr>>() else {
            let what = "The server does not know the addresses of its clients: its router must be served with \
                        `into_make_service_with_connect_info::<SocketAddr>()`.";
            return Err(Denied::new(StatusCode::INTERNAL_SERVER_ERROR, Refused::Host, what));
        };
        let source = Source::of(request, peer.ip(), options.secure, &options.trusted_proxies);
        let host = &source.host;
        let is_known = match Host::of(host) {
            Host::Loopback | Host::Address => true,
            Host::Name => {
                let origins = options.listed_origins.0.iter().map(Origin::host);
                is_listed(host, options.hosts.iter().map(String::as_str).chain(origins))
            }
            Host::Malformed => false,
        };
        let own = Origin::new(if source.secure { "https" } else { "http" }, host);
        match own {
            Ok(own) if is_known => Ok((source, own)),
            _ => {
                let what = format!("This server is not known as '{host}': `--host` names what it is reached as.");
                Err(Denied::new(StatusCode::MISDIRECTED_REQUEST, Refused::Host, what))
            }
        }
    }

    /// Returns the page's origin if its circuits are allowed.
    fn origin(&self, request: &Parts, own: &Origin) -> Result<Option<Origin>, Denied> {
        let denied = |what: String| Err(Denied::new(StatusCode::FORBIDDEN, Refused::Origin, what));
        let mut origins = request.headers.get_all(header::ORIGIN).iter();
        let origin = match (origins.next(), origins.next()) {
            (Some(origin), None) => origin,
            (None, _) if self.options.allow_no_origin => return Ok(None),
            (None, _) => {
                let what =
                    "The request names no origin, as every browser does: `--allow-no-origin` lets other clients in.";
                return denied(what.to_owned());
            }
            _ => return denied("The request names more than one origin.".to_owned()),
        };
        let text = String::from_utf8_lossy(origin.as_bytes()).into_owned();
        match text.parse::<Origin>() {
            Ok(origin) if self.options.origin_rule().allows(&origin, own) => Ok(Some(origin)),
            Ok(origin) => denied(format!(
                "Pages of '{origin}' may not open circuits of this server, which is '{own}' to them: `--origin {origin}` allows it."
            )),
            // A page of a file or in a sandboxed frame says 'null', and anybody can make one.
            Err(_) => denied(format!("Pages of the origin '{text}' may not open circuits.")),
        }
    }

    /// Answers a request that is not let in.
    pub(crate) fn deny(&self, denied: Denied) -> Response {
        self.metrics.refused(denied.reason);
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs();
        if self.logged[denied.reason as usize].swap(now, Ordering::Relaxed) != now {
            tracing::warn!(status = denied.status.as_u16(), "{}", denied.message);
        }
        denied.into_response()
    }
}

impl Denied {
    fn new(status: StatusCode, reason: Refused, message: impl Into<String>) -> Self {
        Self { status, reason, message: message.into() }
    }

    fn full(full: Full) -> Self {
        match full {
            Full::Server(limit) => {
                let what = format!("{limit} sockets are open that have not said hello, and {limit} is the limit.");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, Refused::Handshakes, what)
            }
            Full::Address(limit) => {
                let what = format!(
                    "{limit} sockets of this address are open that have not said hello, and {limit} is the limit."
                );
                Self::new(StatusCode::TOO_MANY_REQUESTS, Refused::Handshakes, what)
            }
        }
    }
}

impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        let mut response = (self.status, format!("{}\n", self.message)).into_response();
        if matches!(self.status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static(RETRY_SECONDS));
        }
        if self.status == StatusCode::UPGRADE_REQUIRED {
            response.headers_mut().insert(header::UPGRADE, header::HeaderValue::from_static("websocket"));
        }
        response
    }
}

/// Returns whether a header that is a list of tokens has one, in any case.
fn has_token(headers: &HeaderMap, name: header::HeaderName, token: &str) -> bool {
    let lines = headers.get_all(name).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|found| found.trim().eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests;
