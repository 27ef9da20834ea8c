//! A guest: a component that is compiled, linked and known to be callable.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use wasmtime::component::{Component, Linker};

use crate::component::inspect;
#[cfg(feature = "server")]
use crate::config::Config;
use crate::contract::manifest::Assembly;
use crate::engine::Runtime;
#[cfg(feature = "server")]
use crate::engine::fiber::FiberGuest;
use crate::engine::instance::{Instance, PreparedGuest};
use crate::engine::store::State;
use crate::error::{Error, ErrorKind};
use crate::session::Session;
use crate::session::page::{NoPage, Page};

/// A compiled guest. Clones are the same guest.
///
/// ```no_run
/// # fn main() -> Result<(), dotwit_host::Error> {
/// let runtime = dotwit_host::Runtime::new(Default::default())?;
/// let guest = runtime.load("hello.wasm")?;
/// for assembly in guest.assemblies() {
///     println!("{} has {} static methods", assembly.name, assembly.methods.len());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Guest {
    inner: Arc<Inner>,
}

struct Inner {
    runtime: Runtime,
    name: String,
    pre: PreparedGuest,
    assemblies: Vec<Assembly>,
}

impl Runtime {
    /// Loads a guest from a file: a component that exports `dotwit:interop`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidGuest`] says what the file is instead, or what is wrong with the guest. A guest is started once to
    /// describe itself: [`ErrorKind::GuestTrapped`] if it traps then, and [`ErrorKind::Failed`] if it cannot.
    pub fn load(&self, path: impl AsRef<Path>) -> Result<Guest, Error> {
        self.load_with(&self.linker, path.as_ref())
    }

    /// Loads a guest that imports what `linker` has.
    pub(crate) fn load_with(&self, linker: &Linker<State>, path: &Path) -> Result<Guest, Error> {
        let name = path.display().to_string();
        let refused = |what: String| Error::new(ErrorKind::InvalidGuest, format!("The guest '{name}' {what}."));
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(_) if path.is_dir() => return Err(refused("is a folder, and a file is expected".to_owned())),
            Err(error) => return Err(refused(format!("cannot be read: {error}"))),
        };
        Guest::new(self, linker, &name, &bytes)
    }

    /// Loads a guest from the bytes of a component. `name` stands for it in messages.
    ///
    /// # Errors
    ///
    /// As for [`load`](Self::load).
    pub fn load_bytes(&self, name: &str, bytes: &[u8]) -> Result<Guest, Error> {
        Guest::new(self, &self.linker, name, bytes)
    }
}

impl Guest {
    /// Prepares a guest that imports what `linker` has.
    pub(crate) fn new(runtime: &Runtime, linker: &Linker<State>, name: &str, bytes: &[u8]) -> Result<Self, Error> {
        let refused = |what: String| Error::new(ErrorKind::InvalidGuest, format!("The guest '{name}' {what}."));
        inspect::check(bytes).map_err(refused)?;
        let component = Component::new(&runtime.engine, bytes)
            .map_err(|error| refused(format!("cannot be compiled: {}", error.root_cause())).with_cause(error))?;
        let pre = PreparedGuest::new(&component, linker)
            .map_err(|error| refused(format!("imports what this host does not have: {error}")).with_cause(error))?;
        let assemblies = {
            let _turn = runtime.describing.lock();
            let described = Instance::new(runtime, &pre, None).and_then(|mut instance| instance.describe());
            described.map_err(|error| error.with_prefix(&format!("The guest '{name}' cannot be started. ")))?
        };
        Ok(Self { inner: Arc::new(Inner { runtime: runtime.clone(), name: name.to_owned(), pre, assemblies }) })
    }

    /// The guest's name in messages: its path, if it was loaded from a file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// What can be called, by assembly. A guest that is built with the `dotwit` crate has one, which `dotwit::export!` names; the
    /// contract allows for several.
    #[must_use]
    pub fn assemblies(&self) -> &[Assembly] {
        &self.inner.assemblies
    }

    /// Starts the guest: an instance of its own, with memory of its own. It has no page: its calls to JavaScript end with
    /// [`ErrorKind::Unsupported`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::GuestTrapped`] where it traps at once, [`ErrorKind::TooMany`] where there are as many sessions as
    /// [`Config::max_sessions`](crate::Config::max_sessions) allows.
    pub fn session(&self) -> Result<Session, Error> {
        self.session_with_page(NoPage)
    }

    /// Starts the guest with a page that answers its calls to JavaScript: a [`NativePage`](crate::NativePage), or another.
    ///
    /// # Errors
    ///
    /// As for [`session`](Self::session).
    pub fn session_with_page(&self, page: impl Page) -> Result<Session, Error> {
        let runtime = &self.inner.runtime;
        let instance = Instance::new(runtime, &self.inner.pre, Some(runtime.permit()?))?;
        Ok(Session::new(instance, &runtime.config, page))
    }

    /// Returns the limits of the runtime that has loaded it.
    #[cfg(feature = "server")]
    pub(crate) fn config(&self) -> Arc<Config> {
        Arc::clone(&self.inner.runtime.config)
    }

    /// Returns the guest as circuits run it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`], where it imports interfaces that its program has linked: they are called synchronously.
    #[cfg(feature = "server")]
    pub(crate) fn for_circuits(&self) -> Result<FiberGuest, Error> {
        FiberGuest::new(&self.inner.runtime, &self.inner.pre).map_err(|error| {
            let what = format!("The guest '{}' imports what circuits do not have: {error}.", self.inner.name);
            Error::new(ErrorKind::Unsupported, what).with_cause(error)
        })
    }
}

impl fmt::Debug for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guest").field("name", &self.inner.name).finish_non_exhaustive()
    }
}
