//! What guest and host both know of dotwit's messages beside their types, which `wit/` has. It is a part of the crates `dotwit` and
//! `dotwit-host` and changes with them: use those.

pub mod expand;
pub mod numbers;
