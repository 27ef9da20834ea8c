//! Files before they are guests: what they are, and how a core module becomes a component. The folder imports `error` alone.

pub(crate) mod componentize;
pub(crate) mod inspect;
