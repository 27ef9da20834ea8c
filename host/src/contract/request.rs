//! Requests of a guest to its page.

use crate::contract::bindings::page as wit;
use crate::contract::message::Message;

/// A request of a guest to its page.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Request {
    /// The object that [`identifier`](Self::identifier) starts from; 0 is the page's global object.
    pub target: i64,
    /// The dotted path to a member.
    pub identifier: String,
    /// What to do with the member.
    pub operation: Operation,
    /// How the result is wanted.
    pub result_type: ResultType,
    /// The arguments: a JSON array, and the byte arrays that it names.
    pub args: Message,
}

/// What is done with the member that a [`Request`] names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// It is called as a function.
    Call,
    /// It constructs an object.
    Construct,
    /// It is read.
    Get,
    /// It is assigned.
    Set,
}

/// How the result of a [`Request`] is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResultType {
    /// As JSON.
    Json,
    /// As a reference to an object of the page: `{"__jsObjectId": id}`, with the id −1 for none.
    Object,
    /// As a reference that can be read as a stream: the length stands beside it as `"__jsStreamReferenceLength"`.
    Stream,
    /// Not at all.
    Nothing,
}

impl From<wit::Operation> for Operation {
    fn from(operation: wit::Operation) -> Self {
        match operation {
            wit::Operation::Call => Self::Call,
            wit::Operation::Construct => Self::Construct,
            wit::Operation::Get => Self::Get,
            wit::Operation::Set => Self::Set,
        }
    }
}

impl From<wit::ResultType> for ResultType {
    fn from(result_type: wit::ResultType) -> Self {
        match result_type {
            wit::ResultType::Json => Self::Json,
            wit::ResultType::Object => Self::Object,
            wit::ResultType::Stream => Self::Stream,
            wit::ResultType::Nothing => Self::Nothing,
        }
    }
}
