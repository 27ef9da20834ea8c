//! The streams of the page that the guest reads.
//!
//! A guest asks for up to a few hundred KiB at once, which is more than a message of the page may have. So each read is asked of the page
//! in pieces, several at a time, and ends when all of them are there. Pieces have offsets and numbers of their own: one that is late or
//! fails fails its read alone.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::error::{Error, ErrorKind};

/// How many bytes of answers the page may be asked for at once, in all its streams: twice what the SDK reads at once, and half of what the
/// page keeps for a connection that is cut.
const WINDOW: usize = 512 << 10;

/// The most bytes that a guest may ask for at once: as much as a message to the page may have. The SDK asks for 256 KiB.
const MAX_READ: usize = 4 << 20;

/// The reads that have not ended.
#[derive(Debug)]
pub(crate) struct Reads {
    /// The size of a piece, in bytes.
    piece: usize,
    /// By the host's ids, which grow.
    reads: BTreeMap<u64, Read>,
    /// The reads that have pieces to ask for, in the order in which they began.
    asking: VecDeque<u64>,
    /// What the page was asked for, by the pieces' numbers, which grow as their deadlines do.
    asked: BTreeMap<u64, Piece>,
    /// The number of the last piece.
    last: u64,
    /// The bytes of the pieces that the page was asked for.
    outstanding: usize,
}

#[derive(Debug)]
struct Read {
    /// The guest's number.
    call: u64,
    object: i64,
    offset: u64,
    bytes: Vec<u8>,
    /// How many bytes have been asked for, and how many have come.
    asked: usize,
    received: usize,
    length: usize,
}

#[derive(Debug)]
struct Piece {
    read: u64,
    /// Where it begins in the read.
    start: usize,
    length: usize,
    deadline: Duration,
}

/// What the page is to be asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PageRead {
    pub(crate) piece: u64,
    pub(crate) object: i64,
    pub(crate) offset: u64,
    pub(crate) length: u32,
}

/// The end of a read: its id, the guest's number, and what the guest gets.
pub(crate) type Ended = (u64, u64, Result<Vec<u8>, Error>);

impl Reads {
    /// Returns reads of which the page is asked for pieces of `piece` bytes.
    pub(crate) fn new(piece: usize) -> Self {
        Self {
            piece: piece.clamp(1, WINDOW),
            reads: BTreeMap::new(),
            asking: VecDeque::new(),
            asked: BTreeMap::new(),
            last: 0,
            outstanding: 0,
        }
    }

    /// Begins a read.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooLarge`], where the guest asks for too much at once.
    pub(crate) fn begin(&mut self, id: u64, call: u64, object: i64, offset: u64, length: u32) -> Result<(), Error> {
        let length = length as usize;
        if length > MAX_READ {
            let what =
                format!("{length} bytes of a stream were asked for at once, and {MAX_READ} is the limit of a circuit.");
            return Err(Error::new(ErrorKind::TooLarge, what));
        }
        let bytes = vec![0; length];
        self.reads.insert(id, Read { call, object, offset, bytes, asked: 0, received: 0, length });
        self.asking.push_back(id);
        Ok(())
    }

    /// Returns the next piece to ask the page for, if there is one and there is room. It is late at `deadline`.
    pub(crate) fn next(&mut self, deadline: Duration) -> Option<PageRead> {
        loop {
            let id = *self.asking.front()?;
            let Some(read) = self.reads.get_mut(&id) else {
                // It has failed.
                self.asking.pop_front();
                continue;
            };
            let (start, length) = (read.asked, self.piece.min(read.length - read.asked));
            // A read of nothing asks for one empty piece: the page says whether the stream is still there.
            if self.outstanding > 0 && self.outstanding + length > WINDOW {
                return None;
            }
            read.asked += length;
            if read.asked == read.length {
                self.asking.pop_front();
            }
            self.outstanding += length;
            self.last += 1;
            self.asked.insert(self.last, Piece { read: id, start, length, deadline });
            let offset = read.offset.saturating_add(start as u64);
            let length = u32::try_from(length).unwrap_or(u32::MAX);
            return Some(PageRead { piece: self.last, object: read.object, offset, length });
        }
    }

    /// Takes an answer of the page. Returns the end of its read, if that has ended with it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Protocol`], where the page was not asked for this piece.
    pub(crate) fn answer(&mut self, piece: u64, outcome: Result<&[u8], Error>) -> Result<Option<Ended>, Error> {
        let Some(Piece { read: id, start, length, .. }) = self.asked.remove(&piece) else {
            if (1..=self.last).contains(&piece) {
                // It was late.
                return Ok(None);
            }
            let what = format!("The page has answered the read {piece}, and was not asked for it.");
            return Err(Error::new(ErrorKind::Protocol, what));
        };
        self.outstanding -= length;
        let Some(read) = self.reads.get_mut(&id) else { return Ok(None) };
        let bytes = match outcome {
            Ok(bytes) if bytes.len() == length => bytes,
            Ok(bytes) => {
                let what = format!("The page has sent {} bytes of a stream, and was asked for {length}.", bytes.len());
                return Ok(self.fail(id, Error::js_failed(what)));
            }
            Err(error) => return Ok(self.fail(id, error)),
        };
        read.bytes[start..start + length].copy_from_slice(bytes);
        read.received += length;
        if read.received < read.length {
            return Ok(None);
        }
        Ok(self.reads.remove(&id).map(|read| (id, read.call, Ok(read.bytes))))
    }

    /// Ends a read with an error. Answers to its pieces are ignored from then on.
    fn fail(&mut self, id: u64, error: Error) -> Option<Ended> {
        self.reads.remove(&id).map(|read| (id, read.call, Err(error)))
    }

    /// Returns the time of the page's presence at which the next piece is late.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.asked.first_key_value().map(|(_, piece)| piece.deadline)
    }

    /// Ends the reads of pieces that are late with an error, and returns those that had not failed before.
    pub(crate) fn end_late(&mut self, now: Duration, late: impl Fn() -> Error) -> Vec<Ended> {
        let mut ended = Vec::new();
        while let Some(first) = self.asked.first_entry().filter(|first| first.get().deadline <= now) {
            let piece = first.remove();
            self.outstanding -= piece.length;
            ended.extend(self.fail(piece.read, late()));
        }
        ended
    }

    /// Takes out all reads, as their ids and the guest's numbers.
    pub(crate) fn take_all(&mut self) -> impl Iterator<Item = (u64, u64)> + use<> {
        self.asking.clear();
        self.asked.clear();
        self.outstanding = 0;
        std::mem::take(&mut self.reads).into_iter().map(|(id, read)| (id, read.call))
    }

    /// The bytes that the reads keep.
    pub(crate) fn bytes(&self) -> usize {
        self.reads.values().map(|read| read.length).sum()
    }

    pub(crate) fn len(&self) -> usize {
        self.reads.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_read_is_asked_for_in_pieces_and_ends_with_the_last_of_them() {
        let mut reads = Reads::new(3);
        reads.begin(1, 71, 5, 100, 7).unwrap();
        let asked: Vec<_> =
            std::iter::from_fn(|| reads.next(SECOND)).map(|read| (read.piece, read.offset, read.length)).collect();
        assert_eq!(asked, [(1, 100, 3), (2, 103, 3), (3, 106, 1)]);

        // In any order.
        assert_eq!(reads.answer(3, Ok(b"g")), Ok(None));
        assert_eq!(reads.answer(1, Ok(b"abc")), Ok(None));
        assert_eq!(reads.answer(2, Ok(b"def")), Ok(Some((1, 71, Ok(b"abcdefg".to_vec())))));
        assert_eq!((reads.len(), reads.bytes(), reads.outstanding), (0, 0, 0));
        // Once more is late, and another number was never asked for.
        assert_eq!(reads.answer(2, Ok(b"def")), Ok(None));
        assert_eq!(reads.answer(4, Ok(b"")).unwrap_err().kind(), ErrorKind::Protocol);
        assert_eq!(reads.answer(0, Ok(b"")).unwrap_err().kind(), ErrorKind::Protocol);
    }

    #[test]
    fn no_more_is_asked_for_than_the_window_has_room_for() {
        let mut reads = Reads::new(WINDOW / 2);
        let length = u32::try_from(WINDOW).unwrap();
        reads.begin(1, 71, 5, 0, length).unwrap();
        reads.begin(2, 72, 5, 0, 1).unwrap();
        assert!(reads.next(SECOND).is_some());
        assert!(reads.next(SECOND).is_some());
        assert_eq!(reads.next(SECOND), None);
        let half = vec![0; WINDOW / 2];
        assert_eq!(reads.answer(1, Ok(&half)), Ok(None));
        assert_eq!(reads.next(SECOND).map(|read| read.piece), Some(3));
        assert_eq!(reads.next(SECOND), None);
    }

    #[test]
    fn a_piece_that_fails_or_has_another_length_fails_its_read_alone() {
        let mut reads = Reads::new(3);
        reads.begin(1, 71, 5, 0, 6).unwrap();
        reads.begin(2, 72, 5, 0, 3).unwrap();
        reads.begin(3, 73, 5, 0, 3).unwrap();
        while reads.next(SECOND).is_some() {}
        let ended = reads.answer(1, Err(Error::js_failed("gone"))).unwrap().unwrap();
        assert_eq!(ended, (1, 71, Err(Error::js_failed("gone"))));
        assert_eq!(reads.answer(2, Ok(b"def")), Ok(None));
        let (_, call, outcome) = reads.answer(3, Ok(b"ab")).unwrap().unwrap();
        assert_eq!((call, outcome.unwrap_err().kind()), (72, ErrorKind::JsFailed));
        assert_eq!(reads.answer(4, Ok(b"abc")), Ok(Some((3, 73, Ok(b"abc".to_vec())))));
    }

    #[test]
    fn a_late_piece_ends_its_read() {
        let late = || Error::new(ErrorKind::TimedOut, "late");
        let mut reads = Reads::new(3);
        reads.begin(1, 71, 5, 0, 6).unwrap();
        while reads.next(SECOND).is_some() {}
        assert_eq!(reads.end_late(SECOND / 2, late), []);
        assert_eq!(reads.end_late(SECOND, late), [(1, 71, Err(late()))]);
        assert_eq!((reads.end_late(SECOND, late), reads.outstanding), (vec![], 0));
    }

    #[test]
    fn a_read_of_nothing_asks_the_page_all_the_same() {
        let mut reads = Reads::new(3);
        reads.begin(1, 71, 5, 9, 0).unwrap();
        assert_eq!(reads.next(SECOND), Some(PageRead { piece: 1, object: 5, offset: 9, length: 0 }));
        assert_eq!(reads.answer(1, Ok(b"")), Ok(Some((1, 71, Ok(Vec::new())))));
    }

    #[test]
    fn too_much_at_once_is_refused() {
        let mut reads = Reads::new(3);
        let error = reads.begin(1, 71, 5, 0, u32::try_from(MAX_READ).unwrap() + 1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        assert_eq!(reads.len(), 0);
    }
}
