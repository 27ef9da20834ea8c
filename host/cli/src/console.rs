//! The page of a guest that is called from the command line: a console and nothing else.

use dotwit_host::{Completion, Error, ErrorKind, Message, Operation, Page, Request, Session};
use serde_json::Value;

/// A page whose `console.log` and its like print on standard error. It refuses everything else.
pub(crate) struct Console;

impl Page for Console {
    fn invoke(&self, _session: &Session, request: Request) -> Result<Message, Error> {
        let name = &request.identifier;
        match (request.target, request.operation, name.as_str()) {
            (
                0,
                Operation::Call,
                "console.debug" | "console.error" | "console.info" | "console.log" | "console.warn",
            ) => {
                let values: Vec<Value> = serde_json::from_str(&request.args.json)
                    .map_err(|error| Error::new(ErrorKind::BadArguments, format!("'{name}': {error}.")))?;
                let texts: Vec<String> = values.iter().map(text).collect();
                eprintln!("{}", texts.join(" "));
                Ok(Message::from_json("null"))
            }
            _ => {
                let what = format!("'{name}' is not available: `dotwit invoke` has a console, and no page beside it.");
                Err(Error::new(ErrorKind::Unsupported, what))
            }
        }
    }

    fn begin(&self, session: &Session, _call: u64, request: Request, completion: Completion) {
        completion.end(self.invoke(session, request));
    }
}

/// Returns a value as a console shows it: strings as they are, everything else as JSON.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
