//! References to objects of the page.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};
use crate::message;
use crate::page::try_page;
use crate::placeholder::{self, Placeholder};

pub(crate) const KEY: &str = "__jsObjectId";

/// How many references to objects of the page a guest may hold: one that never lets go would otherwise fill the page's
/// memory.
pub(crate) const MAX_LIVE: usize = 100_000;

thread_local! {
    static LIVE: Cell<usize> = const { Cell::new(0) };
}

/// How many references to objects of the page are held.
pub(crate) fn live() -> usize {
    LIVE.get()
}

/// What one message gave of one object of the page. The page keeps the object until the guest has given each share
/// back.
pub(crate) struct Handle {
    id: i64,
    /// How many placeholders the message had for the object; 0 once they are given back.
    shares: Cell<u32>,
}

impl Handle {
    /// The handle of an object whose placeholder has come.
    pub(crate) fn new(id: i64) -> Rc<Self> {
        LIVE.set(LIVE.get() + 1);
        Rc::new(Self { id, shares: Cell::new(1) })
    }

    pub(crate) fn id(&self) -> i64 {
        self.id
    }

    /// Notes that another placeholder has come.
    pub(crate) fn share(&self) {
        self.shares.set(self.shares.get() + 1);
    }

    /// Gives back all that came. Whether there was something.
    fn release(&self) -> bool {
        let shares = self.shares.take();
        if shares == 0 {
            return false;
        }
        // This may be a drop, in the midst of whatever it is, or at the thread's end: nothing is borrowed or awaited
        // here.
        let _ = LIVE.try_with(|live| live.set(live.get() - 1));
        if let Some(page) = try_page() {
            (0..shares).for_each(|_| page.release_js(self.id));
        }
        true
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.release();
    }
}

/// A reference to an object or a function of the page: what Blazor's `IJSObjectReference` is.
///
/// It is the result of a call that asks for one, or comes inside arguments and results where the page made it with
/// `DotNet.createJSObjectReference`. As an argument or inside a result it is the object itself to the page. What is
/// `null` or `undefined` at the page is `None` where an `Option<JsObjectReference>` is asked for, and an error
/// otherwise.
///
/// A reference can be cloned; when the last clone is dropped, the page may forget the object.
///
/// ```no_run
/// # use dotwit::prelude::*;
/// # async fn example() -> Result<(), dotwit::Error> {
/// let module = js::import("./scripts.js").await?;
/// let text: String = module.invoke("showPrompt", ("What is your name?",)).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct JsObjectReference {
    handle: Option<Rc<Handle>>,
}

impl JsObjectReference {
    /// The page's global object.
    pub(crate) const GLOBAL: Self = Self { handle: None };

    /// The object's id, as long as the reference has not been disposed of.
    pub(crate) fn id(&self) -> Result<i64, Error> {
        match &self.handle {
            None => Ok(0),
            Some(handle) if handle.shares.get() > 0 => Ok(handle.id),
            Some(_) => Err(Error::new(ErrorKind::NoSuchObject, "The JsObjectReference was already disposed.")),
        }
    }

    /// What keeps the object alive.
    pub(crate) fn handle(&self) -> Option<&Rc<Handle>> {
        self.handle.as_ref()
    }

    /// Gives the object back at once. Using this reference or a clone of it fails with [`ErrorKind::NoSuchObject`] from
    /// then on. Doing so twice is harmless, and the global object is never given back.
    pub fn dispose(&self) {
        if let Some(handle) = &self.handle {
            handle.release();
        }
    }

    /// The reference to the object with this id in the message that is being read.
    pub(crate) fn received<E: de::Error>(id: i64) -> Result<Self, E> {
        if id == -1 {
            return Err(E::custom(NULL));
        }
        let handle = message::read_handle(id)?;
        Ok(Self { handle: Some(handle) })
    }
}

/// How the page makes references.
const MADE: &str = "DotNet.createJSObjectReference makes a reference of an object or a function";

/// Why a `null` cannot be read.
pub(crate) const NULL: &str = "the page's object is null, which only an Option can hold (a function is null, too, unless \
                               DotNet.createJSObjectReference makes a reference of it)";

impl fmt::Debug for JsObjectReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.id() {
            Ok(id) => write!(f, "JsObjectReference({id})"),
            Err(_) => f.write_str("JsObjectReference(disposed)"),
        }
    }
}

impl Serialize for JsObjectReference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let id = message::write_js_object(self)?;
        placeholder::serialize(serializer, KEY, id)
    }
}

impl<'de> Deserialize<'de> for JsObjectReference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = JsObjectReference;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object that the page gave to DotNet.createJSObjectReference")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<JsObjectReference, A::Error> {
        JsObjectReference::received(Placeholder { key: KEY, made: MADE }.visit_map(map)?)
    }

    fn visit_unit<E: de::Error>(self) -> Result<JsObjectReference, E> {
        Err(E::custom(NULL))
    }
}
