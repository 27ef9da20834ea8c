//! Reads a call's arguments by Blazor's rules: one JSON array, with exactly as many elements as the method has parameters. For a
//! method without parameters nothing reads the text, whatever it is.

use dotwit_wire::json::{self, Malformed};
use dotwit_wire::limits::{MAX_ARGUMENTS, MAX_DEPTH};
use dotwit_wire::placeholder::DOT_NET_OBJECT;
use serde::de::DeserializeOwned;

use crate::codec::{IncomingMessage, Reader, deserialize_error};
use crate::error::{Error, ErrorKind};

/// A type that a method can have as a parameter.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from what JavaScript sends",
    label = "not deserialisable",
    note = "a parameter, and all that is in it, implements `serde::Deserialize` and owns its data"
)]
pub trait Argument: DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> Argument for T {}

/// The arguments of a call, not read yet.
#[derive(Debug)]
pub struct Arguments<'a> {
    method: &'a str,
    message: IncomingMessage,
}

/// Reads the arguments of a call one by one, after they were counted.
#[derive(Debug)]
pub struct ArgumentReader<'a> {
    method: &'a str,
    texts: std::vec::IntoIter<&'a str>,
    count: usize,
    reader: Reader,
}

impl<'a> Arguments<'a> {
    pub(crate) fn new(method: &'a str, message: IncomingMessage) -> Self {
        Self { method, message }
    }

    /// Reads exactly `count` arguments with `read`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::BadArguments`] if the text is not a JSON array of that many elements, [`ErrorKind::TooMany`] if it has more
    /// elements than any call may have or more references than the guest may hold, and the errors of `read`.
    pub fn read<T>(
        self,
        count: usize,
        read: impl FnOnce(&mut ArgumentReader<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let method = self.method;
        let IncomingMessage { json, bytes, handles } = self.message;
        let texts = split(method, &json, count)?;
        let reader = Reader::new(&json, bytes, handles)?;
        read(&mut ArgumentReader { method, texts: texts.into_iter(), count, reader })
    }
}

impl ArgumentReader<'_> {
    /// Reads the next argument, for the parameter with this name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::BadArguments`] if it cannot be read as a `T`, or is a reference to an object of the guest and `T` is not;
    /// [`ErrorKind::NoSuchObject`] if it names an object that is not tracked.
    pub fn next<T: Argument>(&mut self, parameter: &str) -> Result<T, Error> {
        let text = self.texts.next().unwrap_or("null");
        let position = self.count - self.texts.len();
        let method = self.method;
        let references = names_object(text).then(|| self.reader.references());
        let value = self.reader.read(text, &|error| does_not_fit(method, position, parameter, text, error));
        if references.is_some_and(|before| self.reader.references() == before) {
            return Err(Error::new(
                ErrorKind::BadArguments,
                format!(
                    "In the call to '{method}', parameter {position} ('{parameter}') must be declared as a \
                     DotNetObjectReference to receive one."
                ),
            ));
        }
        value
    }
}

/// Whether a JSON text is an object whose first property is the key of a reference to an object of the guest.
fn names_object(text: &str) -> bool {
    text.strip_prefix('{')
        .and_then(|rest| rest.trim_start().strip_prefix('"'))
        .is_some_and(|rest| rest.starts_with(DOT_NET_OBJECT) && rest[DOT_NET_OBJECT.len()..].starts_with('"'))
}

/// Splits the text of a call's arguments into `count` texts.
fn split<'t>(method: &str, text: &'t str, count: usize) -> Result<Vec<&'t str>, Error> {
    let bad = |what: String| Error::new(ErrorKind::BadArguments, what);
    let texts = json::elements(text).map_err(|malformed| {
        let what = match malformed {
            Malformed::NotAnArray(None) => "is empty".to_owned(),
            Malformed::NotAnArray(Some(first)) => format!("begins with {first:?}"),
            Malformed::Unterminated => "ends too early".to_owned(),
            Malformed::Mismatched => "closes its '[' with '}'".to_owned(),
            Malformed::Trailing => "goes on after its end".to_owned(),
            Malformed::MissingElement => "lacks an element beside a comma".to_owned(),
            Malformed::TooDeep(depth) => format!("nests {depth} deep, and {MAX_DEPTH} is the limit"),
        };
        bad(format!("Invalid JSON in the call to '{method}': the arguments are one JSON array, but the text {what}."))
    })?;
    let received = texts.len();
    if received > MAX_ARGUMENTS {
        return Err(Error::new(
            ErrorKind::TooMany,
            format!("The call to '{method}' has {received} arguments, and {MAX_ARGUMENTS} is the limit of any call."),
        ));
    }
    let plural = if count == 1 { "" } else { "s" };
    if received < count {
        return Err(bad(format!("The call to '{method}' expects {count} parameter{plural}, but received {received}.")));
    }
    if received > count {
        let token = token(texts[count]);
        return Err(bad(format!(
            "Unexpected JSON token {token}: the call to '{method}' must be supplied with exactly {count} \
             parameter{plural}, but received {received}."
        )));
    }
    Ok(texts)
}

/// The error of an argument that does not fit its parameter.
fn does_not_fit(method: &str, position: usize, parameter: &str, text: &str, error: &serde_json::Error) -> Error {
    Error::new(
        ErrorKind::BadArguments,
        format!(
            "In the call to '{method}', argument {position} ('{parameter}') {}.",
            deserialize_error::explain(text, error)
        ),
    )
}

/// The token that a JSON text begins with, as Blazor's reader calls it.
fn token(text: &str) -> &'static str {
    match text.as_bytes().first() {
        Some(b'{') => "StartObject",
        Some(b'[') => "StartArray",
        Some(b'"') => "String",
        Some(b't') => "True",
        Some(b'f') => "False",
        Some(b'n') => "Null",
        _ => "Number",
    }
}
