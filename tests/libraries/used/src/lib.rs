//! Methods of a library of which a guest uses something else.

use dotwit::prelude::*;

/// What guests use.
pub mod used {
    use dotwit::prelude::*;

    /// The next number.
    #[inline(never)]
    pub fn next(number: i32) -> i32 {
        number + 1
    }

    /// The previous number.
    #[js_invokable]
    pub fn beside_used(number: i32) -> i32 {
        number - 1
    }
}

/// What guests do not use.
pub mod unused {
    use dotwit::prelude::*;

    /// The number a thousand times.
    #[js_invokable]
    pub fn beside_unused(number: i32) -> i32 {
        number * 1000
    }
}

/// The square of a number.
#[js_invokable]
pub fn used_square(number: i32) -> i32 {
    number * number
}
