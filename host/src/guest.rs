//! A guest: a component that is compiled, linked and known to be callable.

use std::sync::Arc;

use wasmtime::component::{Component, InstancePre, Linker};

use crate::bindings::GuestIndices;
use crate::error::{Error, ErrorKind};
use crate::inspect;
use crate::instance::Instance;
use crate::manifest::Assembly;
use crate::page::{NoPage, Page};
use crate::runtime::Runtime;
use crate::session::Session;
use crate::state::State;

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
    pre: Prepared,
    assemblies: Vec<Assembly>,
}

/// A component that is ready to be instantiated.
pub(crate) struct Prepared {
    pub(crate) instance: InstancePre<State>,
    /// Where its exports of `dotwit:interop` are.
    pub(crate) exports: GuestIndices,
}

impl Prepared {
    fn new(component: &Component, linker: &Linker<State>) -> wasmtime::Result<Self> {
        let instance = linker.instantiate_pre(component)?;
        let exports = GuestIndices::new(&instance)?;
        Ok(Self { instance, exports })
    }
}

impl Guest {
    /// Prepares a guest that imports what `linker` has.
    pub(crate) fn new(runtime: &Runtime, linker: &Linker<State>, name: &str, bytes: &[u8]) -> Result<Self, Error> {
        let refused = |what: String| Error::new(ErrorKind::InvalidGuest, format!("The guest '{name}' {what}."));
        inspect::check(bytes).map_err(refused)?;
        let component = Component::new(&runtime.engine, bytes).map_err(|error| {
            refused(format!("cannot be compiled: {}", error.root_cause())).with_detail(format!("{error:?}"))
        })?;
        let pre = Prepared::new(&component, linker).map_err(|error| {
            refused(format!("needs what this host does not have: {error}")).with_detail(format!("{error:?}"))
        })?;
        let assemblies = {
            let _turn = runtime.describing.lock();
            let described = Instance::new(runtime, &pre, None).and_then(|mut instance| instance.describe());
            described.map_err(|error| error.about(&format!("The guest '{name}' cannot be started. ")))?
        };
        Ok(Self { inner: Arc::new(Inner { runtime: runtime.clone(), name: name.to_owned(), pre, assemblies }) })
    }

    /// What the guest's name is in messages: its path, if it was loaded from a file.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// What can be called.
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
        self.session_with(NoPage)
    }

    /// Starts the guest with a page that answers its calls to JavaScript: a [`NativePage`](crate::NativePage), or another.
    ///
    /// # Errors
    ///
    /// As for [`session`](Self::session).
    pub fn session_with(&self, page: impl Page) -> Result<Session, Error> {
        let runtime = &self.inner.runtime;
        let instance = Instance::new(runtime, &self.inner.pre, Some(runtime.slot()?))?;
        Ok(Session::new(instance, &runtime.config, page))
    }
}

impl std::fmt::Debug for Guest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guest").field("name", &self.inner.name).finish_non_exhaustive()
    }
}
