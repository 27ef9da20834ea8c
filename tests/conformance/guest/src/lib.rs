//! The guest of the conformance suite: what its cases call.

pub mod bytes;
pub mod calls;
pub mod libraries;
pub mod misfits;
pub mod numbers;
pub mod objects;
pub mod page;
pub mod page_objects;
pub mod streams;

dotwit::export!("Conformance");
