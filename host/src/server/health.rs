//! What those who run the server ask it: its metrics, whether it lives, and whether it is ready for more pages.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::circuits::Circuits;
use super::hosts::Host;
use super::metrics::{CONTENT_TYPE, maps_used};
use super::proxy::{host, is_forwarded};
use super::shared::Shared;

/// Within which time a task must get its turn in a server that lives.
const TURN: Duration = Duration::from_secs(1);

/// The share of its circuits beyond which a server takes no more pages: those that come back need room.
const FULL: f64 = 0.95;

/// The share of its memory maps beyond which a server takes no more pages: an allocation beyond all of them aborts the process.
const FULL_MAPS: f64 = 0.9;

/// Returns the routes. With `public`, `/metrics` is for everybody who reaches them, and else for clients on this machine alone.
pub(crate) fn router(circuits: &Circuits, public: bool) -> Router {
    let metrics = get(metrics);
    let metrics = if public { metrics } else { metrics.layer(middleware::from_fn(only_this_machine)) };
    Router::new()
        .route("/metrics", metrics)
        .route("/healthz", get(live))
        .route("/readyz", get(ready))
        .with_state(Arc::clone(&circuits.shared))
}

/// Refuses clients that are not on this machine: those whose address is another, and those that come through a proxy on it.
async fn only_this_machine(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let is_local = peer.is_some_and(|ConnectInfo(peer)| peer.ip().to_canonical().is_loopback());
    if is_local && !is_forwarded(&parts.headers) && Host::of(&host(&parts)) == Host::Loopback {
        return next.run(Request::from_parts(parts, body)).await;
    }
    let what = "Metrics are for clients on this machine, and at the address of `--admin-listen` for others.\n";
    (StatusCode::FORBIDDEN, what).into_response()
}

async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    // The system's part is read from files.
    let text = tokio::task::spawn_blocking(move || shared.metrics.encode()).await;
    text.map_or_else(
        |error| (StatusCode::INTERNAL_SERVER_ERROR, format!("The metrics cannot be read: {error}.\n")).into_response(),
        |text| ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
    )
}

/// Answers whether the server lives: its threads take up tasks, and guests are interrupted.
async fn live(State(shared): State<Arc<Shared>>) -> (StatusCode, &'static str) {
    let turn = tokio::time::timeout(TURN, tokio::spawn(async {})).await;
    if turn.is_err() {
        return (StatusCode::SERVICE_UNAVAILABLE, "No task has had its turn within a second.\n");
    }
    if !shared.clock_runs(TURN).await {
        return (StatusCode::SERVICE_UNAVAILABLE, "The clock that interrupts guests stands still.\n");
    }
    (StatusCode::OK, "The server lives.\n")
}

/// Answers whether the server takes more pages.
async fn ready(State(shared): State<Arc<Shared>>) -> (StatusCode, String) {
    let readings = shared.metrics.readings().unwrap_or_default();
    // Takes milliseconds where there are thousands of guests.
    let maps = tokio::task::spawn_blocking(maps_used).await.ok().flatten();
    let (circuits, max) = (readings.circuits(), readings.max_circuits);
    let problem = if readings.is_draining {
        Some("The server is stopping.".to_owned())
    } else if circuits as f64 >= max as f64 * FULL {
        Some(format!("There are {circuits} circuits, and {max} is the limit."))
    } else {
        maps.filter(|maps| *maps >= FULL_MAPS)
            .map(|maps| format!("{:.0} % of the memory maps of a process are used.", maps * 100.0))
    };
    match problem {
        Some(problem) => (StatusCode::SERVICE_UNAVAILABLE, format!("{problem}\n")),
        None => (StatusCode::OK, "The server is ready.\n".to_owned()),
    }
}
