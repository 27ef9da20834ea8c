//! The guest's streams that the page reads.
//!
//! The page gives credit in bytes, and as long as a stream has credit the guest is asked for more: the page waits once for a window and
//! not for each piece.

use std::collections::{HashMap, VecDeque};

/// The most bytes that the guest is asked for at once, Blazor's size of a piece: enough that the cost of a frame does not count.
const PIECE: u32 = 32 << 10;

/// The most credit that a stream keeps, in bytes. The adapter's pages give half of it at first.
const MAX_CREDIT: u64 = 1 << 20;

/// The streams that the page has begun to read.
#[derive(Debug)]
pub(crate) struct Streams {
    limit: usize,
    piece: u32,
    open: HashMap<u64, Stream>,
    /// The streams that have credit and no read under way, in turn.
    ready: VecDeque<u64>,
    /// The streams of the reads that are under way, by the reads' numbers.
    reading: HashMap<u64, u64>,
    /// The number of the last read.
    last: u64,
}

#[derive(Debug, Default)]
struct Stream {
    credit: u64,
    /// The number of the read that is under way.
    read: Option<u64>,
}

/// A read that the guest is to be asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct GuestRead {
    pub(crate) call: u64,
    pub(crate) stream: u64,
    pub(crate) max: u32,
}

impl Streams {
    /// Returns none, of which `limit` may be open at once. No piece is larger than `piece` bytes.
    pub(crate) fn new(limit: usize, piece: usize) -> Self {
        let piece = u32::try_from(piece).unwrap_or(PIECE).clamp(1, PIECE);
        Self { limit, piece, open: HashMap::new(), ready: VecDeque::new(), reading: HashMap::new(), last: 0 }
    }

    /// Lets the page have more bytes of a stream. Returns false where as many streams are open as may be.
    #[must_use]
    pub(crate) fn credit(&mut self, stream: u64, bytes: u64) -> bool {
        if self.open.len() >= self.limit && !self.open.contains_key(&stream) {
            return false;
        }
        let open = self.open.entry(stream).or_default();
        let had_none = open.credit == 0;
        open.credit = open.credit.saturating_add(bytes).min(MAX_CREDIT);
        if had_none && open.credit > 0 && open.read.is_none() {
            self.ready.push_back(stream);
        }
        true
    }

    /// Returns the next read to ask the guest for.
    pub(crate) fn next(&mut self) -> Option<GuestRead> {
        loop {
            let stream = self.ready.pop_front()?;
            let Some(open) = self.open.get_mut(&stream).filter(|open| open.read.is_none()) else { continue };
            self.last += 1;
            open.read = Some(self.last);
            self.reading.insert(self.last, stream);
            let max = u32::try_from(open.credit).unwrap_or(PIECE).min(self.piece);
            return Some(GuestRead { call: self.last, stream, max });
        }
    }

    /// Ends a read that has brought `bytes`, or nothing if the stream has ended. Returns the stream, unless it was closed meanwhile.
    pub(crate) fn end(&mut self, call: u64, bytes: Option<usize>) -> Option<u64> {
        let stream = self.reading.remove(&call)?;
        let open = self.open.get_mut(&stream).filter(|open| open.read == Some(call))?;
        open.read = None;
        match bytes {
            None => {
                self.open.remove(&stream);
            }
            Some(bytes) => {
                open.credit = open.credit.saturating_sub(bytes as u64);
                if open.credit > 0 {
                    self.ready.push_back(stream);
                }
            }
        }
        Some(stream)
    }

    /// Closes a stream. The outcome of a read that is under way is dropped.
    pub(crate) fn close(&mut self, stream: u64) {
        if self.open.remove(&stream).is_some() {
            self.ready.retain(|ready| *ready != stream);
        }
    }

    /// Closes all streams.
    pub(crate) fn clear(&mut self) {
        self.open.clear();
        self.ready.clear();
        self.reading.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_read_as_long_as_it_has_credit() {
        let mut streams = Streams::new(2, 1 << 20);
        assert!(streams.credit(5, 40_000));
        assert_eq!(streams.next(), Some(GuestRead { call: 1, stream: 5, max: PIECE }));
        assert_eq!(streams.next(), None, "one read at a time");
        assert_eq!(streams.end(1, Some(32_768)), Some(5));
        assert_eq!(streams.next(), Some(GuestRead { call: 2, stream: 5, max: 7_232 }));
        assert_eq!(streams.end(2, Some(7_232)), Some(5));
        assert_eq!(streams.next(), None);

        assert!(streams.credit(5, 10));
        assert_eq!(streams.next(), Some(GuestRead { call: 3, stream: 5, max: 10 }));
        assert_eq!(streams.end(3, None), Some(5));
        assert_eq!((streams.next(), streams.len()), (None, 0));
    }

    #[test]
    fn credit_that_comes_during_a_read_counts() {
        let mut streams = Streams::new(1, 1 << 20);
        assert!(streams.credit(5, 10));
        assert!(streams.next().is_some());
        assert!(streams.credit(5, 10));
        assert_eq!(streams.next(), None);
        assert_eq!(streams.end(1, Some(10)), Some(5));
        assert_eq!(streams.next(), Some(GuestRead { call: 2, stream: 5, max: 10 }));
    }

    #[test]
    fn streams_take_turns() {
        let mut streams = Streams::new(2, 1 << 20);
        assert!(streams.credit(5, u64::MAX) && streams.credit(6, u64::MAX));
        let order: Vec<u64> = std::iter::from_fn(|| {
            let read = streams.next()?;
            streams.end(read.call, Some(1));
            Some(read.stream)
        })
        .take(4)
        .collect();
        assert_eq!(order, [5, 6, 5, 6]);
    }

    #[test]
    fn there_are_no_more_than_the_limit_and_a_closed_one_makes_room() {
        let mut streams = Streams::new(1, 1 << 20);
        assert!(streams.credit(5, 1));
        assert!(!streams.credit(6, 1));
        let read = streams.next().unwrap();
        streams.close(5);
        assert!(streams.credit(6, 1));
        assert_eq!(streams.end(read.call, Some(1)), None, "nothing is sent of a closed stream");
        assert_eq!(streams.next().map(|read| read.stream), Some(6));
    }

    #[test]
    fn a_stream_that_is_opened_again_while_its_old_read_is_under_way_is_not_confused_by_it() {
        let mut streams = Streams::new(1, 1 << 20);
        assert!(streams.credit(5, 1));
        let old = streams.next().unwrap();
        streams.close(5);
        assert!(streams.credit(5, 1));
        let new = streams.next().unwrap();
        assert_eq!(streams.end(old.call, Some(1)), None);
        assert_eq!(streams.next(), None);
        assert_eq!(streams.end(new.call, None), Some(5));
    }

    #[test]
    fn a_stream_that_is_closed_and_opened_again_has_one_turn() {
        let mut streams = Streams::new(1, 1 << 20);
        for _ in 0..100 {
            assert!(streams.credit(5, 1));
            streams.close(5);
        }
        assert!(streams.ready.is_empty());
        assert!(streams.credit(5, 1));
        let read = streams.next().unwrap();
        assert_eq!(streams.end(read.call, Some(1)), Some(5));
        assert_eq!(streams.next(), None, "there is no credit left");
    }

    #[test]
    fn no_piece_is_larger_than_a_message_may_be() {
        let mut streams = Streams::new(1, 1_000);
        assert!(streams.credit(5, 40_000));
        assert_eq!(streams.next().map(|read| read.max), Some(1_000));
    }
}
