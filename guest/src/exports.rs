//! The exports of a component: `dotwit:interop/*`, on top of [`invoke`](crate::invoke).

use crate::bindings::generated::dotwit::interop::types;
use crate::bindings::generated::exports::dotwit::interop as exports;
use crate::bindings::outgoing;
use crate::error::Error;
use crate::invoke::{self, manifest};
use crate::message::Message;
use crate::method::MethodInfo;
use crate::page::current::start;

/// What [`export!`](crate::export) makes the component's exports of.
#[derive(Debug)]
pub struct Component;

impl exports::invocation::Guest for Component {
    fn invoke(target: types::Target, method: String, args: types::Message) -> Result<types::Message, types::CallError> {
        start();
        outgoing(invoke::invoke(&target.into(), &method, args.into()))
    }

    fn begin_invoke(
        call: u64,
        target: types::Target,
        method: String,
        args: types::Message,
    ) -> Option<Result<types::Message, types::CallError>> {
        start();
        invoke::begin_invoke(call, &target.into(), &method, args.into()).map(outgoing)
    }

    fn cancel_invoke(call: u64) {
        invoke::cancel_invoke(call);
    }

    fn end_invoke_js(call: u64, outcome: Result<types::Message, types::CallError>) {
        invoke::end_invoke_js(call, outcome.map(Message::from).map_err(Error::from));
    }

    fn run_ready() {
        invoke::run_ready();
    }
}

impl exports::references::Guest for Component {
    fn release(object: u64) {
        invoke::release(object);
    }

    fn forget(object: u64, times: u32) {
        invoke::forget(object, times);
    }

    fn live() -> u32 {
        invoke::live()
    }
}

impl exports::streams::Guest for Component {
    fn read(call: u64, stream: u64, max: u32) -> Option<Result<Vec<u8>, types::CallError>> {
        invoke::read(call, stream, max).map(|piece| piece.map_err(Into::into))
    }

    fn close(stream: u64) {
        invoke::close(stream);
    }

    fn end_read_js(call: u64, outcome: Result<Vec<u8>, types::CallError>) {
        invoke::end_read_js(call, outcome.map_err(Error::from));
    }
}

impl exports::manifest::Guest for Component {
    fn describe() -> Result<Vec<exports::manifest::Assembly>, types::CallError> {
        start();
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

fn some_text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
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
