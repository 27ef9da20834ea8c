//! Reads a call's arguments into a method's parameters, by Blazor's rules: one JSON array, exactly as many elements as
//! parameters. Where a method has none, nothing reads the text, and it may be whatever it is.

use serde::de::DeserializeOwned;

use crate::error::{Error, ErrorKind};
use crate::json::{self, Malformed};
use crate::message::{MAX_ARGUMENTS, Reader, Received};
use crate::misfit;
use crate::objects;

/// What a method can have as a parameter.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from what JavaScript sends",
    label = "not deserialisable",
    note = "a parameter, and all that is in it, implements `serde::Deserialize` and owns its data"
)]
pub trait Argument: DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> Argument for T {}

/// The arguments of a call that are still to be read.
pub struct Arguments<'a> {
    method: &'a str,
    message: Received,
}

/// The arguments of a call, counted and being read one by one.
pub struct Counted<'a> {
    method: &'a str,
    texts: std::vec::IntoIter<&'a str>,
    count: usize,
    reader: Reader,
}

impl<'a> Arguments<'a> {
    pub(crate) fn new(method: &'a str, message: Received) -> Self {
        Self { method, message }
    }

    /// Reads exactly `count` arguments with `read`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::BadArguments`] where the text is no JSON array of that many elements, [`ErrorKind::TooMany`] where it
    /// has more elements than any call may have or more references than the guest may hold, and what `read` fails with.
    pub fn read<T>(self, count: usize, read: impl FnOnce(&mut Counted<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let method = self.method;
        let Received { json, bytes, handles } = self.message;
        let texts = split(method, &json, count)?;
        let reader = Reader::new(&json, bytes, handles)?;
        read(&mut Counted { method, texts: texts.into_iter(), count, reader })
    }
}

impl Counted<'_> {
    /// The next argument, for the parameter with this name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::BadArguments`] where it cannot be read as a `T`, or is a reference where `T` is none;
    /// [`ErrorKind::NoSuchObject`] where it names an object that is not tracked.
    pub fn next<T: Argument>(&mut self, parameter: &str) -> Result<T, Error> {
        let text = self.texts.next().unwrap_or("null");
        let position = self.count - self.texts.len();
        let method = self.method;
        let references = names_object(text).then(|| self.reader.references());
        let value = self.reader.read(text, |error| misfit(method, position, parameter, text, &error));
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

/// Whether a JSON text is an object whose first property makes it a reference to an object of the guest.
fn names_object(text: &str) -> bool {
    text.strip_prefix('{')
        .and_then(|rest| rest.trim_start().strip_prefix('"'))
        .is_some_and(|rest| rest.starts_with(objects::KEY) && rest[objects::KEY.len()..].starts_with('"'))
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
            Malformed::TooDeep(depth) => format!("nests {depth} deep, and {} is the limit", json::MAX_DEPTH),
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

/// Says that an argument does not fit its parameter.
fn misfit(method: &str, position: usize, parameter: &str, text: &str, error: &serde_json::Error) -> Error {
    Error::new(
        ErrorKind::BadArguments,
        format!(
            "In the call to '{method}', argument {position} ('{parameter}') {}.",
            misfit::what_is_wrong(text, error)
        ),
    )
}

/// The kind of token that a JSON text begins with, by the names of Blazor's reader.
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
