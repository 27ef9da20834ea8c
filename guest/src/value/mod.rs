//! What a message can name: the public types, and the tables that they are entries of.
//!
//! | | a value of | kept by |
//! | --- | --- | --- |
//! | [`DotNetObjectReference`](crate::DotNetObjectReference) | the guest | `object_table`, for guest or page |
//! | [`DotNetStreamReference`](crate::DotNetStreamReference) | the guest | `stream_table`, until the page has read it |
//! | [`JsObjectReference`](crate::JsObjectReference) | the page | a `Handle` of `page`, until the last clone is dropped |
//! | [`JsStreamReference`](crate::JsStreamReference) | the page | the same |
//!
//! [`Bytes`](crate::Bytes), [`TypedArray`](crate::TypedArray) and [`BigInt`](crate::BigInt) are in `dotwit-wire`. This folder
//! imports `codec`, `method`, `page`, `pending` and `task`.

mod cursor;
pub(crate) mod dotnet_object;
pub(crate) mod dotnet_stream;
pub(crate) mod js_object;
pub(crate) mod js_stream;
pub(crate) mod object_table;
mod stream_source;
pub(crate) mod stream_table;

use crate::page::handle;

/// What is alive between a guest and its page, to look for leaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LiveReferences {
    /// The guest's objects that the page can name.
    pub guest_objects: usize,
    /// The page's objects that the guest holds, each counted once for each message that brought it, however many clones a
    /// reference has.
    pub page_objects: usize,
    /// The guest's streams that the page has neither read to their ends nor cancelled.
    pub streams: usize,
}

/// Counts what is alive between this guest and its page now.
#[must_use]
pub fn live_references() -> LiveReferences {
    LiveReferences { guest_objects: object_table::live(), page_objects: handle::live(), streams: stream_table::live() }
}
