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

/// The address space that is reserved behind the memory of a guest, at least, and behind nothing else, in bytes.
const RESERVED: u64 = 1 << 30;

/// One line of `smaps`, with what follows it.
struct Map<'a> {
    from: u64,
    to: u64,
    mode: &'a str,
    /// Its memory that is in no file, in KiB.
    anonymous: u64,
}

/// Returns how much of a process is the memories of guests, in KiB, and how many maps it has.
fn guests_and_count(smaps: &str) -> (u64, u64) {
    let mut maps: Vec<Map<'_>> = Vec::new();
    for line in smaps.lines() {
        if let Some(anonymous) = number_of(line, "Anonymous:") {
            if let Some(map) = maps.last_mut() {
                map.anonymous = anonymous;
            }
        } else if let Some((range, rest)) = line.split_once(' ')
            && let Some((from, to)) = range.split_once('-')
            && let (Ok(from), Ok(to)) = (u64::from_str_radix(from, 16), u64::from_str_radix(to, 16))
        {
            maps.push(Map { from, to, mode: rest.get(..4).unwrap_or_default(), anonymous: 0 });
        }
    }
    let mut guests = 0;
    // What is accessible of a memory, in one map or several, and then what is reserved.
    let mut accessible = 0;
    let mut end = 0;
    for map in &maps {
        if map.from != end || map.mode == "---p" {
            if map.from == end && map.mode == "---p" && map.to - map.from >= RESERVED {
                guests += accessible;
            }
            accessible = 0;
        }
        accessible += map.anonymous;
        end = map.to;
    }
    (guests, maps.len() as u64)
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
