//! The gauges: what a server has at the moment when it is asked.

use std::fmt;
use std::sync::{Arc, OnceLock};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::gauge::ConstGauge;

use super::{ReadFn, process};

/// The state of a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Readings {
    /// Sockets that have not said hello.
    pub(crate) connecting: usize,
    /// Circuits with a page.
    pub(crate) live: usize,
    /// Circuits that wait for theirs.
    pub(crate) waiting: usize,
    /// Circuits with a page that are to end because the server stops.
    pub(crate) draining: usize,
    /// How many circuits there may be.
    pub(crate) max_circuits: usize,
    /// Whether the server stops.
    pub(crate) is_draining: bool,
    /// Open sockets.
    pub(crate) sockets: usize,
    /// Guests that run at this moment after having been set aside.
    pub(crate) slow_visits: usize,
    /// What waits to be sent or acknowledged, in bytes.
    pub(crate) outbox_bytes: usize,
    /// What the server holds for circuits outside of their guests, in bytes.
    pub(crate) circuit_bytes: usize,
    /// The memory of all guests, in bytes.
    pub(crate) guest_bytes: usize,
}

impl Readings {
    /// Returns how many circuits there are.
    pub(crate) fn circuits(&self) -> usize {
        self.live + self.waiting + self.draining
    }
}

/// Reads the gauges of the server and of its process.
pub(super) struct Gauges {
    pub(super) read: Arc<OnceLock<ReadFn>>,
}

impl fmt::Debug for Gauges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gauges")
    }
}

impl Collector for Gauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        if let Some(read) = self.read.get() {
            let readings = (read.0)();
            let states = [
                ("connecting", readings.connecting),
                ("live", readings.live),
                ("waiting", readings.waiting),
                ("draining", readings.draining),
            ];
            let gauge = ConstGauge::new(0_i64);
            let mut family = encoder.encode_descriptor("dotwit_circuits", "Circuits", None, gauge.metric_type())?;
            for (state, count) in states {
                gauge_of(count).encode(family.encode_family(&[("state", state)])?)?;
            }
            for (name, help, value) in [
                ("dotwit_sockets", "Open sockets", readings.sockets),
                ("dotwit_slow_visits", "Guests that run after having been set aside", readings.slow_visits),
                ("dotwit_outbox_bytes", "What waits to be sent or acknowledged", readings.outbox_bytes),
                ("dotwit_circuit_memory_bytes", "What is held for circuits outside of guests", readings.circuit_bytes),
                ("dotwit_guest_memory_bytes", "The memory of all guests", readings.guest_bytes),
            ] {
                let gauge = gauge_of(value);
                gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
            }
        }
        process::encode(encoder)
    }
}

fn gauge_of(value: usize) -> ConstGauge<i64> {
    ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX))
}
