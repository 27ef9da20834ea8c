//! The guest of the tests: what samples do not need and hosts must stand.

pub mod beside;
pub mod libraries;
pub mod misuse;
pub mod numbers;
pub mod objects;
pub mod page_calls;
pub mod page_objects;
pub mod streams;
pub mod system;
pub mod values;

dotwit::export!("TestGuest");
