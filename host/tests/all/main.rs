//! The host, tested with real guests: those that `cargo xtask guests` builds.

mod async_calls;
mod calls;
mod command_line;
mod fuzz;
mod limits;
mod numbers;
mod page;
mod page_objects;
mod refused;
mod server;
mod sessions;
mod streams;
mod support;
mod traps;
