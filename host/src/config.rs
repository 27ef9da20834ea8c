//! What a guest may use.

use std::time::Duration;

/// What each guest of a [`Runtime`](crate::Runtime) may use.
///
/// ```
/// use std::time::Duration;
///
/// let config = dotwit_host::Config { max_memory: 16 << 20, cpu_limit: Duration::from_secs(1), ..Default::default() };
/// # let _ = config;
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    /// How much linear memory a session's guest may have, in bytes; 256 MiB unless set. A guest that needs more is
    /// trapped. At most 4 GiB, which is all that a 32-bit memory can have. What the guest sends at once can be no larger.
    pub max_memory: usize,
    /// How long a guest may run, or wait in the system, without returning; 5 s unless set. A guest that takes longer is
    /// trapped within a hundredth of a second or so. The time that functions of the page take, when the guest calls them
    /// synchronously, is theirs and does not count. More than zero; [`Duration::MAX`] is no limit.
    pub cpu_limit: Duration,
    /// How many sessions there may be at once; 1 000 unless set, and from 1 to 20 000. Each reserves 4 GiB of address space,
    /// none of it memory before the guest uses it. On Linux, each takes four of the process's memory maps (`vm.max_map_count`), which
    /// several runtimes share.
    pub max_sessions: u32,
    /// How many asynchronous calls may be under way at once between a session's page and its guest, in each direction; 10 000
    /// unless set. One more fails. A guest that begins twice as many without returning is trapped.
    pub max_pending_calls: usize,
    /// How many objects of the page a guest may hold references to at once; 100 000 unless set. To hand out one more fails.
    /// The objects that a guest hands out lie in its own memory.
    pub max_references: usize,
    /// How many streams may be open at once, in each direction; 1 000 unless set. To hand out or to open one more fails.
    pub max_streams: usize,
    /// How many arguments a call may have, in either direction; 64 unless set. Guests that are built with the `dotwit` crate
    /// have that limit themselves.
    pub max_arguments: usize,
    /// How deep the JSON of a message may nest, the array of the arguments included; 32 unless set, and 100 at most. Guests
    /// that are built with the `dotwit` crate have the limit of 32 themselves.
    pub max_depth: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_memory: 256 << 20,
            cpu_limit: Duration::from_secs(5),
            max_sessions: 1_000,
            max_pending_calls: 10_000,
            max_references: 100_000,
            max_streams: 1_000,
            max_arguments: 64,
            max_depth: 32,
        }
    }
}
