//! Reads a call's arguments by Blazor's rules: one JSON array, with exactly as many elements as the method has parameters. For a
//! method without parameters nothing reads the text, whatever it is.

use std::ops::Range;

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

/// Reads the arguments of a call one by one.
#[derive(Debug)]
pub struct ArgumentReader<'a> {
    method: &'a str,
    json: String,
    places: std::vec::IntoIter<Range<usize>>,
    count: usize,
    reader: Reader,
}

impl<'a> Arguments<'a> {
    pub(crate) fn new(method: &'a str, message: IncomingMessage) -> Self {
        Self { method, message }
    }

    /// Opens arguments that must be exactly `count`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::BadArguments`] if the text is not a JSON array of that many elements, and [`ErrorKind::TooMany`] if it has more
    /// elements than any call may have or more references than the guest may hold.
    pub fn open(self, count: usize) -> Result<ArgumentReader<'a>, Error> {
        let Self { method, message: IncomingMessage { json, bytes, handles } } = self;
        let places = split(method, &json, count)?.into_iter();
        let reader = Reader::new(&json, bytes, handles)?;
        Ok(ArgumentReader { method, json, places, count, reader })
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
        let text = self.places.next().map_or("null", |place| &self.json[place]);
        let references = names_object(text).then(|| self.reader.references());
        let value = self.reader.read(text, &|error| self.does_not_fit(parameter, text, error));
        if references.is_some_and(|before| self.reader.references() == before) {
            return Err(self.must_be_a_reference(parameter));
        }
        value
    }

    fn does_not_fit(&self, parameter: &str, text: &str, error: &serde_json::Error) -> Error {
        let (method, position) = (self.method, self.position());
        let what = deserialize_error::explain(text, error);
        let what = format!("In the call to '{method}', argument {position} ('{parameter}') {what}.");
        Error::new(ErrorKind::BadArguments, what)
    }

    fn must_be_a_reference(&self, parameter: &str) -> Error {
        let (method, position) = (self.method, self.position());
        let what = format!(
            "In the call to '{method}', parameter {position} ('{parameter}') must be declared as a DotNetObjectReference to \
             receive one."
        );
        Error::new(ErrorKind::BadArguments, what)
    }

    /// The position of the argument that was read last, counted from 1.
    fn position(&self) -> usize {
        self.count - self.places.len()
    }
}

/// Whether a JSON text is an object whose first property is the key of a reference to an object of the guest.
fn names_object(text: &str) -> bool {
    text.strip_prefix('{')
        .and_then(|rest| rest.trim_start().strip_prefix('"'))
        .is_some_and(|rest| rest.starts_with(DOT_NET_OBJECT) && rest[DOT_NET_OBJECT.len()..].starts_with('"'))
}

/// Finds the `count` arguments of a call in its text.
fn split(method: &str, text: &str, count: usize) -> Result<Vec<Range<usize>>, Error> {
    let bad = |what: String| Error::new(ErrorKind::BadArguments, what);
    let places = json::elements(text).map_err(|malformed| {
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
    let received = places.len();
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
        let token = token(&text[places[count].clone()]);
        return Err(bad(format!(
            "Unexpected JSON token {token}: the call to '{method}' must be supplied with exactly {count} \
             parameter{plural}, but received {received}."
        )));
    }
    Ok(places)
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
