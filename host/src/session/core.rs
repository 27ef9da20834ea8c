//! The state that all clones of a [`Session`] share, and references to it.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::task::Waker;

use parking_lot::Mutex;

use crate::background::clock::Alarm;
use crate::config::Config;
use crate::contract::message::Message;
use crate::engine::effects::give_back;
use crate::engine::instance::Instance;
use crate::engine::upcalls::Upcalls;
use crate::error::{Error, ErrorKind};
use crate::session::holds::Holds;
use crate::session::object_table::ObjectTable;
use crate::session::page::Page;
use crate::session::queues::Queues;

/// A running guest. Clones are the same session, which ends with the last of them.
///
/// Calls may come from any thread, one after the other: a guest has one thread of its own. Its code runs on the thread
/// that calls; timers that it sets fire by themselves, on a thread of the host's. After a trap every call fails with
/// [`ErrorKind::GuestTrapped`], and [`Guest::session`](crate::Guest::session) starts the guest again. The memory and the place
/// of a guest that is gone become free when the last clone is dropped.
///
/// ```no_run
/// # async fn example() -> Result<(), dotwit_host::Error> {
/// let runtime = dotwit_host::Runtime::new(Default::default())?;
/// let session = runtime.load("hello.wasm")?.session()?;
/// let sum: i32 = session.invoke("Hello", "Add", (1, 2))?;
/// let greeting: String = session.invoke_async("Hello", "GreetLater", ("Ada",)).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Order
///
/// Calls reach the guest in the order in which they are made, and the page in the order in which the guest makes them.
/// Asynchronous page calls run after the guest has returned, and before the call that caused them returns: on this thread, or
/// on the thread that is already running page calls. If page and guest keep each other busy, a thread of the host's goes on.
///
/// So a function that the guest calls asynchronously may use the session as any other code may, and begins alone: the next one
/// begins when it returns, or awaits. One that the guest calls *synchronously* runs while the guest is on the stack, ahead of
/// what was asked before, and the guest cannot be entered meanwhile. A synchronous call from there fails with
/// [`ErrorKind::Reentrant`] at once, and so does waiting there for an asynchronous one; an asynchronous call that is
/// awaited elsewhere begins as soon as the guest is off the stack. Waiting there for another thread that uses the session
/// deadlocks.
///
/// # Blocking
///
/// Every call runs guest code on the thread that makes it, until the guest returns or
/// [`Config::cpu_limit`](crate::Config::cpu_limit) is over, and waits before that for other threads that are calling the same
/// session. That is so for [`invoke_async`](Self::invoke_async), too, before it returns its future. A task of an async runtime that
/// cannot block so long makes its calls in `spawn_blocking`.
#[derive(Clone)]
pub struct Session {
    pub(crate) core: Arc<SessionCore>,
}

impl Session {
    pub(crate) fn of(core: Arc<SessionCore>) -> Self {
        Self { core }
    }
}

/// The state of a session. See the [folder's documentation](super) for how it is used.
pub(crate) struct SessionCore {
    /// For methods that are called by reference.
    this: Weak<Self>,
    pub(crate) guest: Mutex<LockedGuest>,
    /// The [thread](this_thread) that has the guest on its stack, or 0.
    pub(crate) guest_thread: AtomicU64,
    /// The thread that runs a page task, or 0.
    pub(crate) page_thread: AtomicU64,
    pub(crate) queues: Queues,
    pub(crate) holds: Holds,
    /// The waker of a page function that is blocked on a later page function.
    pub(crate) blocked_waiter: Mutex<Option<Waker>>,
    pub(crate) page: Mutex<Option<Arc<dyn Page>>>,
    /// The objects of the page that the guest holds, where the page is a native one.
    pub(crate) objects: Option<Arc<ObjectTable>>,
    pub(crate) config: Arc<Config>,
    /// The largest arguments of a call, in bytes.
    pub(crate) max_message: usize,
    pub(crate) open_streams: AtomicUsize,
    next_call: AtomicU64,
}

/// What a session locks.
pub(crate) struct LockedGuest {
    pub(crate) instance: Instance,
    /// The guest's one timer.
    pub(crate) alarm: Alarm,
}

impl SessionCore {
    pub(crate) fn new(instance: Instance, config: Arc<Config>, page: Arc<dyn Page>) -> Arc<Self> {
        let objects = page.object_table();
        if let Some(table) = &objects {
            table.limit(&config);
        }
        let max_message = instance.max_message();
        let core = Arc::new_cyclic(|this| Self {
            this: Weak::clone(this),
            guest: Mutex::new(LockedGuest { instance, alarm: Alarm::default() }),
            guest_thread: AtomicU64::new(0),
            page_thread: AtomicU64::new(0),
            queues: Queues::default(),
            holds: Holds::default(),
            blocked_waiter: Mutex::new(None),
            page: Mutex::new(Some(page)),
            objects,
            config,
            max_message,
            open_streams: AtomicUsize::new(0),
            next_call: AtomicU64::new(1),
        });
        let upcalls: Weak<dyn Upcalls> = core.this.clone();
        core.guest.lock().instance.attach(upcalls);
        core
    }

    pub(crate) fn downgrade(&self) -> Weak<Self> {
        Weak::clone(&self.this)
    }

    /// Returns the session, unless it is ending.
    pub(crate) fn upgrade(&self) -> Option<Arc<Self>> {
        self.this.upgrade()
    }

    /// Returns the page, unless the guest is gone.
    pub(crate) fn page(&self) -> Option<Arc<dyn Page>> {
        self.page.lock().clone()
    }

    pub(crate) fn next_call(&self) -> u64 {
        self.next_call.fetch_add(1, Ordering::Relaxed)
    }

    /// Returns whether this thread has the guest on its stack.
    pub(crate) fn is_on_stack(&self) -> bool {
        // Relaxed is enough: only this thread's own writes can make it true.
        self.guest_thread.load(Ordering::Relaxed) == this_thread()
    }

    /// # Errors
    ///
    /// [`ErrorKind::Reentrant`], where this thread has the guest on its stack.
    pub(crate) fn check_off_stack(&self, what: &str) -> Result<(), Error> {
        if self.is_on_stack() { Err(reentrant(what)) } else { Ok(()) }
    }

    /// Queues the release of what an unread message of the guest's names.
    pub(crate) fn queue_give_back(&self, message: &Message) {
        self.queues.push_guest_tasks(give_back(message));
    }
}

/// Returns a number for this thread that no other has.
pub(crate) fn this_thread() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    thread_local! {
        static NUMBER: u64 = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    NUMBER.with(|number| *number)
}

pub(crate) fn reentrant(what: &str) -> Error {
    let what = format!(
        "The guest is on the stack, in a synchronous call of its page: '{what}' cannot be called or waited for from there. \
         Call asynchronously, and wait elsewhere."
    );
    Error::new(ErrorKind::Reentrant, what)
}

/// A reference to a session: a strong one keeps the session alive, and a weak one may outlive it.
#[derive(Clone)]
pub(crate) struct SessionRef {
    core: Weak<SessionCore>,
    _keep: Option<Arc<SessionCore>>,
}

impl SessionRef {
    pub(crate) fn strong(core: &Arc<SessionCore>) -> Self {
        Self { core: Arc::downgrade(core), _keep: Some(Arc::clone(core)) }
    }

    pub(crate) fn weak(core: Weak<SessionCore>) -> Self {
        Self { core, _keep: None }
    }

    /// # Errors
    ///
    /// [`ErrorKind::Disconnected`], where the session has ended.
    pub(crate) fn get(&self) -> Result<Arc<SessionCore>, Error> {
        self.upgrade().ok_or_else(|| Error::new(ErrorKind::Disconnected, "The session has ended."))
    }

    pub(crate) fn upgrade(&self) -> Option<Arc<SessionCore>> {
        self.core.upgrade()
    }

    pub(crate) fn downgrade(&self) -> Weak<SessionCore> {
        Weak::clone(&self.core)
    }
}

thread_local! {
    static CURRENT: RefCell<Weak<SessionCore>> = const { RefCell::new(Weak::new()) };
}

/// Returns the session whose page function this thread runs.
pub(crate) fn current() -> Option<Arc<SessionCore>> {
    CURRENT.with_borrow(Weak::upgrade)
}

/// Runs a page function, or polls one, with a [current] session. A panic is an error.
pub(crate) fn with_current<T>(session: &Weak<SessionCore>, run: impl FnOnce() -> T) -> std::thread::Result<T> {
    let outer = CURRENT.replace(Weak::clone(session));
    let result = catch_unwind(AssertUnwindSafe(run));
    CURRENT.set(outer);
    result
}
