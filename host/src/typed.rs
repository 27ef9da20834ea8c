//! Typed interop beside calls by name: WIT interfaces of a guest's own, which wasmtime's `bindgen!` knows.
//!
//! A guest may import and export other interfaces beside `dotwit:interop`. A program links its imports when it loads the
//! guest, and calls its exports in a session; both sides have types, and nothing is JSON. Calls by name go on as ever, in the
//! same instance.
//!
//! The API of this module has types of [`wasmtime`], which it re-exports: a new major version of wasmtime is a breaking change of the
//! feature `typed`.
//!
//! ```no_run
//! use dotwit_host::typed::State;
//! use dotwit_host::typed::wasmtime::component::{HasSelf, bindgen};
//! use dotwit_host::{Error, Runtime};
//!
//! bindgen!({
//!     inline: "
//!         package sample:typed@0.1.0;
//!         interface display { digits: func() -> u8; show: func(line: string); }
//!         interface statistics { mean: func(samples: list<f64>) -> f64; }
//!         world typed { import display; export statistics; }
//!     ",
//!     wasmtime_crate: dotwit_host::typed::wasmtime,
//! });
//!
//! /// What the program has for each session.
//! #[derive(Default)]
//! struct Display {
//!     lines: Vec<String>,
//! }
//!
//! impl sample::typed::display::Host for Display {
//!     fn digits(&mut self) -> u8 {
//!         2
//!     }
//!     fn show(&mut self, line: String) {
//!         self.lines.push(line);
//!     }
//! }
//!
//! fn main() -> Result<(), Error> {
//!     let runtime = Runtime::new(Default::default())?;
//!     let guest = runtime.load_typed("typed_interop.wasm", |linker| {
//!         Typed::add_to_linker::<_, HasSelf<Display>>(linker, State::data)
//!     })?;
//!     let session = guest.session()?;
//!     let mean = session.typed(|store, exports| {
//!         let guest = Typed::new(&mut *store, exports)?;
//!         guest.sample_typed_statistics().call_mean(store, &[1.0, 2.0])
//!     })?;
//!     let text: String = session.invoke("TypedInterop", "ShowMean", ([mean],))?;
//!     let lines = session.typed(|store, _| Ok(store.data_mut().data::<Display>().lines.clone()))?;
//!     Ok(assert_eq!(lines, [text]))
//! }
//! ```

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

pub use wasmtime;
use wasmtime::Store;
use wasmtime::component::{Instance, Linker};

use crate::engine::Runtime;
pub use crate::engine::store::State;
use crate::error::{Error, ErrorKind};
use crate::guest::Guest;
use crate::session::Session;

impl Runtime {
    /// [`load`](Self::load) for a guest that imports interfaces of its own, which `link` defines.
    ///
    /// # Errors
    ///
    /// As for [`load`](Self::load); [`ErrorKind::Unsupported`] where `link` fails.
    pub fn load_typed(
        &self,
        path: impl AsRef<Path>,
        link: impl FnOnce(&mut Linker<State>) -> wasmtime::Result<()>,
    ) -> Result<Guest, Error> {
        let mut linker = Linker::clone(&self.linker);
        link(&mut linker).map_err(|error| {
            let what = format!("The program's functions cannot be linked: {}.", error.root_cause());
            Error::new(ErrorKind::Unsupported, what).with_cause(error)
        })?;
        self.load_with(&linker, path.as_ref())
    }
}

impl Session {
    /// Lets `call` use exports of the guest's own. What the guest began meanwhile is done afterwards, as with any call; it must
    /// not keep anything of the store.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::GuestTrapped`] where `call` fails: wasmtime fails calls with traps, after which no instance can be entered.
    /// [`ErrorKind::Reentrant`] where this thread has the guest on its stack.
    pub fn typed<T>(&self, call: impl FnOnce(&mut Store<State>, &Instance) -> wasmtime::Result<T>) -> Result<T, Error> {
        let outcome = self.core.with_guest("an export of the guest's own", |instance| {
            // A panic of the program resumes when the effects have been acted upon.
            match catch_unwind(AssertUnwindSafe(|| instance.typed(call))) {
                Ok(outcome) => outcome.map(Ok),
                Err(panic) => Ok(Err(panic)),
            }
        });
        outcome.map(|ended| ended.unwrap_or_else(|panic| resume_unwind(panic)))
    }
}
