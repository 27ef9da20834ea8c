//! What circuits cost, beside the least that they could: `cargo xtask bench circuits` prints each as a ratio to its reference, with the
//! bar that it has to stay below.
//!
//! The reference is a bare axum WebSocket that returns what it gets, with the socket settings of circuits, in the same process and the
//! same run. The server is a process of its own, so that its memory is nothing but its own.

#![allow(missing_docs)]

mod client;
mod connection;
mod server;
mod system;
mod times;

fn main() {
    // Cargo passes arguments of its own.
    let done =
        if std::env::args().any(|argument| argument == server::ARGUMENT) { server::run() } else { client::run() };
    if let Err(error) = done {
        eprintln!("error: {error}");
        std::process::exit(1);
    }
}

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
