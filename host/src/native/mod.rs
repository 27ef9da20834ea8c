//! A page that is a part of the program: a model of objects, values and functions, not of JavaScript.
//!
//! `model` is the data, and `object` and `value` are what is done with it. `function` is how functions are called, and `closure` and
//! `arguments` are how Rust closures become functions. `stream` and `source` are streams to the guest, and `snapshot` is an object
//! as JSON. The folder imports `session`, `value` and what stands below them.

mod arguments;
mod closure;
pub(crate) mod function;
pub(crate) mod model;
mod object;
mod snapshot;
mod source;
pub(crate) mod stream;
mod value;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeBounds;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::task::AbortHandle;

use crate::background::executor::{self, BoxFuture};
use crate::contract::message::Message;
use crate::contract::request::{Operation, Request};
use crate::error::{Error, ErrorKind};
use crate::native::function::{CallContext, Reply};
use crate::native::model::JsObject;
use crate::native::source::Chunk;
use crate::session::Session;
use crate::session::completion::Completion;
use crate::session::object_table::ObjectTable;
use crate::session::page::Page;

/// A [`Page`] of functions, values and objects of the program's own.
///
/// ```no_run
/// # async fn example() -> Result<(), dotwit_host::Error> {
/// use dotwit_host::{JsObject, NativePage, Runtime};
///
/// let window = JsObject::new().function("sayHello1", |(name,): (String,)| Ok(format!("Hello, {name}!")));
/// let scripts = JsObject::new().function("showPrompt", |(text,): (String,)| Ok(text.to_uppercase()));
/// let page = NativePage::new(window).module("./scripts.js", scripts);
///
/// let guest = Runtime::new(Default::default())?.load("hello.wasm")?;
/// let session = guest.session_with_page(page)?;
/// let () = session.invoke_async("Hello", "Greet", ()).await?; // calls `sayHello1`
/// # Ok(())
/// # }
/// ```
///
/// A member that a guest asks for and that does not exist fails in the words of Blazor's page. A function that fails or panics
/// fails the guest's call with [`ErrorKind::JsFailed`], and nothing else.
///
/// Clones have the same members. The references that a guest holds are its session's.
pub struct NativePage {
    modules: Arc<BTreeMap<String, JsObject>>,
    table: Arc<ObjectTable>,
    running: Arc<Mutex<BTreeMap<Task, AbortHandle>>>,
    reads: AtomicU64,
}

/// The key of a task that is running: a call, or a read of an object with the number of the read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Task {
    Call(u64),
    Read(i64, u64),
}

impl NativePage {
    /// Returns a page with this global object, which Blazor calls `window`.
    #[must_use]
    pub fn new(window: JsObject) -> Self {
        Self {
            modules: Arc::default(),
            table: Arc::new(ObjectTable::new(window.into_handle())),
            running: Arc::default(),
            reads: AtomicU64::new(0),
        }
    }

    /// Adds a module: what a guest that imports `url` gets, as in `import("./scripts.js")`.
    #[must_use]
    pub fn module(mut self, url: impl Into<String>, module: JsObject) -> Self {
        Arc::make_mut(&mut self.modules).insert(url.into(), module);
        self
    }

    /// Does what a guest asks for, or returns the future of it. `at_once` refuses the latter.
    fn answer(&self, session: &Session, request: Request, at_once: bool) -> Result<Reply, Error> {
        let context = CallContext { session: session.core.downgrade(), table: Arc::clone(&self.table) };
        let asynchronous = |identifier: &str| {
            let what = format!("The function '{identifier}' is asynchronous, and was called synchronously: await it.");
            Err(Error::new(ErrorKind::Unsupported, what))
        };
        if (request.target, request.operation, &*request.identifier) == (0, Operation::Call, "import") {
            if at_once {
                return asynchronous("import");
            }
            let (url,): (String,) = context.read("import", request.args)?;
            let module = self.modules.get(&url).ok_or_else(|| self.no_module(&url))?;
            return context.reply(module, request.result_type).map(Reply::Ready);
        }
        let identifier = if at_once { request.identifier.clone() } else { String::new() };
        match self.object(request.target)?.answer(&context, request)? {
            Reply::Pending(_) if at_once => asynchronous(&identifier),
            answer => Ok(answer),
        }
    }

    fn object(&self, id: i64) -> Result<JsObject, Error> {
        self.table.get(id).and_then(JsObject::from_handle)
    }

    fn no_module(&self, url: &str) -> Error {
        let names: Vec<&str> = self.modules.keys().map(String::as_str).collect();
        let there = if names.is_empty() { "no modules".to_owned() } else { format!("'{}'", names.join("', '")) };
        Error::js_failed(format!("The module '{url}' cannot be imported: the page has {there}."))
    }

    fn run<T: Send + 'static>(&self, task: Task, mut work: BoxFuture<T>, completion: Completion<T>) {
        if let Some(outcome) = executor::begin(&mut work) {
            return completion.end(outcome);
        }
        let running = Arc::clone(&self.running);
        // Locked until the task is in the table, since it may end at once.
        let mut running_now = self.running.lock();
        let handle = executor::spawn(work, move |outcome| {
            running.lock().remove(&task);
            completion.end(outcome);
        });
        running_now.insert(task, handle);
    }

    fn abort(&self, tasks: impl RangeBounds<Task>) {
        let mut running = self.running.lock();
        let tasks: Vec<Task> = running.range(tasks).map(|(task, _)| *task).collect();
        tasks.iter().filter_map(|task| running.remove(task)).for_each(|handle| handle.abort());
    }
}

impl Page for NativePage {
    fn invoke(&self, session: &Session, request: Request) -> Result<Message, Error> {
        match self.answer(session, request, true)? {
            Reply::Ready(message) => Ok(message),
            Reply::Pending(_) => unreachable!("asynchronous functions are refused"),
        }
    }

    fn begin(&self, session: &Session, call: u64, request: Request, completion: Completion) {
        match self.answer(session, request, false) {
            Ok(Reply::Ready(message)) => completion.end(Ok(message)),
            Ok(Reply::Pending(running)) => self.run(Task::Call(call), running, completion),
            Err(error) => completion.end(Err(error)),
        }
    }

    fn cancel(&self, call: u64) {
        self.abort(Task::Call(call)..=Task::Call(call));
    }

    fn release(&self, object: i64) {
        if self.table.release(object) {
            self.abort(Task::Read(object, 0)..=Task::Read(object, u64::MAX));
        }
    }

    fn read(&self, object: i64, offset: u64, length: u32, completion: Completion<Vec<u8>>) {
        let chunk = self.object(object).and_then(|object| match object.source() {
            Some(source) => source.read(offset, length),
            None => Err(Error::js_failed("Supplied value is not a typed array or blob.")),
        });
        match chunk {
            Ok(Chunk::Now(bytes)) => completion.end(Ok(bytes)),
            Ok(Chunk::Later(reading)) => {
                let task = Task::Read(object, self.reads.fetch_add(1, Ordering::Relaxed));
                self.run(task, reading, completion);
            }
            Err(error) => completion.end(Err(error)),
        }
    }

    fn live_references(&self) -> usize {
        self.table.len()
    }

    fn object_table(&self) -> Option<Arc<ObjectTable>> {
        Some(Arc::clone(&self.table))
    }
}

impl Clone for NativePage {
    fn clone(&self) -> Self {
        let table = Arc::new(ObjectTable::new(Arc::clone(self.table.global())));
        Self { modules: Arc::clone(&self.modules), table, running: Arc::default(), reads: AtomicU64::new(0) }
    }
}

impl Drop for NativePage {
    fn drop(&mut self) {
        self.abort(..);
        self.table.clear();
    }
}

impl fmt::Debug for NativePage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NativePage").finish_non_exhaustive()
    }
}
