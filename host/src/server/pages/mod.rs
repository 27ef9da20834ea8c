//! The static part of the server: a folder of pages, and the adapter's sources for them at `/_dotwit/`.

mod adapter;
mod files;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use ipnet::IpNet;
use tower_http::set_header::SetResponseHeaderLayer;

use super::headers::{self, PageHeaders};
use super::hosts::{Host, is_listed};
use super::proxy::{Source, host};

/// For whom pages are served, and where.
#[derive(Debug, Default)]
pub(crate) struct Place {
    /// Whether nothing but names of this machine and those of `hosts` is answered.
    pub(crate) at_loopback: bool,
    /// Names under which the server is reached.
    pub(crate) hosts: Vec<String>,
    /// The proxies that are believed.
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// The path below which everything is.
    pub(crate) base_path: String,
}

/// Returns the routes of the adapter's sources, which pages import from `/_dotwit/index.js`: to be nested at `/_dotwit`, beside those of
/// [`Circuits`](super::Circuits).
pub fn adapter() -> Router {
    adapter::routes()
}

/// Serves the files below `root`, a canonical path, and the adapter.
pub(crate) fn router(root: PathBuf, headers: PageHeaders, place: Place) -> Router {
    // Pages, modules and guests change while they are developed: browsers may cache them, but must revalidate.
    let revalidate =
        SetResponseHeaderLayer::if_not_present(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Router::new()
        .nest("/_dotwit", adapter())
        .fallback_service(files::service(root))
        .layer(revalidate)
        .layer(middleware::from_fn_with_state(Arc::new(headers), headers::set))
        .layer(middleware::from_fn_with_state(Arc::new(place), in_place))
}

/// Refuses requests for another host than those that the server knows with 421 Misdirected Request (RFC 9110, section 15.5.20), and
/// puts redirections below the path that the client sees.
async fn in_place(State(place): State<Arc<Place>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    // Without a peer's address, no proxy can be trusted.
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    let source = peer.map(|peer| Source::of(&parts, peer, false, &place.trusted_proxies));
    let host = source.as_ref().map_or_else(|| host(&parts), |source| source.host.clone());
    if place.at_loopback
        && Host::of(&host) != Host::Loopback
        && !is_listed(&host, place.hosts.iter().map(String::as_str))
    {
        let what = format!(
            "This server answers at a loopback address, to requests for 'localhost' or that address, and not for '{host}'. To be \
             reached by other names, it must listen at another address, or be told of them with `--host`.\n"
        );
        return (StatusCode::MISDIRECTED_REQUEST, what).into_response();
    }
    let mut response = next.run(Request::from_parts(parts, body)).await;
    let prefix = source.map_or_else(String::new, |source| source.prefix);
    if let Some(to) = response.headers().get(header::LOCATION).and_then(|to| to.to_str().ok()) {
        // Two slashes would begin the name of another server.
        let to = format!("{prefix}{}/{}", place.base_path, to.trim_start_matches('/'));
        if let Ok(to) = HeaderValue::try_from(to) {
            response.headers_mut().insert(header::LOCATION, to);
        }
    }
    response
}
