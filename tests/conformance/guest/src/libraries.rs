//! Methods of libraries: one whose crate is named and nothing more, and one of which something is used.

use dotwit::prelude::*;
use unused_library as _;

/// The next number, as the library counts.
#[js_invokable]
pub fn next(number: i32) -> i32 {
    used_library::used::next(number)
}
