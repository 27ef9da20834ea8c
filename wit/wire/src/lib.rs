//! What guest and host both implement of dotwit's messages, beside their types, which `wit/` has. It is part of the crates
//! `dotwit` and `dotwit-host` and changes with them: use those.
//!
//! A message is a JSON text and byte arrays beside it. What JSON cannot hold is a [`placeholder`] in the text: a byte array, a
//! number that JavaScript has and JSON does not, or a reference to an object or a stream of either side.
//!
//! - [`json`] finds the structure of a text without reading its values: depth, elements, references.
//! - [`byte_arrays`] holds the arrays of a message while serde writes or reads its text, for [`Bytes`], [`TypedArray`] and
//!   [`BigInt`].
//! - [`numbers`] converts between bytes and numbers, and [`expand`] puts numbers into a text, for types that know nothing of
//!   placeholders.
//! - [`ErrorKind`] and [`limits`] are the words and the numbers that both sides agree on.
//!

#![forbid(unsafe_code)]
#![warn(missing_debug_implementations)]

pub mod byte_arrays;
mod bytes;
mod error_kind;
pub mod expand;
pub mod json;
pub mod limits;
pub mod numbers;
pub mod placeholder;
mod typed_array;

pub use bytes::Bytes;
pub use error_kind::ErrorKind;
pub use numbers::{Element, Integer};
pub use typed_array::{BigInt, TypedArray};
