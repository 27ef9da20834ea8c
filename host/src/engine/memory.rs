//! What the memories of all guests of a runtime have, and how much of it the machine has.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::config::Config;

/// The memory of all guests, in bytes. Clones are the same account.
#[derive(Clone)]
pub(crate) struct MemoryAccount {
    inner: Arc<Inner>,
}

struct Inner {
    limit: usize,
    used: AtomicUsize,
}

/// What one guest has of it. Dropping it gives that back.
pub(crate) struct MemoryShare {
    account: MemoryAccount,
    bytes: usize,
}

impl MemoryAccount {
    pub(crate) fn new(limit: usize) -> Self {
        Self { inner: Arc::new(Inner { limit, used: AtomicUsize::new(0) }) }
    }

    /// Returns how much all guests have, in bytes.
    #[cfg(feature = "server")]
    pub(crate) fn used(&self) -> usize {
        self.inner.used.load(Ordering::Relaxed)
    }

    /// Returns the share of a guest that has nothing yet.
    pub(crate) fn share(&self) -> MemoryShare {
        MemoryShare { account: self.clone(), bytes: 0 }
    }
}

impl MemoryShare {
    /// Sets how much the guest has.
    ///
    /// # Errors
    ///
    /// The limit of all guests, where that would be more. The guest has what it had.
    pub(crate) fn set(&mut self, bytes: usize) -> Result<(), usize> {
        let Inner { limit, used } = &*self.account.inner;
        let more = bytes.saturating_sub(self.bytes);
        used.fetch_update(Ordering::AcqRel, Ordering::Acquire, |used| {
            used.checked_add(more).filter(|sum| sum <= limit)
        })
        .map_err(|_| *limit)?;
        self.bytes += more;
        Ok(())
    }
}

impl Drop for MemoryShare {
    fn drop(&mut self) {
        self.account.inner.used.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

/// Returns how much memory all guests may have together, in bytes.
pub(crate) fn limit(config: &Config) -> usize {
    let unlimited = usize::MAX;
    match (config.max_total_memory, config.max_circuits) {
        (Some(limit), _) => limit,
        (None, 0) => unlimited,
        // The rest is for the host, its sockets, and the page tables.
        (None, _) => of_machine().map_or(unlimited, |bytes| usize::try_from(bytes / 4 * 3).unwrap_or(unlimited)),
    }
}

/// Returns how much memory this process may use, in bytes, if the system says: what its control group has, or else the machine.
fn of_machine() -> Option<u64> {
    let group = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let groups = group.lines().filter_map(|line| {
        // `hierarchy:controllers:path`; of version 2, the hierarchy is 0, and it has no controllers here.
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        match controllers {
            "" => Some(("/sys/fs/cgroup", path, "memory.max")),
            "memory" => Some(("/sys/fs/cgroup/memory", path, "memory.limit_in_bytes")),
            _ => None,
        }
    });
    // A group may use no more than those above it. In a container, the path may be that of the machine outside, which is not there.
    let limits = groups.flat_map(|(root, path, file)| {
        let ancestors = std::path::Path::new(path).ancestors();
        ancestors.map(move |path| format!("{root}{}/{file}", path.display())).collect::<Vec<_>>()
    });
    let limit = limits.filter_map(|file| std::fs::read_to_string(file).ok()?.trim().parse().ok()).min();
    let machine = std::fs::read_to_string("/proc/meminfo").ok().and_then(|info| total_of(&info));
    machine.into_iter().chain(limit).min()
}

/// Returns the total of `/proc/meminfo`, in bytes.
fn total_of(info: &str) -> Option<u64> {
    let total = info.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    total.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1 << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_guest_has_returns_with_it() {
        let account = MemoryAccount::new(100);
        let (mut one, mut other) = (account.share(), account.share());
        assert_eq!(one.set(60), Ok(()));
        assert_eq!(other.set(41), Err(100));
        assert_eq!(other.set(40), Ok(()));
        assert_eq!(one.set(61), Err(100));
        drop(other);
        assert_eq!(one.set(100), Ok(()));
        drop(one);
        assert_eq!(account.inner.used.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn the_total_of_the_machine_is_read_in_bytes() {
        assert_eq!(total_of("MemTotal:       24689764 kB\nMemFree:  1 kB\n"), Some(24_689_764 << 10));
        assert_eq!(total_of("MemFree: 1 kB\n"), None);
    }
}
