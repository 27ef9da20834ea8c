//! What Linux says about a process and its limits.

use std::fs;

use crate::Result;

/// What a process has, in KiB but for the maps.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// Its memory that is in no file.
    pub(crate) anonymous: u64,
    /// The part of it that is the memories of guests.
    pub(crate) guests: u64,
    pub(crate) page_tables: u64,
    pub(crate) maps: u64,
}

impl Usage {
    /// Reads what a process has.
    pub(crate) fn of(process: u32) -> Result<Self> {
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let maps = fs::read_to_string(format!("/proc/{process}/smaps"))?;
        let (guests, count) = guests_and_count(&maps);
        Ok(Self {
            anonymous: number_of(&status, "RssAnon:").ok_or("no RssAnon")?,
            page_tables: number_of(&status, "VmPTE:").ok_or("no VmPTE")?,
            guests,
            maps: count,
        })
    }
}

/// The address space that follows the memory of a guest, in KiB, and that nothing else leaves unused.
const RESERVED: u64 = 1 << 20;

/// Returns how much of a process is the memories of guests, and how many maps it has.
fn guests_and_count(maps: &str) -> (u64, u64) {
    let (mut guests, mut count, mut size, mut last) = (0, 0, 0, (false, 0));
    for line in maps.lines() {
        let first = line.split_ascii_whitespace().next().unwrap_or_default();
        if let Some(number) = number_of(line, "Size:") {
            size = number;
        } else if let Some(resident) = number_of(line, "Rss:") {
            let (is_writable, before) = last;
            last = (is_writable, resident);
            // What is accessible of a memory, and then what is reserved.
            if !is_writable && size >= RESERVED && resident == 0 {
                guests += before;
            }
        } else if first.contains('-') && !first.ends_with(':') {
            count += 1;
            let is_writable = line.split_ascii_whitespace().nth(1).is_some_and(|mode| mode.starts_with("rw"));
            let before = if last.0 { last.1 } else { 0 };
            last = (is_writable, before);
        }
    }
    (guests, count)
}

fn number_of(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

/// Returns how many of `wanted` circuits this machine allows to one process, and what allows no more.
pub(crate) fn allowed(wanted: u32) -> (u32, Option<&'static str>) {
    let files = fs::read_to_string("/proc/self/limits").ok().and_then(|limits| number_of(&limits, "Max open files"));
    let maps = fs::read_to_string("/proc/sys/vm/max_map_count").ok().and_then(|count| count.trim().parse::<u64>().ok());
    // Beside the sockets there are a few files, and beside six maps a circuit some thousands.
    let by_files = files.map(|files| (files.saturating_sub(100), "ulimit -n"));
    let by_maps = maps.map(|maps| (maps.saturating_sub(5_000) / 6, "vm.max_map_count"));
    let least = by_files.into_iter().chain(by_maps).min().filter(|(count, _)| *count < u64::from(wanted));
    least.map_or((wanted, None), |(count, why)| (u32::try_from(count).unwrap_or(wanted), Some(why)))
}
