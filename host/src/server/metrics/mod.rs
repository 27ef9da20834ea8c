//! What can be measured of a server: counters that circuits count up, and gauges that are read when somebody asks.
//!
//! Nothing is counted up and down: a count that misses one end would be wrong from then on. Every label has a fixed set of values,
//! so no client can make the server keep more.

mod labels;
mod process;
mod readings;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use self::labels::{Counters, Frames, Outcomes};
pub(crate) use self::labels::{Direction, Ended, Limit, Refused, Resume, Trap};
pub(crate) use self::process::maps_used;
use self::readings::Gauges;
pub(crate) use self::readings::Readings;
use crate::error::ErrorKind;

/// The text format in which [`Metrics::encode`] writes.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// From half a millisecond, which is a quick call over a local network, to the minute after which calls of the page end.
const CALL_BUCKETS: [f64; 11] = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0, 15.0, 60.0];

/// From ten microseconds, which is a quick method, to the time after which a guest is trapped.
const VISIT_BUCKETS: [f64; 10] = [0.000_01, 0.000_05, 0.000_1, 0.000_5, 0.001, 0.002, 0.01, 0.1, 1.0, 5.0];

/// From a reload to a working day.
const CIRCUIT_BUCKETS: [f64; 8] = [1.0, 10.0, 60.0, 300.0, 1_800.0, 3_600.0, 14_400.0, 28_800.0];

/// Reads the state of a server.
pub(crate) type Read = Box<dyn Fn() -> Readings + Send + Sync>;

/// The counters of a server. Each method counts one event; all are atomics but the durations, which have a short lock each.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    read: Arc<OnceLock<ReadFn>>,
    started: Counter,
    ended: Counters<Ended>,
    lifetime: Histogram,
    refused: Counters<Refused>,
    resumes: Counters<Resume>,
    calls: Outcomes,
    call_time: [Histogram; 2],
    visit_time: Histogram,
    moved: Counter,
    traps: Counters<Trap>,
    frames: Frames,
    bytes: Counters<Direction>,
    replayed: Counter,
    limits: Counters<Limit>,
}

/// A function whose type does not matter.
struct ReadFn(Read);

impl std::fmt::Debug for ReadFn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReadFn")
    }
}

impl Metrics {
    /// Returns counters that are all zero, in a registry of their own.
    pub(crate) fn new() -> Self {
        let mut all = Registry::default();
        let registry = all.sub_registry_with_prefix("dotwit");
        let read: Arc<OnceLock<ReadFn>> = Arc::default();
        let counter = |registry: &mut Registry, name: &str, help: &str| {
            let counter = Counter::default();
            registry.register(name, help, counter.clone());
            counter
        };
        let seconds = |registry: &mut Registry, name: &str, help: &str, buckets: &[f64]| {
            let histogram = Histogram::new(buckets.iter().copied());
            registry.register_with_unit(name, help, Unit::Seconds, histogram.clone());
            histogram
        };
        let metrics = Self {
            started: counter(registry, "circuits_started", "Circuits that have been started"),
            ended: Counters::register(registry, "circuits_ended", "Circuits that have ended"),
            lifetime: seconds(registry, "circuit_duration", "How long circuits have lived", &CIRCUIT_BUCKETS),
            refused: Counters::register(registry, "refused", "Clients that have been refused"),
            resumes: Counters::register(registry, "resumes", "Pages that have come back to their circuits"),
            calls: Outcomes::register(registry, "calls", "Calls that have ended"),
            call_time: labels::by_direction(registry, "call_duration", "How long calls have taken", &CALL_BUCKETS),
            visit_time: seconds(registry, "visit_duration", "How long guests have run at a time", &VISIT_BUCKETS),
            moved: counter(registry, "visits_moved", "Guests that have run so long that they were set aside"),
            traps: Counters::register(registry, "traps", "Guests that have been trapped"),
            frames: Frames::register(registry, "frames", "Frames of the wire"),
            bytes: Counters::register(registry, "bytes", "Bytes of messages of the wire"),
            replayed: counter(registry, "replayed_frames", "Frames that were sent once more after a resume"),
            limits: Counters::register(registry, "limit_hits", "Limits that have been reached"),
            read: Arc::clone(&read),
            registry: Registry::default(),
        };
        all.register_collector(Box::new(Gauges { read }));
        Self { registry: all, ..metrics }
    }

    /// Sets from where the gauges are read whenever somebody asks for them. Only the first call counts.
    pub(crate) fn read_from(&self, read: Read) {
        let _ = self.read.set(ReadFn(read));
    }

    /// Returns the state of the server, or none before it has one.
    pub(crate) fn readings(&self) -> Option<Readings> {
        self.read.get().map(|read| read.0())
    }

    /// Returns all of them in the text format of OpenMetrics. Reads files of the system: for a thread that may wait.
    pub(crate) fn encode(&self) -> String {
        let mut out = String::new();
        // Writing into a string does not fail.
        let _ = text::encode(&mut out, &self.registry);
        out
    }

    /// Counts a circuit that begins.
    pub(crate) fn started(&self) {
        self.started.inc();
    }

    /// Counts a circuit that has ended after `lifetime`.
    pub(crate) fn ended(&self, reason: Ended, lifetime: Duration) {
        self.ended.inc(reason);
        self.lifetime.observe(lifetime.as_secs_f64());
    }

    /// Counts a client that is refused.
    pub(crate) fn refused(&self, reason: Refused) {
        self.refused.inc(reason);
    }

    /// Counts a page that wants its circuit back.
    pub(crate) fn resumed(&self, result: Resume) {
        self.resumes.inc(result);
    }

    /// Counts a call that has ended after `time`: well, or with an error of a kind.
    pub(crate) fn call(&self, direction: Direction, outcome: Option<ErrorKind>, time: Duration) {
        self.calls.inc(direction, outcome);
        self.call_time[direction as usize].observe(time.as_secs_f64());
    }

    /// Counts a visit, in which a guest has run for `time`. `moved` says whether it was set aside.
    pub(crate) fn visited(&self, time: Duration, moved: bool) {
        self.visit_time.observe(time.as_secs_f64());
        if moved {
            self.moved.inc();
        }
    }

    /// Counts a guest that is gone.
    pub(crate) fn trapped(&self, cause: Trap) {
        self.traps.inc(cause);
    }

    /// Counts a frame by its number on the wire.
    pub(crate) fn frame(&self, direction: Direction, kind: u8) {
        self.frames.inc(direction, kind);
    }

    /// Counts the bytes of a message.
    pub(crate) fn bytes(&self, direction: Direction, bytes: usize) {
        self.bytes.add(direction, bytes as u64);
    }

    /// Counts frames that are sent once more.
    pub(crate) fn replayed(&self, frames: u64) {
        self.replayed.inc_by(frames);
    }

    /// Counts a limit that has been reached.
    pub(crate) fn limit_hit(&self, limit: Limit) {
        self.limits.inc(limit);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Direction, Ended, Limit, Metrics, Readings, Refused, Resume, Trap};
    use crate::error::ErrorKind;

    #[test]
    fn what_was_counted_is_in_the_text() {
        let metrics = Metrics::new();
        metrics.started();
        metrics.ended(Ended::Page, Duration::from_secs(2));
        metrics.refused(Refused::Origin);
        metrics.resumed(Resume::Resumed);
        metrics.call(Direction::In, None, Duration::from_millis(1));
        metrics.call(Direction::Out, Some(ErrorKind::TimedOut), Duration::from_secs(60));
        metrics.visited(Duration::from_millis(3), true);
        metrics.trapped(Trap::Time);
        metrics.frame(Direction::In, 1);
        metrics.frame(Direction::Out, 200);
        metrics.bytes(Direction::In, 17);
        metrics.replayed(4);
        metrics.limit_hit(Limit::Message);
        let text = metrics.encode();
        for line in [
            "dotwit_circuits_started_total 1",
            "dotwit_circuits_ended_total{reason=\"page\"} 1",
            "dotwit_circuits_ended_total{reason=\"expired\"} 0",
            "dotwit_circuit_duration_seconds_count 1",
            "dotwit_refused_total{reason=\"origin\"} 1",
            "dotwit_resumes_total{result=\"resumed\"} 1",
            "dotwit_calls_total{direction=\"in\",outcome=\"ok\"} 1",
            "dotwit_calls_total{direction=\"out\",outcome=\"timed-out\"} 1",
            "dotwit_call_duration_seconds_bucket{le=\"60.0\",direction=\"out\"} 1",
            "dotwit_visit_duration_seconds_bucket{le=\"0.01\"} 1",
            "dotwit_visits_moved_total 1",
            "dotwit_traps_total{cause=\"time\"} 1",
            "dotwit_frames_total{direction=\"in\",kind=\"call\"} 1",
            "dotwit_frames_total{direction=\"out\",kind=\"other\"} 1",
            "dotwit_bytes_total{direction=\"in\"} 17",
            "dotwit_replayed_frames_total 4",
            "dotwit_limit_hits_total{limit=\"message\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
        }
        assert!(text.ends_with("# EOF\n"), "{text}");
    }

    #[test]
    fn gauges_are_read_when_they_are_asked_for() {
        let metrics = Metrics::new();
        assert!(!metrics.encode().contains("dotwit_circuits{"));
        metrics.read_from(Box::new(|| Readings { live: 7, waiting: 3, outbox_bytes: 90, ..Readings::default() }));
        let text = metrics.encode();
        for line in
            ["dotwit_circuits{state=\"live\"} 7", "dotwit_circuits{state=\"waiting\"} 3", "dotwit_outbox_bytes 90"]
        {
            assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
        }
        assert_eq!(metrics.readings().map(|readings| readings.live), Some(7));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_process_is_measured() {
        let text = Metrics::new().encode();
        for name in [
            "process_resident_memory_bytes ",
            "process_cpu_seconds_total ",
            "process_open_fds ",
            "process_max_fds ",
            "process_start_time_seconds ",
            "dotwit_maps_used_ratio ",
        ] {
            assert!(text.lines().any(|line| line.starts_with(name)), "{name} is missing in\n{text}");
        }
    }
}
