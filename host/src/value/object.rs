//! Objects of the guest.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Weak};

use dotwit_wire::placeholder::{self, DOT_NET_OBJECT, Placeholder};
use serde::de::{DeserializeOwned, Deserializer};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use crate::contract::message::Target;
use crate::error::{Error, ErrorKind};
use crate::session::Session;
use crate::session::core::{SessionCore, SessionRef};
use crate::value::call::Call;
use crate::value::{read_dot_net_object, target, write_dot_net_object};

/// A reference to an object of a guest, as a result or an argument of a page's function holds it:
/// `session.invoke::<DotNetObject>(…)`. It may be the target of a call, and an argument, alone or inside others.
///
/// It is a name and owns nothing: an object in a result lives until [`dispose`](Self::dispose), or the session's end; one in
/// the arguments of a page's function as long as the guest wants. It means nothing to another session: as a target or an
/// argument there it is refused with [`ErrorKind::NoSuchObject`], and so is a reference that was not read from a call. What a
/// result has beside it is kept by a [`JsValue`](crate::JsValue), too; a [`serde_json::Value`] has no more than the id, which names
/// whatever has that id where it is sent.
///
/// It calls the session that it comes from, and does not keep it:
///
/// ```
/// use dotwit_host::{DotNetObject, JsObject};
///
/// let window = JsObject::new().async_function("sayHello1", |(helper,): (DotNetObject,)| async move {
///     let message: String = helper.invoke_async("GetHelloMessage", ()).await?;
///     Ok(println!("{message}"))
/// });
/// # let _ = window;
/// ```
#[derive(Clone)]
pub struct DotNetObject {
    id: u64,
    session: Weak<SessionCore>,
}

impl DotNetObject {
    pub(crate) fn new(id: u64, session: Weak<SessionCore>) -> Self {
        Self { id, session }
    }

    /// Returns the id of the object in a session, to which it must belong.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoSuchObject`]: the same id may name another object there.
    pub(crate) fn id_in(&self, session: *const SessionCore) -> Result<u64, Error> {
        if std::ptr::eq(self.session.as_ptr(), session) {
            return Ok(self.id);
        }
        let what = if self.session.ptr_eq(&Weak::new()) {
            "was not read from the result or the arguments of a call"
        } else {
            "belongs to another session"
        };
        Err(Error::new(
            ErrorKind::NoSuchObject,
            format!("The DotNetObject {} {what}, and names nothing here.", self.id),
        ))
    }

    /// The id under which the guest handed the object out.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// [`Session::invoke`] on this object.
    ///
    /// # Errors
    ///
    /// As there; [`ErrorKind::Disconnected`] where the session has ended, or the reference was not read from a call.
    pub fn invoke<R: DeserializeOwned>(&self, method: &str, args: impl Serialize) -> Result<R, Error> {
        Session::of(SessionRef::weak(self.session.clone()).get()?).invoke(self, method, args)
    }

    /// [`Session::invoke_async`] on this object.
    ///
    /// # Errors
    ///
    /// As for [`invoke`](Self::invoke).
    pub fn invoke_async<R: DeserializeOwned>(&self, method: &str, args: impl Serialize) -> Call<R> {
        Call::begin(SessionRef::weak(self.session.clone()), Ok(Target::Object(self.id)), method, &args)
    }

    /// [`Session::dispose`] of this object.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::GuestTrapped`]; [`ErrorKind::Disconnected`] as for [`invoke`](Self::invoke).
    pub fn dispose(&self) -> Result<(), Error> {
        SessionRef::weak(self.session.clone()).get()?.release_object(self.id)
    }
}

impl fmt::Debug for DotNetObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DotNetObject").field("id", &self.id).finish_non_exhaustive()
    }
}

impl PartialEq for DotNetObject {
    /// Whether both name the same object of the same session.
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && self.session.ptr_eq(&other.session)
    }
}

impl Eq for DotNetObject {}

impl Hash for DotNetObject {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.id, self.session.as_ptr()).hash(state);
    }
}

impl Serialize for DotNetObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        placeholder::serialize(serializer, DOT_NET_OBJECT, write_dot_net_object(self)?)
    }
}

impl<'de> Deserialize<'de> for DotNetObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (id, _) = deserializer.deserialize_map(Placeholder::new(DOT_NET_OBJECT, ""))?;
        read_dot_net_object(id)
    }
}

impl Session {
    /// Releases an object of the guest. Doing so twice is harmless.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::GuestTrapped`]; [`ErrorKind::NoSuchObject`] where the object belongs to another session.
    pub fn dispose(&self, object: &DotNetObject) -> Result<(), Error> {
        self.core.release_object(object.id_in(Arc::as_ptr(&self.core))?)
    }
}

impl target::sealed::IntoTarget for &DotNetObject {
    fn into_target(self, session: &Session) -> Result<Target, Error> {
        self.id_in(Arc::as_ptr(&session.core)).map(Target::Object)
    }
}
