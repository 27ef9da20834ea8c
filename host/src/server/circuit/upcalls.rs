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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::message::Message;
    use crate::contract::request::{Operation, ResultType};

    fn request(json: &str) -> Request {
        let (operation, result_type) = (Operation::Call, ResultType::Json);
        Request { target: 0, identifier: "f".to_owned(), operation, result_type, args: Message::from_json(json) }
    }

    #[test]
    fn a_visit_has_room_for_so_much_and_the_next_one_for_what_is_left_then() {
        let upcalls = CircuitUpcalls::new(20);
        assert!(upcalls.account(&request("[12345678]")).is_ok());
        assert_eq!(upcalls.account(&request("[12345678]")).unwrap_err().kind(), ErrorKind::TooLarge);
        assert!(upcalls.account(&request("[123456]")).is_ok());
        upcalls.take(5);
        assert_eq!(upcalls.account(&request("[12345678]")).unwrap_err().kind(), ErrorKind::TooLarge);
    }

    #[test]
    fn what_the_guest_gives_up_is_counted_by_object() {
        let upcalls = CircuitUpcalls::new(20);
        for object in [7, 8, 7] {
            upcalls.release(object);
        }
        assert_eq!(upcalls.take(20).released, BTreeMap::from([(7, 2), (8, 1)]));
        assert!(upcalls.take(20).released.is_empty());
    }

    #[test]
    fn a_synchronous_call_of_the_page_is_refused_and_gives_back_what_it_names() {
        let upcalls = CircuitUpcalls::new(20);
        let refused = upcalls.invoke(request(r#"[{"__dotNetObject":3}]"#)).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unsupported);
        assert!(matches!(upcalls.take(20).given_back[..], [GuestTask::Forget(3, 1)]));
    }
}
