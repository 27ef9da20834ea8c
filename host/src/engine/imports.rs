//! `dotwit:interop/page` as a guest imports it.
//!
//! A synchronous call of the page is answered here, and everything else becomes an effect. A request beyond a limit fails alone, and
//! a breach of the contract traps.

use std::time::{Duration, Instant};

use crate::contract::bindings::page;
use crate::contract::message::{CallError, Message};
use crate::contract::request::Request;
use crate::engine::effects::{GuestTask, PageTask, Settled};
use crate::engine::store::{Panic, State};
use crate::error::{Error, ErrorKind};
use crate::limits;

/// How much of a panic's message is kept, in bytes. Each pending call gets a copy, and a guest may send gigabytes.
const MAX_PANIC: usize = 4 << 10;

impl page::Host for State {
    fn invoke_js(
        &mut self,
        target: i64,
        identifier: String,
        operation: page::Operation,
        result_type: page::ResultType,
        args: Message,
    ) -> Result<Message, CallError> {
        let request =
            Request { target, identifier, operation: operation.into(), result_type: result_type.into(), args };
        let Some(upcalls) = self.upcalls() else { return Err(Error::no_page().into()) };
        if let Err(error) = limits::check_arguments(&self.config, usize::MAX, &request.identifier, &request.args) {
            self.give_back(&request.args);
            return Err(error.into());
        }
        // The page's time is its own.
        let result = self.time.exclude(|| upcalls.invoke(request));
        let (result, undelivered) = limits::check_result(&self.config, self.max_message(), result);
        if let Some(message) = undelivered {
            message.page_objects().for_each(|object| upcalls.release(object));
        }
        result.map_err(CallError::from)
    }

    fn begin_invoke_js(
        &mut self,
        call: u64,
        target: i64,
        identifier: String,
        operation: page::Operation,
        result_type: page::ResultType,
        args: Message,
    ) -> wasmtime::Result<()> {
        // A guest that only describes itself is not answered.
        let Some(upcalls) = self.upcalls() else { return Ok(()) };
        let request =
            Request { target, identifier, operation: operation.into(), result_type: result_type.into(), args };
        let (id, room) = self.pending.begin_at_page(&format!("call to '{}'", request.identifier))?;
        if self.pending.page_calls.insert(call, id).is_some() {
            wasmtime::bail!("it began the call {call} of the page, which is under way");
        }
        let accounted = room
            .and_then(|()| limits::check_arguments(&self.config, usize::MAX, &request.identifier, &request.args))
            .and_then(|()| upcalls.account(&request));
        match accounted {
            Ok(holds) => self.effects.page.push(PageTask::Begin { call, id, request, holds }),
            Err(error) => {
                self.give_back(&request.args);
                self.effects.guest.push(GuestTask::EndPageCall { call, id, outcome: Err(error) });
            }
        }
        Ok(())
    }

    fn cancel_invoke_js(&mut self, call: u64) {
        if let Some(id) = self.pending.page_calls.remove(&call) {
            self.effects.page.push(PageTask::Cancel(id));
            self.effects.guest.push(GuestTask::PageCallCancelled(call));
        }
    }

    fn release_js(&mut self, object: i64) {
        if let Some(upcalls) = self.upcalls() {
            upcalls.release(object);
        }
    }

    fn read_js_stream(&mut self, call: u64, object: i64, offset: u64, length: u32) -> wasmtime::Result<()> {
        let Some(upcalls) = self.upcalls() else { return Ok(()) };
        let (id, mut room) = self.pending.begin_at_page("read of a stream")?;
        if self.pending.page_reads.insert(call, id).is_some() {
            wasmtime::bail!("it began the read {call} of the page, which is under way");
        }
        let limit = self.config.max_memory;
        if length as usize > limit {
            let what = format!("{length} bytes of a stream were asked for at once, and {limit} is the limit.");
            room = Err(Error::new(ErrorKind::TooLarge, what));
        }
        match room {
            Ok(()) => {
                upcalls.hold(&[object]);
                self.effects.page.push(PageTask::Read { call, id, object, offset, length });
            }
            Err(error) => self.effects.guest.push(GuestTask::EndPageRead { call, id, outcome: Err(error) }),
        }
        Ok(())
    }

    fn end_invoke(&mut self, call: u64, outcome: Result<Message, CallError>) {
        // The guest may end a call that has been cancelled, which no longer has a waiter.
        if let Some(waiter) = self.pending.calls.remove(&call) {
            let outcome = self.outcome(&waiter, outcome);
            self.effects.settled.push(Settled::Call { call, waiter, outcome });
        }
    }

    fn end_read(&mut self, call: u64, outcome: Result<Vec<u8>, CallError>) {
        if let Some(waiter) = self.pending.reads.remove(&call) {
            self.effects.settled.push(Settled::Read { call, waiter, outcome: outcome.map_err(Error::from) });
        }
    }

    fn wake_after(&mut self, nanoseconds: u64) {
        // A time beyond the clock's range never comes.
        self.effects.alarm = Instant::now().checked_add(Duration::from_nanos(nanoseconds));
    }

    fn report_panic(&mut self, mut message: String, mut location: String) {
        message.truncate(message.floor_char_boundary(MAX_PANIC));
        location.truncate(location.floor_char_boundary(MAX_PANIC));
        self.panic = Some(Panic { message, location });
    }
}
