//! References to objects of the page.

use std::fmt;
use std::rc::Rc;

use dotwit_wire::placeholder::{self, JS_OBJECT, Placeholder};
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use crate::codec::{self, Attachment};
use crate::error::{Error, ErrorKind};
use crate::page::handle::Handle;

const PLACEHOLDER: Placeholder =
    Placeholder::new(JS_OBJECT, "DotNet.createJSObjectReference makes a reference of an object or a function");

/// A reference to an object or a function of the page: Blazor's `IJSObjectReference`.
///
/// It is the result of a call that asks for one, or comes inside arguments and results if the page made it with
/// `DotNet.createJSObjectReference`. As an argument or inside a result it is the object itself to the page. `null` and
/// `undefined` are `None` if an `Option<JsObjectReference>` is asked for, and an error otherwise.
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

    /// The object's id.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoSuchObject`] if the reference was disposed of.
    pub(crate) fn id(&self) -> Result<i64, Error> {
        match &self.handle {
            None => Ok(0),
            Some(handle) if !handle.is_released() => Ok(handle.id()),
            Some(_) => Err(Error::new(ErrorKind::NoSuchObject, "The JsObjectReference was already disposed.")),
        }
    }

    /// What keeps the object alive; none for the global object.
    pub(crate) fn handle(&self) -> Option<&Rc<Handle>> {
        self.handle.as_ref()
    }

    /// Gives the object back at once. Using this reference or a clone of it fails with [`ErrorKind::NoSuchObject`] from
    /// then on. Disposing of it twice is harmless, and the global object is never given back.
    pub fn dispose(&self) {
        if let Some(handle) = &self.handle {
            handle.release();
        }
    }

    /// The reference to an object that the message which is being read names.
    pub(crate) fn received<E: de::Error>(id: i64) -> Result<Self, E> {
        if id == -1 {
            return Err(E::custom(NULL));
        }
        Ok(Self { handle: Some(codec::read_handle(id)?) })
    }
}

/// The error of a `null` that is read as a reference.
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
        let id = codec::attach(|| {
            let attachment = self.handle.as_ref().map(|handle| Rc::clone(handle) as Rc<dyn Attachment>);
            Ok((self.id()?, attachment))
        })?;
        placeholder::serialize(serializer, JS_OBJECT, id)
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
        let (id, _) = PLACEHOLDER.visit_map(map)?;
        JsObjectReference::received(id)
    }

    fn visit_unit<E: de::Error>(self) -> Result<JsObjectReference, E> {
        Err(E::custom(NULL))
    }
}
