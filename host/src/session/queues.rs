//! The two queues of a session, with what is counted of them.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::contract::request::Request;
use crate::engine::effects::{GuestTask, PageTask};
use crate::error::{Error, ErrorKind};
use crate::limits::too_many_calls;

/// What waits for the guest, and what waits for the page.
///
/// Calls that begin are limited by their number, and what the guest asks of the page by its bytes. All else that is told to the guest
/// ends or gives back something that was limited when it began.
#[derive(Default)]
pub(crate) struct Queues {
    inner: Mutex<Inner>,
    /// The lengths, to be looked at without the lock.
    guest_tasks: AtomicUsize,
    page_tasks: AtomicUsize,
}

#[derive(Default)]
struct Inner {
    guest_tasks: VecDeque<GuestTask>,
    page_tasks: VecDeque<PageTask>,
    /// How many of the guest's tasks begin calls.
    beginning: usize,
    /// The bytes of the requests among the page's tasks.
    bytes: usize,
}

impl Queues {
    pub(crate) fn guest_tasks(&self) -> usize {
        self.guest_tasks.load(Ordering::Acquire)
    }

    pub(crate) fn page_tasks(&self) -> usize {
        self.page_tasks.load(Ordering::Acquire)
    }

    pub(crate) fn push_guest_tasks(&self, tasks: impl IntoIterator<Item = GuestTask>) {
        let queues = &mut *self.inner.lock();
        for task in tasks {
            queues.beginning += usize::from(matches!(task, GuestTask::BeginCall { .. }));
            queues.guest_tasks.push_back(task);
        }
        self.guest_tasks.store(queues.guest_tasks.len(), Ordering::Release);
    }

    pub(crate) fn pop_guest_task(&self) -> Option<GuestTask> {
        let queues = &mut *self.inner.lock();
        let task = queues.guest_tasks.pop_front()?;
        queues.beginning -= usize::from(matches!(task, GuestTask::BeginCall { .. }));
        self.guest_tasks.store(queues.guest_tasks.len(), Ordering::Release);
        Some(task)
    }

    pub(crate) fn push_page_tasks(&self, tasks: Vec<PageTask>) {
        let queues = &mut *self.inner.lock();
        queues.page_tasks.extend(tasks);
        self.page_tasks.store(queues.page_tasks.len(), Ordering::Release);
    }

    pub(crate) fn pop_page_task(&self) -> Option<PageTask> {
        let queues = &mut *self.inner.lock();
        let task = queues.page_tasks.pop_front();
        self.page_tasks.store(queues.page_tasks.len(), Ordering::Release);
        task
    }

    /// # Errors
    ///
    /// [`ErrorKind::TooMany`], where `limit` calls wait to be begun.
    pub(crate) fn check_beginning(&self, method: &str, limit: usize) -> Result<(), Error> {
        let beginning = self.inner.lock().beginning;
        if beginning < limit { Ok(()) } else { Err(too_many_calls(method, beginning)) }
    }

    /// Takes the size of a request into account that will wait, until [`settle`](Self::settle).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooLarge`], where all that wait would be larger than `limit`, in bytes.
    pub(crate) fn account(&self, request: &Request, limit: usize) -> Result<(), Error> {
        let queues = &mut *self.inner.lock();
        let bytes = queues.bytes + size(request);
        if bytes > limit {
            let what = format!("The calls of the page that wait have {bytes} bytes, and {limit} is the limit.");
            return Err(Error::new(ErrorKind::TooLarge, what));
        }
        queues.bytes = bytes;
        Ok(())
    }

    pub(crate) fn settle(&self, bytes: usize) {
        self.inner.lock().bytes -= bytes;
    }
}

/// The size of a request, in bytes.
pub(crate) fn size(request: &Request) -> usize {
    request.identifier.len() + request.args.size()
}
