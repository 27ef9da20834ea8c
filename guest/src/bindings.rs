//! The component's imports and exports: a translation between the types of `wit/` and ours, with nothing of its own.

use std::rc::Rc;
use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::manifest;
use crate::message::Message;
use crate::page::{self, Operation, Page, Piece, Request, Want};
use crate::registry::MethodInfo;
use crate::reply::Outcome;
use crate::{dispatch, dispatch::Target};

/// What `wit-bindgen` makes of `wit/`.
#[allow(unsafe_code, missing_docs, unreachable_pub, clippy::all, rust_2018_idioms)]
pub mod generated {
    wit_bindgen::generate!({
        path: "wit",
        world: "guest",
        pub_export_macro: true,
        export_macro_name: "export_guest",
        default_bindings_module: "dotwit::bindings::generated",
    });
}

use generated::dotwit::interop::page as imports;
use generated::dotwit::interop::types;
use generated::exports::dotwit::interop as exports;

/// The component.
pub struct Component;

struct ComponentPage;

impl Page for ComponentPage {
    fn invoke_js(&self, request: Request<'_>, args: Message) -> Outcome {
        let Request { target, identifier, operation, want } = request;
        imports::invoke_js(target, identifier, operation.into(), want.into(), &args.into())
            .map(Message::from)
            .map_err(Error::from)
    }

    fn begin_invoke_js(&self, call: u64, request: Request<'_>, args: Message) {
        let Request { target, identifier, operation, want } = request;
        imports::begin_invoke_js(call, target, identifier, operation.into(), want.into(), &args.into());
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

    fn end_read(&self, call: u64, outcome: Piece) {
        match outcome {
            Ok(bytes) => imports::end_read(call, Ok(&bytes)),
            Err(error) => imports::end_read(call, Err(&error.into())),
        }
    }

    fn wake_after(&self, delay: Duration) {
        imports::wake_after(u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX));
    }
}

impl exports::invocation::Guest for Component {
    fn invoke(target: types::Target, method: String, args: types::Message) -> Result<types::Message, types::CallError> {
        page::start();
        outgoing(dispatch::invoke(&target.into(), &method, args.into()))
    }

    fn begin_invoke(
        call: u64,
        target: types::Target,
        method: String,
        args: types::Message,
    ) -> Option<Result<types::Message, types::CallError>> {
        page::start();
        dispatch::begin_invoke(call, &target.into(), &method, args.into()).map(outgoing)
    }

    fn cancel_invoke(call: u64) {
        dispatch::cancel_invoke(call);
    }

    fn end_invoke_js(call: u64, outcome: Result<types::Message, types::CallError>) {
        dispatch::end_invoke_js(call, outcome.map(Message::from).map_err(Error::from));
    }

    fn run_ready() {
        dispatch::run_ready();
    }
}

impl exports::references::Guest for Component {
    fn release(object: u64) {
        dispatch::release(object);
    }

    fn forget(object: u64, times: u32) {
        dispatch::forget(object, times);
    }

    fn live() -> u32 {
        dispatch::live()
    }
}

impl exports::streams::Guest for Component {
    fn read(call: u64, stream: u64, max: u32) -> Option<Result<Vec<u8>, types::CallError>> {
        dispatch::read(call, stream, max).map(|piece| piece.map_err(Into::into))
    }

    fn close(stream: u64) {
        dispatch::close(stream);
    }

    fn end_read_js(call: u64, outcome: Result<Vec<u8>, types::CallError>) {
        dispatch::end_read_js(call, outcome.map_err(Error::from));
    }
}

impl exports::manifest::Guest for Component {
    fn describe() -> Result<Vec<exports::manifest::Assembly>, types::CallError> {
        page::start();
        let manifest = manifest::describe()?;
        Ok(vec![exports::manifest::Assembly {
            name: manifest.name.to_owned(),
            methods: manifest.methods.iter().map(Into::into).collect(),
            types: manifest
                .types
                .iter()
                .map(|object| exports::manifest::ObjectType {
                    name: object.name.to_owned(),
                    methods: object.methods.iter().map(Into::into).collect(),
                    docs: some_text(object.docs),
                })
                .collect(),
        }])
    }
}

/// Prepares the guest before it first has to do with its page, which this gives: sets a panic hook, because in a component
/// a panic is a trap and only the hook can still say why.
pub(crate) fn start() -> Rc<dyn Page> {
    std::panic::set_hook(Box::new(|info| {
        let message = info.payload_as_str().unwrap_or("a panic without a message");
        let location = info.location().map(ToString::to_string).unwrap_or_default();
        imports::report_panic(message, &location);
    }));
    Rc::new(ComponentPage)
}

fn outgoing(outcome: Outcome) -> Result<types::Message, types::CallError> {
    match outcome {
        Ok(message) => Ok(message.into()),
        Err(error) => Err(error.into()),
    }
}

fn some_text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

impl From<types::Message> for Message {
    fn from(message: types::Message) -> Self {
        Self { json: message.json, bytes: message.bytes }
    }
}

impl From<Message> for types::Message {
    fn from(message: Message) -> Self {
        Self { json: message.json, bytes: message.bytes }
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

impl From<Want> for imports::ResultType {
    fn from(want: Want) -> Self {
        match want {
            Want::Json => Self::Json,
            Want::Object => Self::Object,
            Want::Stream => Self::Stream,
            Want::Nothing => Self::Nothing,
        }
    }
}

impl From<types::Target> for Target {
    fn from(target: types::Target) -> Self {
        match target {
            types::Target::Assembly(name) => Self::Assembly(name),
            types::Target::Object(id) => Self::Object(id),
        }
    }
}

impl From<&MethodInfo> for exports::manifest::Method {
    fn from(info: &MethodInfo) -> Self {
        Self {
            id: info.id.to_owned(),
            name: info.name.to_owned(),
            parameters: info
                .parameters
                .iter()
                .map(|(name, type_)| exports::manifest::Parameter {
                    name: (*name).to_owned(),
                    type_: (*type_).to_owned(),
                })
                .collect(),
            returns: info.returns.to_owned(),
            is_async: info.is_async,
            docs: some_text(info.docs),
        }
    }
}

impl From<Error> for types::CallError {
    fn from(error: Error) -> Self {
        let (kind, message, detail) = error.into_parts();
        Self { kind: kind.into(), message, detail }
    }
}

impl From<ErrorKind> for types::ErrorKind {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::NoSuchAssembly => Self::NoSuchAssembly,
            ErrorKind::NoSuchMethod => Self::NoSuchMethod,
            ErrorKind::NoSuchObject => Self::NoSuchObject,
            ErrorKind::BadArguments => Self::BadArguments,
            ErrorKind::Failed => Self::Failed,
            ErrorKind::GuestTrapped => Self::GuestTrapped,
            ErrorKind::Cancelled => Self::Cancelled,
            ErrorKind::TimedOut => Self::TimedOut,
            ErrorKind::TooLarge => Self::TooLarge,
            ErrorKind::TooMany => Self::TooMany,
            ErrorKind::Disconnected => Self::Disconnected,
            ErrorKind::Unsupported => Self::Unsupported,
            ErrorKind::Reentrant => Self::Reentrant,
            ErrorKind::JsFailed => Self::JsFailed,
            ErrorKind::Protocol => Self::Protocol,
        }
    }
}

impl From<types::CallError> for Error {
    fn from(error: types::CallError) -> Self {
        Self::from_parts(error.kind.into(), error.message, error.detail)
    }
}

impl From<types::ErrorKind> for ErrorKind {
    fn from(kind: types::ErrorKind) -> Self {
        match kind {
            types::ErrorKind::NoSuchAssembly => Self::NoSuchAssembly,
            types::ErrorKind::NoSuchMethod => Self::NoSuchMethod,
            types::ErrorKind::NoSuchObject => Self::NoSuchObject,
            types::ErrorKind::BadArguments => Self::BadArguments,
            types::ErrorKind::Failed => Self::Failed,
            types::ErrorKind::GuestTrapped => Self::GuestTrapped,
            types::ErrorKind::Cancelled => Self::Cancelled,
            types::ErrorKind::TimedOut => Self::TimedOut,
            types::ErrorKind::TooLarge => Self::TooLarge,
            types::ErrorKind::TooMany => Self::TooMany,
            types::ErrorKind::Disconnected => Self::Disconnected,
            types::ErrorKind::Unsupported => Self::Unsupported,
            types::ErrorKind::Reentrant => Self::Reentrant,
            types::ErrorKind::JsFailed => Self::JsFailed,
            types::ErrorKind::Protocol => Self::Protocol,
        }
    }
}
