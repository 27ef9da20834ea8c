//! Rust values as messages and back.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::bindings::types::{Message, Target};
use crate::error::{Error, ErrorKind};

/// A reference to an object of a guest, as a result holds it: `session.invoke::<DotNetObject>(…)`. It may be the target
/// of a call, and an argument, alone or inside others.
///
/// It is a name and owns nothing: the object lives until [`Session::dispose`](crate::Session::dispose), or the session's
/// end. It means nothing to another session.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DotNetObject {
    #[serde(rename = "__dotNetObject")]
    id: u64,
}

impl DotNetObject {
    /// The id under which the guest handed the object out.
    pub fn id(&self) -> u64 {
        self.id
    }
}

impl From<&DotNetObject> for Target {
    fn from(object: &DotNetObject) -> Self {
        Self::Object(object.id)
    }
}

impl From<&str> for Target {
    fn from(assembly: &str) -> Self {
        Self::Assembly(assembly.to_owned())
    }
}

impl From<&str> for Message {
    fn from(json: &str) -> Self {
        Self { json: json.to_owned(), bytes: Vec::new() }
    }
}

/// The message of a call's arguments.
pub(crate) fn arguments(method: &str, args: &impl Serialize) -> Result<Message, Error> {
    let bad =
        |what: String| Error::new(ErrorKind::BadArguments, format!("The arguments of the call to '{method}' {what}."));
    let json = serde_json::to_string(args).map_err(|error| bad(format!("cannot be serialised: {error}")))?;
    match json.as_bytes().first() {
        Some(b'[') => Ok(Message { json, bytes: Vec::new() }),
        _ if json == "null" => Ok(Message::from("[]")),
        _ => Err(bad(format!("serialise to {json}, and an array is expected: use a tuple"))),
    }
}

/// The value of a call's result.
pub(crate) fn result<R: DeserializeOwned>(method: &str, message: &Message) -> Result<R, Error> {
    serde_json::from_str(&message.json).map_err(|error| {
        let wanted = std::any::type_name::<R>();
        let message = format!("The result of '{method}' is no {wanted}: {error}.");
        Error::new(ErrorKind::BadArguments, message)
    })
}

/// The ids of the guest's objects that a result names.
pub(crate) fn objects(message: &Message) -> Vec<u64> {
    const KEY: &str = "__dotNetObject";
    fn collect(value: &Value, found: &mut Vec<u64>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
            Value::Object(fields) => match fields.get(KEY).and_then(Value::as_u64) {
                Some(id) => found.push(id),
                None => fields.values().for_each(|field| collect(field, found)),
            },
            _ => {}
        }
    }
    let mut found = Vec::new();
    if message.json.contains(KEY)
        && let Ok(value) = serde_json::from_str(&message.json)
    {
        collect(&value, &mut found);
    }
    found
}
