//! Times that were measured, and what is told of them.

use std::time::Duration;

/// The times of one kind of round trips.
#[derive(Default)]
pub(crate) struct Times {
    times: Vec<Duration>,
}

impl Times {
    pub(crate) fn push(&mut self, time: Duration) {
        self.times.push(time);
    }

    /// Returns the time in which this part of all round trips was done.
    pub(crate) fn quantile(&mut self, part: f64) -> Duration {
        self.times.sort_unstable();
        let index = (self.times.len() as f64 * part) as usize;
        self.times.get(index.min(self.times.len().saturating_sub(1))).copied().unwrap_or_default()
    }
}

/// Prints one row of the table: what was measured, its reference, the ratio, and the bar.
pub(crate) fn print_time(what: &str, measured: Duration, reference: Duration, bar: f64) {
    let ratio = measured.as_secs_f64() / reference.as_secs_f64().max(f64::MIN_POSITIVE);
    print_row(what, &microseconds(measured), &microseconds(reference), ratio, ratio <= bar, &format!("≤ {bar}"));
}

/// Prints one row of the table for what should be many.
pub(crate) fn print_rate(what: &str, measured: f64, reference: f64, bar: f64) {
    let ratio = measured / reference.max(f64::MIN_POSITIVE);
    let rate = |rate: f64| format!("{:.1} k/s", rate / 1e3);
    print_row(what, &rate(measured), &rate(reference), ratio, ratio >= bar, &format!("≥ {bar}"));
}

fn print_row(what: &str, measured: &str, reference: &str, ratio: f64, is_good: bool, bar: &str) {
    let verdict = if is_good { "" } else { "  MISSED" };
    println!("{what:<48} {measured:>11} {ratio:>7.2} × {reference:>11}   bar {bar} ×{verdict}");
}

fn microseconds(time: Duration) -> String {
    format!("{:.1} µs", time.as_secs_f64() * 1e6)
}
