//! Methods of a library of which a guest uses something else. To them dotwit has another name.

use interop::prelude::*;

/// What guests use.
pub mod used {
    use interop::prelude::*;

    /// The next number.
    #[inline(never)]
    pub fn next(number: i32) -> i32 {
        number + 1
    }

    /// The previous number.
    #[js_invokable(crate = interop)]
    pub fn beside_used(number: i32) -> i32 {
        number - 1
    }
}

/// What guests do not use.
pub mod unused {
    use interop::prelude::*;

    /// The number a thousand times.
    #[js_invokable(crate = interop)]
    pub fn beside_unused(number: i32) -> i32 {
        number * 1000
    }
}

/// The square of a number.
#[js_invokable(crate = interop)]
pub fn used_square(number: i32) -> i32 {
    number * number
}
