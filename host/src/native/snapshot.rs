//! An object as `JSON.stringify` sees it.

use serde::Serialize;
use serde::ser::{self, SerializeMap as _, Serializer};

use crate::native::model::{JsObject, Member};
use crate::native::stream::JsStream;

/// An object as JSON: its values and objects without its functions, which `JSON.stringify` leaves out.
pub(crate) struct Snapshot<'a> {
    object: &'a JsObject,
    depth: usize,
}

impl<'a> Snapshot<'a> {
    /// The deepest nesting. An object that contains itself would have no end.
    const MAX_DEPTH: usize = 100;

    pub(crate) fn of(object: &'a JsObject) -> Self {
        Self { object, depth: 0 }
    }
}

impl Serialize for Snapshot<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.object.source().is_some() {
            return JsStream::of(self.object).serialize(serializer);
        }
        if self.object.call().is_some() {
            return serializer.serialize_none();
        }
        if self.depth == Self::MAX_DEPTH {
            return Err(ser::Error::custom("an object contains itself"));
        }
        let members = self.object.members();
        let mut map = serializer.serialize_map(None)?;
        for (name, member) in &members {
            match member {
                Member::Value(value) => map.serialize_entry(name, &**value)?,
                Member::Object(object) if object.call().is_none() && object.construct().is_none() => {
                    map.serialize_entry(name, &Snapshot { object, depth: self.depth + 1 })?;
                }
                Member::Object(_) | Member::Accessor(_) => {}
            }
        }
        map.end()
    }
}
