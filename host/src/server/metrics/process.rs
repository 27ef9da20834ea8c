//! What the system says about this process, by the names that Prometheus' own clients give it. On Linux alone.

use std::fmt;

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// The unit of times in `/proc`: the kernel's `USER_HZ`, which is 100 on every architecture that wasmtime compiles for.
const TICKS: f64 = 100.0;

/// Writes all of them that the system has.
pub(super) fn encode(mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
    if let Some(seconds) = cpu_seconds() {
        let counter = ConstCounter::new(seconds);
        let descriptor = encoder.encode_descriptor("process_cpu_seconds", "CPU time", None, counter.metric_type())?;
        counter.encode(descriptor)?;
    }
    for (name, help, value) in [
        ("process_resident_memory_bytes", "Resident memory", resident_bytes()),
        ("process_open_fds", "Open file descriptors", open_files()),
        ("process_max_fds", "How many file descriptors there may be", max_files()),
        ("process_start_time_seconds", "When the process started, since 1970", start_time()),
        ("dotwit_maps_used_ratio", "The share of memory maps that are used", maps_used()),
    ] {
        if let Some(value) = value {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
    }
    Ok(())
}

/// Returns the share of the memory maps of a process that are used, from 0 to 1. Beyond it, allocations abort the process. Takes
/// milliseconds where there are thousands of guests.
pub(crate) fn maps_used() -> Option<f64> {
    let limit: f64 = std::fs::read_to_string("/proc/sys/vm/max_map_count").ok()?.trim().parse().ok()?;
    let maps = std::fs::read("/proc/self/maps").ok()?;
    Some(maps.iter().filter(|byte| **byte == b'\n').count() as f64 / limit)
}

/// Returns a field of `/proc/self/stat` by its number in proc(5), of those after the program's name, which may have spaces.
fn stat(field: usize) -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_ascii_whitespace().nth(field.checked_sub(3)?)?.parse().ok()
}

fn cpu_seconds() -> Option<f64> {
    Some((stat(14)? + stat(15)?) / TICKS)
}

fn start_time() -> Option<f64> {
    let boot = std::fs::read_to_string("/proc/stat").ok()?;
    let boot = boot.lines().find_map(|line| line.strip_prefix("btime "))?;
    Some(boot.trim().parse::<f64>().ok()? + stat(22)? / TICKS)
}

fn resident_bytes() -> Option<f64> {
    Some(stat(24)? * rustix::param::page_size() as f64)
}

fn open_files() -> Option<f64> {
    // One of them reads the folder.
    Some(std::fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1) as f64)
}

fn max_files() -> Option<f64> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let files = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    files.split_ascii_whitespace().next()?.parse().ok()
}
