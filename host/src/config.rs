//! The limits of guests.

use std::time::Duration;

use dotwit_wire::limits;

use crate::error::{Error, ErrorKind};

/// The most sessions and circuits of one runtime: each takes more than 4 GiB of address space, and there are 128 TiB.
const MAX_GUESTS: u32 = 20_000;

/// The memory maps that a session takes of those of the process on Linux, as counted in `/proc/self/maps`: the accessible and the
/// reserved part of its memory and of its tables.
const MAPS_PER_SESSION: u64 = 4;

/// The memory maps that a circuit takes: those of a session, and the accessible and the reserved part of its stack.
const MAPS_PER_CIRCUIT: u64 = 6;

/// The memory maps that the engine takes for itself: 2 001 were counted, most of them for the pool's heaps of garbage-collected
/// objects.
const MAPS_OF_ENGINE: u64 = 2_100;

/// The precision of the time limit of sessions. Each tick wakes a thread: 100 in a second are 0.3 % of a core.
const TICK: Duration = Duration::from_millis(10);

/// The same where there are circuits, which share their threads: a guest that does not return is noticed with its second tick. It is 1 %
/// of a core.
const CIRCUIT_TICK: Duration = Duration::from_millis(1);

/// The most memory that a 32-bit guest can have, in bytes.
const MAX_MEMORY: usize = 4 << 30;

/// The deepest JSON that is read: a little less than `serde_json`, which recurses, lets through.
const MAX_DEPTH: usize = 100;

/// The limits of a [`Runtime`](crate::Runtime) and of each guest in it.
///
/// ```
/// use std::time::Duration;
///
/// let config = dotwit_host::Config::new().max_memory(16 << 20).cpu_limit(Duration::from_secs(1));
/// # let _ = config;
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) max_memory: usize,
    pub(crate) cpu_limit: Duration,
    pub(crate) max_sessions: u32,
    /// 0 where nothing makes circuits.
    pub(crate) max_circuits: u32,
    /// None for what depends on the machine.
    pub(crate) max_total_memory: Option<usize>,
    pub(crate) max_pending_calls: usize,
    pub(crate) max_references: usize,
    pub(crate) max_streams: usize,
    pub(crate) max_arguments: usize,
    pub(crate) max_depth: usize,
}

impl Config {
    /// Returns the limits that each method names as its default.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how much linear memory a session's guest may have, in bytes. The default is 256 MiB, and the most is 4 GiB, which is
    /// all that a 32-bit memory can have. A guest that needs more is trapped. It is also the limit of what a guest sends at once.
    #[must_use]
    pub fn max_memory(mut self, bytes: usize) -> Self {
        self.max_memory = bytes;
        self
    }

    /// Sets how long a guest may run, or wait in the system, without returning. The default is 5 s. A guest that takes longer is
    /// trapped within a hundredth of a second or so. The time that functions of the page take, when the guest calls them
    /// synchronously, is theirs and does not count. It must be more than zero; [`Duration::MAX`] means no limit.
    #[must_use]
    pub fn cpu_limit(mut self, limit: Duration) -> Self {
        self.cpu_limit = limit;
        self
    }

    /// Sets how many sessions there may be at once, from 1 to 20 000. The default is 1 000. Each reserves 4 GiB of address space,
    /// none of it memory before the guest uses it. On Linux, each takes four of the process's memory maps (`vm.max_map_count`), which
    /// several runtimes share.
    #[must_use]
    pub fn max_sessions(mut self, count: u32) -> Self {
        self.max_sessions = count;
        self
    }

    /// Sets how many circuits there may be at once, which are the guests that a server runs for its pages. The default is 0, and with the
    /// sessions there may be 20 000. On Linux, each takes six of the process's memory maps (`vm.max_map_count`).
    ///
    /// Where there are circuits, a thread wakes up once in a millisecond to see whether a guest delays others.
    #[cfg(feature = "server")]
    #[must_use]
    pub fn max_circuits(mut self, count: u32) -> Self {
        self.max_circuits = count;
        self
    }

    /// Sets how much linear memory all guests may have together, in bytes. By default it is not limited where there are no circuits, and
    /// else it is three quarters of what the process may use: of its control group's limit, or of the machine's memory. A
    /// guest that asks for more is trapped, and one more does not start.
    #[must_use]
    pub fn max_total_memory(mut self, bytes: usize) -> Self {
        self.max_total_memory = Some(bytes);
        self
    }

    /// Sets how many asynchronous calls may be under way at once between a session's page and its guest, in each direction. The
    /// default is 10 000. One more fails. A guest that begins twice as many without returning is trapped.
    #[must_use]
    pub fn max_pending_calls(mut self, count: usize) -> Self {
        self.max_pending_calls = count;
        self
    }

    /// Sets how many objects of the page a guest may hold references to at once. The default is 100 000. To hand out one more
    /// fails. The objects that a guest hands out lie in its own memory.
    #[must_use]
    pub fn max_references(mut self, count: usize) -> Self {
        self.max_references = count;
        self
    }

    /// Sets how many streams may be open at once, in each direction. The default is 1 000. To hand out or to open one more fails.
    #[must_use]
    pub fn max_streams(mut self, count: usize) -> Self {
        self.max_streams = count;
        self
    }

    /// Sets how many arguments a call may have, in either direction. The default is 64, which is the limit of guests that are
    /// built with the `dotwit` crate, too.
    #[must_use]
    pub fn max_arguments(mut self, count: usize) -> Self {
        self.max_arguments = count;
        self
    }

    /// Sets how deep the JSON of a message may nest, the array of the arguments included. The default is 32, which is the limit
    /// of guests that are built with the `dotwit` crate, too, and the most is 100.
    #[must_use]
    pub fn max_depth(mut self, depth: usize) -> Self {
        self.max_depth = depth;
        self
    }

    /// Refuses limits that no guest could run under, or that the machine cannot keep.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let refused = |what: String| Err(Error::new(ErrorKind::Unsupported, format!("The configuration's {what}.")));
        if !(1..=MAX_MEMORY).contains(&self.max_memory) {
            return refused(format!("max_memory is {} bytes, and must be from 1 to {MAX_MEMORY}", self.max_memory));
        }
        if self.max_sessions == 0 || self.max_sessions > MAX_GUESTS {
            return refused(format!("max_sessions is {}, and must be from 1 to {MAX_GUESTS}", self.max_sessions));
        }
        if self.max_circuits > MAX_GUESTS - self.max_sessions {
            let (sessions, circuits) = (self.max_sessions, self.max_circuits);
            return refused(format!(
                "max_circuits is {circuits} beside {sessions} sessions, and {MAX_GUESTS} is the limit of both together"
            ));
        }
        if self.max_total_memory == Some(0) {
            return refused("max_total_memory is 0 bytes, and must be more".to_owned());
        }
        if self.cpu_limit.is_zero() {
            return refused("cpu_limit is zero, and must be longer".to_owned());
        }
        if !(1..=MAX_DEPTH).contains(&self.max_depth) {
            return refused(format!("max_depth is {}, and must be from 1 to {MAX_DEPTH}", self.max_depth));
        }
        self.check_maps()
    }

    /// Returns how often guests are looked at.
    pub(crate) fn tick(&self) -> Duration {
        if self.max_circuits == 0 { TICK } else { CIRCUIT_TICK }
    }

    /// Refuses more guests than Linux has memory maps for: an allocation beyond them aborts the process.
    fn check_maps(&self) -> Result<(), Error> {
        // Other systems have no such limit.
        let Ok(limit) = std::fs::read_to_string("/proc/sys/vm/max_map_count") else { return Ok(()) };
        let Ok(limit) = limit.trim().parse::<u64>() else { return Ok(()) };
        let maps = std::fs::read("/proc/self/maps").unwrap_or_default();
        let used = maps.split(|byte| *byte == b'\n').count() as u64 + MAPS_OF_ENGINE;
        let for_sessions = u64::from(self.max_sessions) * MAPS_PER_SESSION;
        let for_circuits = u64::from(self.max_circuits) * MAPS_PER_CIRCUIT;
        let needed = used + for_sessions + for_circuits;
        if needed <= limit {
            return Ok(());
        }
        let left = limit.saturating_sub(used);
        let fewer = if self.max_circuits == 0 {
            format!("lower it to {}", left / MAPS_PER_SESSION)
        } else if for_sessions <= left {
            format!("lower max_circuits to {}", (left - for_sessions) / MAPS_PER_CIRCUIT)
        } else {
            "lower both".to_owned()
        };
        let guests = match (self.max_sessions, self.max_circuits) {
            (sessions, 0) => format!("max_sessions is {sessions}, which takes up to {for_sessions} memory maps"),
            (sessions, circuits) => format!(
                "max_sessions is {sessions} and its max_circuits {circuits}, which take up to {for_sessions} and {for_circuits} \
                 memory maps"
            ),
        };
        let what = format!(
            "The configuration's {guests}, and of the {limit} that this machine allows a process {used} are needed for other \
             things: {fewer}, or allow more with `sysctl -w vm.max_map_count={needed}`."
        );
        Err(Error::new(ErrorKind::Unsupported, what))
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_memory: 256 << 20,
            cpu_limit: Duration::from_secs(5),
            max_sessions: 1_000,
            max_circuits: 0,
            max_total_memory: None,
            max_pending_calls: limits::MAX_PENDING_CALLS,
            max_references: limits::MAX_LIVE_REFERENCES,
            max_streams: limits::MAX_OPEN_STREAMS,
            max_arguments: limits::MAX_ARGUMENTS,
            max_depth: limits::MAX_DEPTH,
        }
    }
}

#[cfg(all(test, feature = "server"))]
mod tests {
    use super::*;

    #[test]
    fn circuits_beside_sessions_have_one_limit() {
        assert!(Config::new().max_circuits(1_000).check().is_ok());
        let refused = Config::new().max_circuits(MAX_GUESTS - 1_000 + 1).check().unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unsupported);
        assert!(refused.message().contains("max_circuits is 19001 beside 1000 sessions"), "{refused}");
        assert!(Config::new().max_total_memory(0).check().is_err());
    }

    #[test]
    fn more_circuits_than_memory_maps_are_refused_with_both_numbers() {
        let Ok(limit) = std::fs::read_to_string("/proc/sys/vm/max_map_count") else { return };
        let limit: u32 = limit.trim().parse().unwrap();
        let circuits = limit / 6;
        // A machine that allows more maps than all guests take refuses none.
        if circuits > MAX_GUESTS - 1 {
            return;
        }
        let refused = Config::new().max_sessions(1).max_circuits(circuits).check().unwrap_err();
        let expected = [
            format!("max_circuits {circuits}, which take up to 4 and {} memory maps", circuits * 6),
            format!("of the {limit} that this machine allows"),
            "lower max_circuits to ".to_owned(),
            "sysctl -w vm.max_map_count=".to_owned(),
        ];
        assert!(expected.iter().all(|part| refused.message().contains(part)), "{refused}");
    }
}
