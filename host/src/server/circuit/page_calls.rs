//! The calls of the page that have not ended.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The calls that the guest has begun at the page, by the host's ids.
///
/// The ids grow and every call has the same timeout, so the first call of the map is the first to be late.
#[derive(Debug, Default)]
pub(crate) struct PageCalls {
    pending: BTreeMap<u64, PageCall>,
    /// The highest id that the page has been sent.
    last: u64,
}

#[derive(Debug)]
struct PageCall {
    /// The guest's number.
    call: u64,
    begun: Instant,
    /// The time of the page's presence at which the call is late.
    deadline: Duration,
}

/// What an answer of the page answers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answered {
    /// A call.
    Call {
        /// The guest's number.
        call: u64,
        begun: Instant,
    },
    /// A call that has ended meanwhile: it was cancelled, or was late.
    Ended,
    /// Nothing that the page was asked.
    Nothing,
}

/// A call that the page has not answered in time.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Late {
    pub(crate) id: u64,
    /// The guest's number.
    pub(crate) call: u64,
    pub(crate) begun: Instant,
}

impl PageCalls {
    pub(crate) fn begin(&mut self, id: u64, call: u64, begun: Instant, deadline: Duration) {
        self.last = self.last.max(id);
        self.pending.insert(id, PageCall { call, begun, deadline });
    }

    pub(crate) fn answer(&mut self, id: u64) -> Answered {
        match self.pending.remove(&id) {
            Some(PageCall { call, begun, .. }) => Answered::Call { call, begun },
            None if (1..=self.last).contains(&id) => Answered::Ended,
            None => Answered::Nothing,
        }
    }

    /// Returns whether the call had not ended.
    pub(crate) fn cancel(&mut self, id: u64) -> bool {
        self.pending.remove(&id).is_some()
    }

    /// Returns the time of the page's presence at which the next call is late.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.pending.first_key_value().map(|(_, call)| call.deadline)
    }

    /// Takes out a call that is late.
    pub(crate) fn pop_late(&mut self, now: Duration) -> Option<Late> {
        let first = self.pending.first_entry().filter(|first| first.get().deadline <= now)?;
        let (id, PageCall { call, begun, .. }) = first.remove_entry();
        Some(Late { id, call, begun })
    }

    /// Takes out all calls, as their ids and the guest's numbers.
    pub(crate) fn take_all(&mut self) -> impl Iterator<Item = (u64, u64)> + use<> {
        std::mem::take(&mut self.pending).into_iter().map(|(id, PageCall { call, .. })| (id, call))
    }

    pub(crate) fn len(&self) -> usize {
        self.pending.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_call_ends_once() {
        let (mut calls, begun) = (PageCalls::default(), Instant::now());
        calls.begin(1, 71, begun, SECOND);
        calls.begin(2, 72, begun, SECOND);
        assert_eq!(calls.answer(2), Answered::Call { call: 72, begun });
        assert_eq!(calls.answer(2), Answered::Ended);
        assert!(calls.cancel(1));
        assert!(!calls.cancel(1));
        assert_eq!(calls.answer(1), Answered::Ended);
        assert_eq!(calls.len(), 0);
    }

    #[test]
    fn an_answer_to_what_was_never_asked_answers_nothing() {
        let mut calls = PageCalls::default();
        calls.begin(3, 71, Instant::now(), SECOND);
        assert_eq!(calls.answer(0), Answered::Nothing);
        assert_eq!(calls.answer(4), Answered::Nothing);
        assert_eq!(calls.answer(u64::MAX), Answered::Nothing);
    }

    #[test]
    fn calls_are_late_in_the_order_in_which_they_began() {
        let (mut calls, begun) = (PageCalls::default(), Instant::now());
        calls.begin(1, 71, begun, SECOND);
        calls.begin(2, 72, begun, 2 * SECOND);
        assert_eq!((calls.next_deadline(), calls.pop_late(SECOND / 2)), (Some(SECOND), None));
        assert_eq!(calls.pop_late(SECOND), Some(Late { id: 1, call: 71, begun }));
        assert_eq!((calls.next_deadline(), calls.pop_late(SECOND)), (Some(2 * SECOND), None));
        assert_eq!(calls.take_all().collect::<Vec<_>>(), [(2, 72)]);
        assert_eq!(calls.answer(1), Answered::Ended);
    }
}
