//! The host, tested with real guests: those that `cargo xtask guests` builds.

mod async_calls;
mod calls;
mod command_line;
mod page;
mod refused;
mod server;
mod support;
mod traps;
