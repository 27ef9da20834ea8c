//! The host, tested with real guests: those that `cargo xtask guests` builds.

mod async_calls;
mod calls;
mod fuzz;
mod limits;
mod numbers;
mod page;
mod page_objects;
mod refused;
#[cfg(feature = "server")]
mod server;
mod sessions;
mod streams;
mod support;
mod traps;
mod waiting;
