//! How many frames a page sends.

use std::time::{Duration, Instant};

/// A bucket that fills with time, and out of which each frame takes one.
///
/// Frames that have come are never refused: the bucket goes below zero, and nothing more is read before it is filled again.
#[derive(Debug)]
pub(crate) struct Rate {
    a_second: f64,
    burst: f64,
    left: f64,
    /// When `left` was true.
    at: Instant,
    /// Since when the page has been sending faster than it may.
    over_since: Option<Instant>,
}

impl Rate {
    /// Returns a bucket that is full.
    pub(crate) fn new(a_second: u32, burst: u32, now: Instant) -> Self {
        let (a_second, burst) = (f64::from(a_second), f64::from(burst));
        Self { a_second, burst, left: burst, at: now, over_since: None }
    }

    /// Counts frames that have come.
    pub(crate) fn count(&mut self, frames: usize, now: Instant) {
        self.fill(now);
        self.left -= frames as f64;
        if self.left < 0.0 {
            self.over_since.get_or_insert(now);
        }
    }

    /// Lets the page send some frames more, for it was asked to. Without this, a page would flood the server by being read as a stream.
    pub(crate) fn allow(&mut self, frames: usize) {
        self.left = (self.left + frames as f64).min(self.burst);
    }

    /// Returns when the page may be read again, if not now.
    pub(crate) fn paused_until(&mut self, now: Instant) -> Option<Instant> {
        if self.left >= 0.0 {
            return None;
        }
        self.fill(now);
        (self.left < 0.0).then(|| now + Duration::from_secs_f64(-self.left / self.a_second))
    }

    /// Returns how long the page has been sending faster than it may.
    pub(crate) fn overrun(&mut self, now: Instant) -> Duration {
        self.fill(now);
        self.over_since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    /// Returns since when the page has been sending faster than it may. It may have paused meanwhile.
    pub(crate) fn over_since(&self) -> Option<Instant> {
        self.over_since
    }

    fn fill(&mut self, now: Instant) {
        let gained = now.saturating_duration_since(self.at).as_secs_f64() * self.a_second;
        self.left = (self.left + gained).min(self.burst);
        self.at = now;
        // A page at its limit moves about zero. Only one that has paused for a while is no longer over it.
        if self.left >= self.burst / 2.0 {
            self.over_since = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_burst_passes_and_one_frame_more_pauses() {
        let start = Instant::now();
        let mut rate = Rate::new(10, 20, start);
        rate.count(20, start);
        assert_eq!(rate.paused_until(start), None);
        rate.count(5, start);
        assert_eq!(rate.paused_until(start), Some(start + SECOND / 2));
        assert_eq!(rate.paused_until(start + SECOND / 2), None);
    }

    #[test]
    fn an_overrun_lasts_until_the_page_has_paused() {
        let start = Instant::now();
        let mut rate = Rate::new(10, 20, start);
        rate.count(21, start);
        for second in 1..=5 {
            let now = start + second * SECOND;
            assert_eq!(rate.overrun(now), second * SECOND);
            rate.count(10, now);
        }
        let now = start + 7 * SECOND;
        rate.count(1, now);
        assert_eq!(rate.overrun(now), Duration::ZERO);
    }

    #[test]
    fn answers_that_were_asked_for_are_not_too_many() {
        let start = Instant::now();
        let mut rate = Rate::new(10, 20, start);
        for _ in 0..1_000 {
            rate.allow(2);
            rate.count(2, start);
        }
        assert_eq!((rate.paused_until(start), rate.over_since()), (None, None));
        rate.allow(1_000);
        rate.count(21, start);
        assert!(rate.paused_until(start).is_some(), "what is allowed is not saved up");
    }

    #[test]
    fn a_page_that_is_silent_after_a_burst_is_not_over() {
        let start = Instant::now();
        let mut rate = Rate::new(10, 20, start);
        rate.count(21, start);
        assert_eq!(rate.over_since(), Some(start));
        assert_eq!(rate.overrun(start + 10 * SECOND), Duration::ZERO);
        assert_eq!(rate.over_since(), None);
    }

    #[test]
    fn a_clock_that_stands_does_no_harm() {
        let start = Instant::now();
        let mut rate = Rate::new(10, 20, start + SECOND);
        rate.count(1, start);
        assert_eq!(rate.paused_until(start), None);
    }
}
