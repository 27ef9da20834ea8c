//! A circuit: one guest in the server, and the page that calls it.

pub(crate) mod inbox;
pub(crate) mod outbox;
pub(crate) mod state;
