//! The time that a page has been present: a clock that stands while a circuit has no socket.

use std::time::{Duration, Instant};

/// Time that counts only while the page is connected.
///
/// The time-outs of calls of the page are measured with it, so that no call ends because its page was away. Blazor's 60 s go on.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    /// The time before the page was last connected.
    before: Duration,
    /// When the page was connected, if it still is.
    since: Option<Instant>,
}

impl Presence {
    /// Lets the clock run.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.since.get_or_insert(now);
    }

    /// Stops the clock.
    pub(crate) fn end(&mut self, now: Instant) {
        self.before = self.at(now);
        self.since = None;
    }

    /// Returns what the clock shows.
    pub(crate) fn at(&self, now: Instant) -> Duration {
        self.before + self.since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    /// Returns when the clock will show a time, unless it stands.
    pub(crate) fn when(&self, time: Duration) -> Option<Instant> {
        self.since?.checked_add(time.saturating_sub(self.before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_clock_stands_while_the_page_is_away() {
        let start = Instant::now();
        let mut presence = Presence::default();
        assert_eq!((presence.at(start), presence.when(SECOND)), (Duration::ZERO, None));

        presence.begin(start);
        assert_eq!(presence.at(start + 2 * SECOND), 2 * SECOND);
        assert_eq!(presence.when(3 * SECOND), Some(start + 3 * SECOND));

        presence.end(start + 2 * SECOND);
        assert_eq!((presence.at(start + 9 * SECOND), presence.when(3 * SECOND)), (2 * SECOND, None));

        presence.begin(start + 10 * SECOND);
        assert_eq!(presence.at(start + 11 * SECOND), 3 * SECOND);
        assert_eq!(presence.when(3 * SECOND), Some(start + 11 * SECOND));
    }
}
