//! Functions of a page as they are called: with messages.

use std::sync::{Arc, Weak};

use crate::background::executor::BoxFuture;
use crate::contract::message::Message;
use crate::contract::request::ResultType;
use crate::error::Error;
use crate::session::core::SessionCore;
use crate::session::object_table::ObjectTable;

/// The error of a page function: any error, which becomes the guest's `js-failed` with the same message.
pub type FunctionError = Box<dyn std::error::Error + Send + Sync>;

/// The session and the table of the page in which a function is called.
#[derive(Clone)]
pub(crate) struct CallContext {
    pub(crate) session: Weak<SessionCore>,
    pub(crate) table: Arc<ObjectTable>,
}

/// The result of a call, or the future of it.
pub(crate) enum Reply {
    Ready(Message),
    Pending(BoxFuture<Message>),
}

/// A function of a page.
#[derive(Clone)]
pub(crate) struct Function(Arc<Body>);

type Body = dyn Fn(&CallContext, &str, Message, ResultType) -> Result<Reply, Error> + Send + Sync;

impl Function {
    pub(crate) fn from_body(
        body: impl Fn(&CallContext, &str, Message, ResultType) -> Result<Reply, Error> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(body))
    }

    pub(crate) fn call(
        &self,
        context: &CallContext,
        name: &str,
        args: Message,
        result_type: ResultType,
    ) -> Result<Reply, Error> {
        (self.0)(context, name, args, result_type)
    }
}
