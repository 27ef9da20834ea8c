//! The two queues of a session, and what counts towards their limits.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::contract::request::Request;
use crate::engine::effects::{GuestTask, PageTask};
use crate::error::{Error, ErrorKind};
use crate::limits::too_many_calls;

/// What waits for the guest, and what waits for the page.
///
/// Calls that begin are limited by their number, and requests of the guest by their bytes. Every other task ends or gives back
/// something that was limited when it began.
#[derive(Default)]
pub(crate) struct Queues {
    inner: Mutex<Inner>,
    /// The lengths, which are read without the lock.
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
        let task = queues.page_tasks.pop_front()?;
        if let PageTask::Begin { request, .. } = &task {
            queues.bytes -= size(request);
        }
        self.page_tasks.store(queues.page_tasks.len(), Ordering::Release);
        Some(task)
    }

    /// # Errors
    ///
    /// [`ErrorKind::TooMany`], where `limit` calls wait to be begun.
    pub(crate) fn check_beginning(&self, method: &str, limit: usize) -> Result<(), Error> {
        let beginning = self.inner.lock().beginning;
        if beginning < limit { Ok(()) } else { Err(too_many_calls(method, beginning)) }
    }

    /// Counts the size of a request that will be pushed, until it is popped.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooLarge`], where the requests that wait would exceed `limit`, in bytes.
    pub(crate) fn account(&self, request: &Request, limit: usize) -> Result<(), Error> {
        let queues = &mut *self.inner.lock();
        let bytes = queues.bytes + size(request);
        if bytes > limit {
            let what = format!("The waiting calls of the page have {bytes} bytes, and {limit} is the limit.");
            return Err(Error::new(ErrorKind::TooLarge, what));
        }
        queues.bytes = bytes;
        Ok(())
    }
}

/// Returns the size of a request, in bytes.
fn size(request: &Request) -> usize {
    request.identifier.len() + request.args.size()
}
