//! A running guest that a native program calls from any thread.
//!
//! A [`Session`] drives one [`Instance`]. It moves messages and knows no Rust values: those
//! are made of messages in `value`. The folder imports `engine` and what stands below.
//!
//! # The model
//!
//! The guest is behind one lock, and on either side of it there is a queue:
//!
//! ```text
//!  calls ──> guest tasks ──> [ lock: instance, alarm ] ──> page tasks ──> page
//!            ends, releases,   one entry at a time         what the guest asks
//!            cancellations                                 of its page
//! ```
//!
//! - **Guest tasks** are what the guest must be told: ends of what it began, and calls made while it was on the stack.
//!   Any thread that finds the guest free delivers them.
//! - **Page tasks** run without the lock, one after the other, so that a function of the page may call the session. What it
//!   answers is a guest task again.
//!
//! A thread is in one of three states towards a session. It is *outside*; it *has the guest on its stack*, in a synchronous call of
//! the page, and must not wait for the guest; or it *runs a page task*, and may call the guest but begins no other page task
//! unless it blocks. `core` holds this state, `scheduler` moves between the states, `queues` are the two queues, `holds` keeps what
//! must not be released yet, `page_calls` runs the page tasks, and `invocation` is a call as its caller sees it.

pub(crate) mod completion;
pub(crate) mod core;
mod holds;
pub(crate) mod invocation;
pub(crate) mod object_table;
pub(crate) mod page;
mod page_calls;
mod queues;
mod scheduler;

use std::fmt;
use std::sync::Arc;

use crate::config::Config;
use crate::contract::message::{Message, Target};
use crate::engine::instance::Instance;
use crate::engine::result::ResultMessage;
use crate::error::Error;
use crate::limits;
pub use crate::session::core::Session;
use crate::session::core::{SessionCore, SessionRef};
use crate::session::invocation::MessageCall;
use crate::session::page::Page;

impl Session {
    pub(crate) fn new(instance: Instance, config: &Arc<Config>, page: impl Page) -> Self {
        Self::of(SessionCore::new(instance, Arc::clone(config), Arc::new(page)))
    }

    /// Returns the session whose guest has called the running function of a [`NativePage`](crate::NativePage), inside the function and
    /// inside the future that it returns. A function that owned a [`Session`] instead would keep that session from ending.
    ///
    /// ```
    /// use dotwit_host::{JsObject, Session};
    ///
    /// let window = JsObject::new().async_function("double", async |(number,): (i32,)| {
    ///     let session = Session::current().expect("a guest has called this");
    ///     Ok(session.invoke_async::<i32>("Hello", "Add", (number, number)).await?)
    /// });
    /// # let _ = window;
    /// ```
    #[must_use]
    pub fn current() -> Option<Self> {
        core::current().map(Self::of)
    }

    /// Calls a synchronous method with a message that is ready to be sent: a JSON array, and the byte arrays that it names. The caller
    /// releases the guest's objects that the result names.
    ///
    /// ```no_run
    /// # fn example(session: dotwit_host::Session) -> Result<(), dotwit_host::Error> {
    /// use dotwit_host::{Message, Target};
    ///
    /// let sum = session.invoke_message(&Target::from("Hello"), "Add", &Message::from_json("[1, 2]"))?;
    /// assert_eq!(sum.json, "3");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`invoke`](Self::invoke).
    pub fn invoke_message(&self, target: &Target, method: &str, args: &Message) -> Result<ResultMessage, Error> {
        limits::check_arguments(&self.core.config, self.core.max_message, method, args)?;
        self.core.with_guest(method, |instance| instance.invoke(target, method, args))
    }

    /// Calls a method with a message that is ready to be sent. The call begins before this function returns, and dropping the
    /// future cancels it.
    ///
    /// # Errors
    ///
    /// The future's output is an error as for [`invoke_async`](Self::invoke_async).
    pub fn invoke_message_async(&self, target: &Target, method: &str, args: &Message) -> MessageCall {
        let session = SessionRef::strong(&self.core);
        MessageCall::begin(&session, target, method, args).unwrap_or_else(|error| MessageCall::refused(session, error))
    }

    /// Returns how many objects of the guest can be named: handed out, and not disposed of.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::GuestTrapped`](crate::ErrorKind::GuestTrapped), [`ErrorKind::Reentrant`](crate::ErrorKind::Reentrant).
    pub fn live_references(&self) -> Result<u32, Error> {
        self.core.with_guest("live references", Instance::live)
    }

    /// Returns how many objects of the page the guest holds references to. It is 0 once the guest is gone.
    #[must_use]
    pub fn live_page_references(&self) -> usize {
        self.core.page().map_or(0, |page| page.live_references())
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}
