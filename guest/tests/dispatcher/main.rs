//! The dispatcher's tests: Blazor's statements about .NET's side (C1–C133 of the conformance checklist) as far as Rust has
//! the notion, each test named after what it states, and beyond them the promises of dotwit's own.
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
//! - C40, a completion that is not an array: an outcome is typed in the contract. What can be wrong with its text is tested.
//! - C52 and C53, open generic methods: these do not compile (`tests/ui`).
//! - C82, one stream that is sent ten times: its bytes go to one reader, so sending it twice is an error, which is tested.
//! - C108, C112 and C114, a token or an infinite timeout: a call is cancelled by being dropped, and has no timeout unless it
//!   is given one.
//! - C116, a default timeout: guests have none, in the browser as in Blazor.
//! - C119, a call that was cancelled before it began: a call begins when it is made.
//! - C122, properties in PascalCase: serde has the names that the guest gives.
//! - C127, sanitised errors: the server's business.
//! - C128–C131, byte arrays that come one by one: they come with their message.
//! - C133, a runtime without streams: there is none.

#![forbid(unsafe_code)]
// What can be called is `pub`, whether or not its module is.
#![allow(unreachable_pub)]

mod arguments;
mod async_calls;
mod bytes;
mod errors;
mod instance_methods;
mod js_references;
mod js_streams;
mod leaks;
mod limits;
mod manifest;
mod misfits;
mod nesting;
mod numbers;
mod page_calls;
mod references;
mod results;
mod static_methods;
mod streams;
mod support;
mod tasks;
mod wire;

dotwit::export!("Tests");
