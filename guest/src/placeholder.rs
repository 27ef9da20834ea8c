//! Reads Blazor's placeholder objects strictly: exactly one key, once, with an integer.

use std::fmt;

use serde::Serialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};

/// Writes `{"key": id}`.
pub(crate) fn serialize<S: Serializer>(
    serializer: S,
    key: &'static str,
    id: impl Serialize,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(key, &id)?;
    map.end()
}

/// Reads `{"key": id}`.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
    placeholder: Placeholder,
) -> Result<i64, D::Error> {
    deserializer.deserialize_map(placeholder)
}

/// Visits an object that must be `{"key": integer}`.
pub(crate) struct Placeholder {
    pub(crate) key: &'static str,
    /// How the page makes such an object.
    pub(crate) made: &'static str,
}

impl<'de> Visitor<'de> for Placeholder {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a placeholder {{\"{}\": id}}", self.key)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<i64, A::Error> {
        let mut id = None;
        while let Some(key) = map.next_key::<String>()? {
            if key == dotwit_wire::numbers::AS {
                let kind = map.next_value::<String>()?;
                return Err(de::Error::custom(format!("a {kind} was received where a Uint8Array is expected")));
            }
            if key != self.key {
                let Self { key: own, made } = self;
                return Err(de::Error::custom(format!("unexpected property '{key}' beside '{own}': {made}")));
            }
            if id.replace(map.next_value::<i64>()?).is_some() {
                return Err(de::Error::custom(format!("property '{}' is there twice", self.key)));
            }
        }
        let Self { key, made } = self;
        id.ok_or_else(|| de::Error::custom(format!("required property '{key}' was not found: {made}")))
    }
}
