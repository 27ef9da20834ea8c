//! The page of a component: the imports of `dotwit:interop/page`.

use std::rc::Rc;
use std::time::Duration;

use crate::bindings::generated::dotwit::interop::page as imports;
use crate::bindings::outgoing;
use crate::error::Error;
use crate::message::{Chunk, Message, Outcome};
use crate::page::{Operation, Page, Request, ResultType};

struct ComponentPage;

/// Prepares the guest for its page, and returns the page. It sets a panic hook, because in a component a panic is a trap, and
/// only the hook can still say why.
pub(crate) fn start() -> Rc<dyn Page> {
    std::panic::set_hook(Box::new(|info| {
        let message = info.payload_as_str().unwrap_or("a panic without a message");
        let location = info.location().map(ToString::to_string).unwrap_or_default();
        imports::report_panic(message, &location);
    }));
    Rc::new(ComponentPage)
}

impl Page for ComponentPage {
    fn invoke_js(&self, request: Request<'_>, args: Message) -> Outcome {
        let Request { target, identifier, operation, result_type } = request;
        imports::invoke_js(target, identifier, operation.into(), result_type.into(), &args.into())
            .map(Message::from)
            .map_err(Error::from)
    }

    fn begin_invoke_js(&self, call: u64, request: Request<'_>, args: Message) {
        let Request { target, identifier, operation, result_type } = request;
        imports::begin_invoke_js(call, target, identifier, operation.into(), result_type.into(), &args.into());
    }

    fn cancel_invoke_js(&self, call: u64) {
        imports::cancel_invoke_js(call);
    }

    fn release_js(&self, object: i64) {
        imports::release_js(object);
    }

    fn read_js_stream(&self, call: u64, object: i64, offset: u64, length: u32) {
        imports::read_js_stream(call, object, offset, length);
    }

    fn end_invoke(&self, call: u64, outcome: Outcome) {
        imports::end_invoke(call, outgoing(outcome).as_ref());
    }

    fn end_read(&self, call: u64, outcome: Chunk) {
        match outcome {
            Ok(bytes) => imports::end_read(call, Ok(&bytes)),
            Err(error) => imports::end_read(call, Err(&error.into())),
        }
    }

    fn wake_after(&self, delay: Duration) {
        imports::wake_after(u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX));
    }
}

impl From<Operation> for imports::Operation {
    fn from(operation: Operation) -> Self {
        match operation {
            Operation::Call => Self::Call,
            Operation::Construct => Self::Construct,
            Operation::Get => Self::Get,
            Operation::Set => Self::Set,
        }
    }
}

impl From<ResultType> for imports::ResultType {
    fn from(result_type: ResultType) -> Self {
        match result_type {
            ResultType::Json => Self::Json,
            ResultType::Object => Self::Object,
            ResultType::Stream => Self::Stream,
            ResultType::Nothing => Self::Nothing,
        }
    }
}
