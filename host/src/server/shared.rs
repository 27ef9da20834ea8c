//! What all circuits of a server share.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;

use super::circuit::executor::Executor;
use super::metrics::{Metrics, Readings};
use super::options::CircuitOptions;
use super::registry::Registry;
use super::upgrade::Gate;
use crate::engine::fiber::FiberGuest;
use crate::error::Error;
use crate::guest::Guest;

/// What all circuits of a server share.
pub(crate) struct Shared {
    pub(crate) options: Arc<CircuitOptions>,
    pub(crate) guest: ArcSwap<Current>,
    pub(crate) executor: Arc<Executor>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) gate: Gate,
}

/// The guest that new circuits get.
pub(crate) struct Current {
    pub(crate) guest: Guest,
    pub(crate) fiber: FiberGuest,
}

impl Current {
    pub(crate) fn new(guest: &Guest) -> Result<Self, Error> {
        Ok(Self { guest: guest.clone(), fiber: guest.for_circuits()? })
    }
}

impl Shared {
    /// Reads the state of all circuits.
    pub(crate) fn readings(&self) -> Readings {
        use std::sync::atomic::Ordering::Relaxed;
        let config = self.guest.load().guest.config();
        let mut readings = Readings {
            connecting: self.gate.handshakes(),
            max_circuits: config.max_circuits as usize,
            is_draining: self.registry.is_draining(),
            slow_visits: self.executor.slow_visits(),
            guest_bytes: self.guest.load().fiber.runtime().memory.used(),
            ..Readings::default()
        };
        for circuit in self.registry.all() {
            match circuit.status.state() {
                "waiting" => readings.waiting += 1,
                "draining" => readings.draining += 1,
                _ => readings.live += 1,
            }
            readings.outbox_bytes += circuit.status.outbox.load(Relaxed);
            readings.circuit_bytes += circuit.status.bytes.load(Relaxed);
        }
        readings.sockets = readings.connecting + readings.live + readings.draining;
        readings
    }
}

impl Shared {
    /// Returns whether the clock that interrupts guests goes on within a time.
    pub(crate) async fn clock_runs(&self, within: Duration) -> bool {
        let clock = self.guest.load().fiber.runtime().clock.clone();
        let before = clock.now();
        // It goes on with the next tick, and a machine that is busy takes its time.
        let until = Instant::now() + within;
        while clock.now() == before {
            if Instant::now() >= until {
                return false;
            }
            tokio::time::sleep(clock.tick).await;
        }
        true
    }
}
