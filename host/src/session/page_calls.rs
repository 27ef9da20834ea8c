//! Runs what the guest asks of its page.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};

use crate::background::executor::Polling;
use crate::contract::message::Message;
use crate::contract::request::Request;
use crate::engine::effects::{GuestTask, Inbox, PageTask};
use crate::engine::upcalls::{PageOutcome, Upcalls};
use crate::error::{Error, panic_message};
use crate::session::completion::Completion;
use crate::session::core::{Session, SessionCore};
use crate::session::holds::Ended;

impl SessionCore {
    /// Runs a task without the guest's lock, so that the page may call the session.
    pub(crate) fn run_page_task(self: &Arc<Self>, mut task: PageTask) {
        let page = self.page();
        let inbox: Weak<dyn Inbox> = self.downgrade();
        let holds = match &mut task {
            PageTask::Begin { holds, .. } => std::mem::take(holds),
            PageTask::Read { object, .. } => vec![*object],
            PageTask::Cancel(_) | PageTask::Drop => Vec::new(),
        };
        // A panic drops the completion, which tells the guest. The page moves inside, since this may be its last reference.
        let _ = catch_unwind(AssertUnwindSafe(move || {
            let Some(page) = page else { return };
            let _suspended = Polling::suspend();
            match task {
                PageTask::Begin { call, id, request, .. } => {
                    let end = |call, id, outcome| GuestTask::EndPageCall { call, id, outcome };
                    page.begin(&Session::of(Arc::clone(self)), id, request, Completion::new(inbox, call, id, end));
                }
                PageTask::Read { call, id, object, offset, length } => {
                    let end = |call, id, outcome| GuestTask::EndPageRead { call, id, outcome };
                    page.read(object, offset, length, Completion::new(inbox, call, id, end));
                }
                PageTask::Cancel(id) => page.cancel(id),
                PageTask::Drop => self.drop_page(),
            }
        }));
        self.release_held(&holds);
    }

    /// Drops the page of a guest that is gone, once no unread result names anything of it.
    fn drop_page(&self) {
        let page = self.page.lock().take();
        drop(page.and_then(|page| self.holds.keep_page(page)));
    }

    /// Releases the page's objects in a message that the guest does not get.
    pub(crate) fn discard(&self, message: &Message) {
        message.page_objects().for_each(|object| self.release(object));
    }

    /// Gives back the guest's objects and streams in a message that has not been received.
    pub(crate) fn give_back(self: &Arc<Self>, message: &Message) {
        self.queue_give_back(message);
        self.drain();
    }
}

impl Upcalls for SessionCore {
    fn invoke(&self, request: Request) -> PageOutcome {
        let Some((page, session)) = self.page().zip(self.upgrade()) else { return Err(Error::no_page()) };
        let _suspended = Polling::suspend();
        let answer = catch_unwind(AssertUnwindSafe(|| page.invoke(&Session::of(session), request)));
        answer.unwrap_or_else(|panic| Err(Error::js_failed(format!("The page panicked: {}", panic_message(&*panic)))))
    }

    fn account(&self, request: &Request) -> Result<Vec<i64>, Error> {
        self.queues.account(request, self.config.max_memory)?;
        // The page itself is never released.
        let target = Some(request.target).filter(|object| *object > 0);
        let holds: Vec<i64> = request.args.page_objects().chain(target).collect();
        self.hold(&holds);
        Ok(holds)
    }

    fn hold(&self, objects: &[i64]) {
        if !objects.is_empty() {
            self.holds.hold(objects);
        }
    }

    fn release_held(&self, objects: &[i64]) {
        if objects.is_empty() {
            return;
        }
        let Ended { releases, page } = self.holds.end(objects);
        releases.into_iter().for_each(|object| self.release(object));
        // Nothing waits that a panic could fail.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(page)));
    }

    fn release(&self, object: i64) {
        if self.holds.defer_release(object) {
            return;
        }
        if let Some(page) = self.page() {
            // Nothing waits that a panic could fail.
            let _ = catch_unwind(AssertUnwindSafe(move || page.release(object)));
        }
    }
}
