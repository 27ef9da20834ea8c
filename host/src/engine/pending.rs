//! What is under way between a guest and its page, in both directions.

use std::collections::HashMap;

use crate::engine::effects::{Effects, PageTask, Settled, Waiter};
use crate::engine::result::ResultMessage;
use crate::error::{Error, ErrorKind};
use crate::limits::too_many_calls;

/// The tables of pending calls and reads. The code that removes an entry from its table ends the call, so that each ends once.
pub(crate) struct Pending {
    limit: usize,
    /// The callers of the guest.
    pub(crate) calls: HashMap<u64, Waiter<ResultMessage>>,
    /// The readers of the guest's streams.
    pub(crate) reads: HashMap<u64, Waiter<Vec<u8>>>,
    /// What the guest has begun at the page: the guest's number, and the page's.
    pub(crate) page_calls: HashMap<u64, u64>,
    pub(crate) page_reads: HashMap<u64, u64>,
    next_id: u64,
    /// How much the guest has begun at the page in the entry that is under way.
    begun: usize,
}

impl Pending {
    /// Returns empty tables for `limit` calls in each direction.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            calls: HashMap::new(),
            reads: HashMap::new(),
            page_calls: HashMap::new(),
            page_reads: HashMap::new(),
            next_id: 1,
            begun: 0,
        }
    }

    pub(crate) fn begin_entry(&mut self) {
        self.begun = 0;
    }

    /// # Errors
    ///
    /// [`ErrorKind::TooMany`], where there is no room for one more call of the guest.
    pub(crate) fn check(&self, method: &str) -> Result<(), Error> {
        if self.calls.len() < self.limit { Ok(()) } else { Err(too_many_calls(method, self.limit)) }
    }

    /// Counts a call or a read that the guest begins at the page. Returns the page's number for it, and whether there is room.
    ///
    /// # Errors
    ///
    /// A trap, where the guest goes on beginning calls that are refused: each refusal waits for the guest to return.
    pub(crate) fn begin_at_page(&mut self, what: &str) -> wasmtime::Result<(u64, Result<(), Error>)> {
        let limit = self.limit;
        self.begun += 1;
        if self.begun > limit.saturating_mul(2) {
            let begun = self.begun - 1;
            wasmtime::bail!("it began {begun} calls of the page without returning, and {limit} is the limit");
        }
        let id = self.next_id;
        self.next_id += 1;
        if self.page_calls.len() + self.page_reads.len() < limit {
            return Ok((id, Ok(())));
        }
        let what = format!("The {what} is refused: {limit} calls of the page are under way, and {limit} is the limit.");
        Ok((id, Err(Error::new(ErrorKind::TooMany, what))))
    }

    /// Ends everything with an error, and drops the page.
    pub(crate) fn end_all(&mut self, error: &Error, effects: &mut Effects) {
        let calls =
            self.calls.drain().map(|(call, waiter)| Settled::Call { call, waiter, outcome: Err(error.clone()) });
        effects.settled.extend(calls);
        let reads =
            self.reads.drain().map(|(call, waiter)| Settled::Read { call, waiter, outcome: Err(error.clone()) });
        effects.settled.extend(reads);
        self.page_calls.clear();
        self.page_reads.clear();
        effects.page.push(PageTask::Drop);
    }
}
