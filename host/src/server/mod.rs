//! The web server behind `dotwit serve`: a folder of pages, the adapter's sources for them, and guests that run here for pages.
//!
//! `Server` (`listen`) listens and has everything; `Circuits` (`circuits`) is the part for programs with a router of their own. Below
//! them are `handshake`, the first words on a socket, and `health`, what operators ask; then `upgrade`, the gate before it; `registry`,
//! all circuits; `circuit`, one of them; `pages`, the static part; `wire`, the protocol; and what they all go by: `options`, `metrics`,
//! `auth`, `origin`, `hosts`, `proxy`, `headers`. A lower one never imports a higher one.

mod auth;
mod circuit;
mod circuits;
mod handshake;
mod handshakes;
mod headers;
mod health;
mod hosts;
mod listen;
mod metrics;
mod options;
mod origin;
mod pages;
mod proxy;
mod registry;
mod shared;
#[cfg(test)]
mod tests;
#[cfg(feature = "tls")]
mod tls;
mod upgrade;
mod wire;

pub use self::auth::{Auth, Everybody, Refusal, Subject};
pub use self::circuits::Circuits;
pub use self::listen::Server;
pub use self::options::CircuitOptions;
pub use self::origin::{Origin, Origins, SameOrigin};
pub use self::pages::adapter;
#[cfg(feature = "tls")]
pub use self::tls::Tls;
pub use crate::engine::access::SystemAccess;

/// Reads a message of a circuit's socket, for the fuzz target.
#[cfg(fuzzing)]
#[doc(hidden)]
pub fn wire_read(data: &[u8]) {
    wire::fuzz::wire_read(data);
}
