//! Circuits without a network: real guests, the real handshake, and a page that speaks `dotwit.v1` over a socket in memory.

mod calls;
mod life;
mod page;
