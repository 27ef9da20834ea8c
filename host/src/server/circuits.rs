//! `Circuits`: the guests that a server runs for its pages, as an embedding program mounts them.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;

use super::circuit::executor::Executor;
use super::circuit::handle::{Command, Ending};
use super::circuit::state::End;
use super::handshake;
use super::metrics::{Metrics, Readings};
use super::options::CircuitOptions;
use super::registry::Registry;
use super::shared::{Current, Shared};
use super::upgrade::Gate;
use crate::error::{Error, ErrorKind};
use crate::guest::Guest;

/// As good as any longer time to drain, and one that can be added to the clock.
const LONGEST_DRAIN: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The largest body of a request that ends a circuit, in bytes: an id and a secret.
const MAX_END: usize = 1 << 10;

/// How long circuits have to say goodbye at the end of a drain.
const GOODBYES: Duration = Duration::from_secs(1);

/// How often a server that drains looks whether it is done.
const LOOK: Duration = Duration::from_millis(50);

/// The circuits of a server: for each page that connects, a guest of its own. Clones are the same circuits.
///
/// ```no_run
/// # async fn example() -> Result<(), dotwit_host::Error> {
/// use dotwit_host::server::{CircuitOptions, Circuits};
/// use dotwit_host::{Config, Runtime};
///
/// let runtime = Runtime::new(Config::new().max_circuits(1_000))?;
/// let circuits = Circuits::new(&runtime.load("hello.wasm")?, CircuitOptions::new())?;
/// // For pages that call `start({ circuit: '/_dotwit/circuit' })`.
/// let app = axum::Router::new().nest("/_dotwit", circuits.router());
/// # let _ = app;
/// # Ok(())
/// # }
/// ```
///
/// The router must be served with `into_make_service_with_connect_info::<SocketAddr>()`, since limits go by addresses.
#[derive(Clone)]
pub struct Circuits {
    pub(crate) shared: Arc<Shared>,
}

/// What a page sends when it goes away and cannot say so on its socket.
#[derive(Deserialize)]
struct EndRequest {
    circuit: String,
    secret: String,
}

impl Circuits {
    /// Returns the circuits of a guest.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`], where the options contradict each other, the guest's [`Config`](crate::Config) has no room for circuits,
    /// the guest imports interfaces of its own, or the machine has no threads left.
    pub fn new(guest: &Guest, options: CircuitOptions) -> Result<Self, Error> {
        options.check()?;
        if guest.config().max_circuits == 0 {
            let what = "The runtime has no room for circuits: Config::max_circuits sets how many there may be.";
            return Err(Error::new(ErrorKind::Unsupported, what));
        }
        let options = Arc::new(options);
        let metrics = Arc::new(Metrics::new());
        let shared = Arc::new(Shared {
            guest: ArcSwap::from_pointee(Current::new(guest)?),
            executor: Executor::new()?,
            registry: Arc::new(Registry::new(&options)),
            gate: Gate::new(Arc::clone(&options), Arc::clone(&metrics)),
            metrics: Arc::clone(&metrics),
            options,
        });
        let read = Arc::downgrade(&shared);
        metrics.read_from(Box::new(move || read.upgrade().map_or_else(Readings::default, |shared| shared.readings())));
        Ok(Self { shared })
    }

    /// Returns the routes of circuits, to be nested where pages look for them: `dotwit serve` has them below `/_dotwit`.
    ///
    /// - `GET /circuit` opens a WebSocket for a new circuit, or to resume one.
    /// - `GET /circuit/{node}` resumes one. A load balancer sends it to the node whose name it has.
    /// - `POST /end` ends a circuit whose page goes away.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/circuit", get(open))
            .route("/circuit/{node}", get(open))
            .route("/end", post(end).layer(DefaultBodyLimit::max(MAX_END)))
            .with_state(Arc::clone(&self.shared))
    }

    /// Has new circuits get another guest. Those that there are keep theirs, and their pages are told.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`], where circuits cannot run the guest. Nothing changes then.
    pub fn swap(&self, guest: &Guest) -> Result<(), Error> {
        self.shared.guest.store(Arc::new(Current::new(guest)?));
        for circuit in self.shared.registry.all() {
            // One that does not take it is ending.
            let _ = circuit.send(Command::Stale);
        }
        Ok(())
    }

    /// Returns how many circuits there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shared.registry.len()
    }

    /// Stops: takes no more circuits, and ends those that there are. A quiet one ends within the first half of
    /// [`CircuitOptions::drain_time`], one that is busy when it is done, and the rest at the end of that time. Pages are asked to come back at
    /// different moments.
    pub async fn drain(&self) {
        let Shared { gate, registry, options, .. } = &*self.shared;
        gate.close();
        registry.begin_draining();
        let now = Instant::now();
        let time = options.drain_time.min(LONGEST_DRAIN);
        let by = now + time;
        let circuits = registry.all();
        let half = time / 2;
        let count = u32::try_from(circuits.len()).unwrap_or(u32::MAX);
        for (index, circuit) in circuits.into_iter().enumerate() {
            let share = half / count.max(1) * u32::try_from(index).unwrap_or(0);
            let _ = circuit.send(Command::Drain { from: now + share, by });
        }
        while registry.len() > 0 && Instant::now() < by {
            tokio::time::sleep(LOOK).await;
        }
        for circuit in registry.all() {
            let _ = circuit.send(Command::End(Ending::new(End::Stopped, "The server has stopped.")));
        }
        let gone = async {
            while registry.len() > 0 {
                tokio::time::sleep(LOOK).await;
            }
        };
        // What does not end by itself ends with the program.
        let _ = tokio::time::timeout(GOODBYES, gone).await;
    }

    /// Returns the counters of the server, in the text format of OpenMetrics.
    #[must_use]
    pub fn metrics(&self) -> String {
        self.shared.metrics.encode()
    }
}

async fn open(State(shared): State<Arc<Shared>>, request: Request) -> axum::response::Response {
    let serving = Arc::clone(&shared);
    shared.gate.open(request, move |socket, client| handshake::serve(serving, socket, client)).await
}

/// Ends a circuit. The answer says nothing about whether there was one.
async fn end(State(shared): State<Arc<Shared>>, body: Bytes) -> StatusCode {
    // A beacon of a browser has the type of plain text, so that no question goes before it.
    let Ok(Json(EndRequest { circuit, secret })) = Json::<EndRequest>::from_bytes(&body) else {
        return StatusCode::BAD_REQUEST;
    };
    if let Some(handle) = shared.registry.get(&circuit)
        && handle.keys.lock().fits(&secret)
    {
        let _ = handle.send(Command::End(Ending::new(End::Goodbye, "The page has ended the circuit.")));
    }
    StatusCode::NO_CONTENT
}

impl fmt::Debug for Circuits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Circuits").field("count", &self.count()).finish_non_exhaustive()
    }
}
