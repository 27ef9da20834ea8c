//! A page that is a part of the program.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeBounds;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::task::AbortHandle;

use crate::bindings::types::Message;
use crate::config::Config;
use crate::error::{Error, ErrorKind};
use crate::executor::{self, Work};
use crate::function::{Answer, Scene};
use crate::js_object::{JsObject, Table, js_failed};
use crate::js_stream::Piece;
use crate::page::{Completion, Operation, Page, Request};
use crate::session::Session;

/// A [`Page`] whose functions, values and objects are a program's own.
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
/// let session = guest.session_with(page)?;
/// let () = session.invoke_async("Hello", "Greet", ()).await?; // calls `sayHello1`
/// # Ok(())
/// # }
/// ```
///
/// What a guest asks for and does not find fails with the words of Blazor's page. A function that fails or panics fails
/// the guest's call with [`ErrorKind::JsFailed`], and nothing else.
///
/// Clones have the same members. The references that a guest holds are its session's.
pub struct NativePage {
    modules: Arc<BTreeMap<String, JsObject>>,
    pub(crate) table: Arc<Table>,
    running: Arc<Mutex<BTreeMap<Task, AbortHandle>>>,
    reads: AtomicU64,
}

/// What is running: a call, or a read of an object that no other read has the number of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Task {
    Call(u64),
    Read(i64, u64),
}

impl NativePage {
    /// A page with this global object, which Blazor calls `window`.
    pub fn new(window: JsObject) -> Self {
        Self {
            modules: Arc::default(),
            table: Arc::new(Table::new(window)),
            running: Arc::default(),
            reads: AtomicU64::new(0),
        }
    }

    /// What a guest gets that imports `url`: `import("./scripts.js")`.
    #[must_use]
    pub fn module(mut self, url: &str, module: JsObject) -> Self {
        Arc::make_mut(&mut self.modules).insert(url.to_owned(), module);
        self
    }

    /// Keeps the limits of a session.
    pub(crate) fn limit(&self, config: &Config) {
        self.table.limit(config);
    }

    /// Does what a guest asks for, or says what is to be awaited for it.
    fn answer(&self, session: &Session, request: Request, at_once: bool) -> Result<Answer, Error> {
        let scene = Scene { session: session.downgrade(), table: Arc::clone(&self.table) };
        let asynchronous = |identifier: &str| {
            let what = format!("The function '{identifier}' is asynchronous, and was called synchronously: await it.");
            Err(Error::new(ErrorKind::Unsupported, what))
        };
        if (request.target, request.operation, &*request.identifier) == (0, Operation::Call, "import") {
            if at_once {
                return asynchronous("import");
            }
            let (url,): (String,) = scene.read("import", request.args)?;
            let module = self.modules.get(&url).ok_or_else(|| self.no_module(&url))?;
            return scene.reply(module, request.want).map(Answer::Now);
        }
        let identifier = if at_once { request.identifier.clone() } else { String::new() };
        match scene.object(request.target)?.answer(&scene, request)? {
            Answer::Later(_) if at_once => asynchronous(&identifier),
            answer => Ok(answer),
        }
    }

    fn no_module(&self, url: &str) -> Error {
        let names: Vec<&str> = self.modules.keys().map(String::as_str).collect();
        let there = if names.is_empty() { "no modules".to_owned() } else { format!("'{}'", names.join("', '")) };
        js_failed(format!("The module '{url}' cannot be imported: the page has {there}."))
    }

    fn run<T: Send + 'static>(&self, task: Task, mut work: Work<T>, completion: Completion<T>) {
        if let Some(outcome) = executor::begin(&mut work) {
            return completion.end(outcome);
        }
        let running = Arc::clone(&self.running);
        // Held until the task is in the table: it may end at once.
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
            Answer::Now(message) => Ok(message),
            Answer::Later(_) => unreachable!("what takes its time is refused"),
        }
    }

    fn begin(&self, session: &Session, call: u64, request: Request, completion: Completion) {
        match self.answer(session, request, false) {
            Ok(Answer::Now(message)) => completion.end(Ok(message)),
            Ok(Answer::Later(running)) => self.run(Task::Call(call), running, completion),
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
        let piece = self.table.get(object).and_then(|object| match object.source() {
            Some(source) => source.read(offset, length),
            None => Err(js_failed("Supplied value is not a typed array or blob.")),
        });
        match piece {
            Ok(Piece::Now(bytes)) => completion.end(Ok(bytes)),
            Ok(Piece::Later(reading)) => {
                let task = Task::Read(object, self.reads.fetch_add(1, Ordering::Relaxed));
                self.run(task, reading, completion);
            }
            Err(error) => completion.end(Err(error)),
        }
    }

    fn live_references(&self) -> usize {
        self.table.len()
    }
}

impl Clone for NativePage {
    fn clone(&self) -> Self {
        let table = Arc::new(Table::new(self.table.global().clone()));
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
