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

pub(crate) mod dotnet_object;
pub(crate) mod dotnet_stream;
pub(crate) mod js_object;
pub(crate) mod js_stream;
pub(crate) mod object_table;
mod stream_source;
pub(crate) mod stream_table;
