//! What a guest tells its circuit while it is on the stack.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use crate::contract::request::Request;
use crate::engine::effects::{GuestTask, give_back};
use crate::engine::upcalls::{PageOutcome, Upcalls};
use crate::error::{Error, ErrorKind};

/// The circuit, as its guest reaches it from its imports.
///
/// Frames keep the order in which they are sent. So nothing has to be held until a message has arrived: releases stand after the messages
/// of the same visit.
pub(crate) struct CircuitUpcalls {
    noted: Mutex<Noted>,
}

/// What the guest has told in one visit.
#[derive(Default)]
pub(crate) struct Noted {
    /// The page's objects that the guest has given up, with the number of references.
    pub(crate) released: BTreeMap<i64, u32>,
    /// What gives back what refused messages name.
    pub(crate) given_back: Vec<GuestTask>,
    /// The bytes of requests that the page may still be sent.
    room: usize,
    /// The most bytes that may wait for the page.
    limit: usize,
}

impl CircuitUpcalls {
    pub(crate) fn new(limit: usize) -> Self {
        Self { noted: Mutex::new(Noted { limit, room: limit, ..Noted::default() }) }
    }

    /// Takes what the guest has told, and gives it room for `room` bytes of requests in its next visit.
    pub(crate) fn take(&self, room: usize) -> Noted {
        let noted = &mut *self.noted.lock();
        let next = Noted { room, limit: noted.limit, ..Noted::default() };
        std::mem::replace(noted, next)
    }
}

impl Upcalls for CircuitUpcalls {
    /// Refuses: the page is at the other end of a socket.
    fn invoke(&self, request: Request) -> PageOutcome {
        self.noted.lock().given_back.extend(give_back(&request.args));
        let what = format!(
            "Cannot call '{}' synchronously: the guest runs in a server, and its page does not. Call it asynchronously.",
            request.identifier
        );
        Err(Error::new(ErrorKind::Unsupported, what))
    }

    fn account(&self, request: &Request) -> Result<Vec<i64>, Error> {
        let noted = &mut *self.noted.lock();
        let size = request.identifier.len() + request.args.size();
        let Some(room) = noted.room.checked_sub(size) else {
            let (room, limit) = (noted.room, noted.limit);
            let what = format!(
                "The call to '{}' has {size} bytes, and there is room for {room}: the most that may wait for the page is {limit}.",
                request.identifier
            );
            return Err(Error::new(ErrorKind::TooLarge, what));
        };
        noted.room = room;
        Ok(Vec::new())
    }

    fn hold(&self, _: &[i64]) {}

    fn release_held(&self, _: &[i64]) {}

    fn release(&self, object: i64) {
        let noted = &mut *self.noted.lock();
        let times = noted.released.entry(object).or_default();
        *times = times.saturating_add(1);
    }
}
