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
    /// trapped within a hundredth of a second or so. More than zero; [`Duration::MAX`] is no limit.
    pub cpu_limit: Duration,
    /// How many sessions there may be at once; 1 000 unless set, and from 1 to 20 000. Each reserves 4 GiB of address space,
    /// none of it memory before the guest uses it.
    pub max_sessions: u32,
    /// How many asynchronous calls to one session may be under way at once, and how many calls of the page the guest may
    /// begin without returning; 10 000 unless set.
    pub max_pending_calls: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_memory: 256 << 20,
            cpu_limit: Duration::from_secs(5),
            max_sessions: 1_000,
            max_pending_calls: 10_000,
        }
    }
}
