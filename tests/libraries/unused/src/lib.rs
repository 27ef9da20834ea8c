//! Methods of a library of which a guest names the crate, and nothing in it.

#![forbid(unsafe_code)]

pub mod generic;
pub mod objects;

use dotwit::prelude::*;

/// Twice the number.
#[js_invokable("UnusedTwice")]
#[js_invokable("UnusedDouble")]
pub fn twice(number: i32) -> i32 {
    number * 2
}

/// Modules in a module.
pub mod outer {
    /// The innermost one.
    pub mod inner {
        use dotwit::prelude::*;

        /// The number, later.
        #[js_invokable]
        pub async fn unused_inner(number: i32) -> i32 {
            task::yield_now().await;
            number
        }
    }
}
