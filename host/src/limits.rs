//! The limits of every message, whichever way it crosses.

use dotwit_wire::json::{self, Outline};

use crate::config::Config;
use crate::contract::message::Message;
use crate::error::{Error, ErrorKind};

/// Refuses the arguments of a call that are more or larger, or nest deeper, than they may.
pub(crate) fn check_arguments(config: &Config, max_message: usize, name: &str, args: &Message) -> Result<(), Error> {
    let Outline { depth, elements } = json::outline(&args.json);
    let (max_depth, max) = (config.max_depth, config.max_arguments);
    if depth > max_depth {
        let what = format!("The arguments of the call to '{name}' nest {depth} deep, and {max_depth} is the limit.");
        return Err(Error::new(ErrorKind::BadArguments, what));
    }
    if elements > max {
        let what = format!("The call to '{name}' has {elements} arguments, and {max} is the limit of any call.");
        return Err(Error::new(ErrorKind::TooMany, what));
    }
    check_size(max_message, args, || format!("The arguments of the call to '{name}' are"))
}

/// Turns a result of the page that is larger or nests deeper than it may into a failure. Returns the refused message as well.
pub(crate) fn check_result(
    config: &Config,
    max_message: usize,
    result: Result<Message, Error>,
) -> (Result<Message, Error>, Option<Message>) {
    let limit = config.max_depth;
    let message = match result {
        Ok(message) => message,
        Err(error) => return (Err(error), None),
    };
    let depth = json::depth(&message.json);
    let fits = if depth > limit {
        let what = format!("The result of the page nests {depth} deep, and {limit} is the limit.");
        Err(Error::new(ErrorKind::JsFailed, what))
    } else {
        check_size(max_message, &message, || "The result of the page is".to_owned())
    };
    match fits {
        Ok(()) => (Ok(message), None),
        Err(error) => (Err(error), Some(message)),
    }
}

/// Refuses a message that the guest has no room for: allocating it would trap.
fn check_size(limit: usize, message: &Message, what: impl FnOnce() -> String) -> Result<(), Error> {
    let size = message.size();
    if size < limit {
        return Ok(());
    }
    let what = format!(
        "{} too large: {size} bytes, and {limit} is the limit of the memory that the guest has for them.",
        what()
    );
    Err(Error::new(ErrorKind::TooLarge, what))
}

/// Returns the error of a call beyond the limit of pending calls.
pub(crate) fn too_many_calls(method: &str, limit: usize) -> Error {
    let what = format!("The call to '{method}' is refused: {limit} calls are under way, and {limit} is the limit.");
    Error::new(ErrorKind::TooMany, what)
}
