//! A circuit: one guest in the server, and the page that calls it.
//!
//! One task owns everything of a circuit and polls it (`task`): the guest between its visits (`visit`), the socket while there is one
//! (`connection`), the numbers of frames in both directions (`inbox` and `outbox`, together `link`), what page and guest want of each
//! other (`interop`, with `mailbox`, `page_calls`, `reads` and `streams`), and the clocks (`presence`, `rate`, `timer`). Its life is a state
//! machine in one pure file (`state`). Everything else reaches it by its `handle`, which sends it commands.
//!
//! The folder imports `wire` and `options` of the server and the host's `engine`, and knows nothing of HTTP or of other circuits.

pub(crate) mod connection;
pub(crate) mod executor;
pub(crate) mod handle;
pub(crate) mod inbox;
mod interop;
pub(crate) mod keys;
pub(crate) mod link;
mod mailbox;
#[cfg(test)]
mod model;
pub(crate) mod outbox;
mod page_calls;
mod presence;
mod rate;
mod reads;
pub(crate) mod state;
mod streams;
pub(crate) mod task;
mod timer;
mod upcalls;
#[cfg(test)]
mod vectors;
pub(crate) mod visit;
