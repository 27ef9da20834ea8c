//! The dispatcher's tests: Blazor's statements about .NET's dispatcher (C1–C34, C47–C79 of the conformance checklist) as
//! far as Rust has the notion, each test named after what it states, and beyond them the promises of dotwit's own.
//!
//! A test is the page of a guest of its own: everything here runs natively, without WebAssembly.
//!
//! Statements without a test, because Rust has no such notion:
//!
//! - C4, one reference in two runtimes: a component has one runtime, and a reference cannot leave its thread.
//! - C21 and C22, `null` for a name: names are strings in the contract. Empty ones are tested.
//! - C24, types and methods that are not public: a method that is not `pub` does not compile (`tests/ui`). Whether its
//!   module is public is nobody's business.
//! - C31, inherited methods: Rust has no inheritance, and the methods of what an object derefs to are not its own.
//! - C35–C46, completions of calls to the page, which the guest does not make yet.
//! - C52 and C53, open generic methods: these do not compile (`tests/ui`).
//! - C80–C89, streams and references to the page's objects, which the guest does not have yet.

#![forbid(unsafe_code)]
// What can be called is `pub`, whether or not its module is.
#![allow(unreachable_pub)]

mod arguments;
mod async_calls;
mod bytes;
mod errors;
mod instance_methods;
mod limits;
mod manifest;
mod references;
mod results;
mod static_methods;
mod support;
mod tasks;

dotwit::export!("Tests");
