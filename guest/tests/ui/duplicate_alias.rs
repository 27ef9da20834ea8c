use dotwit::prelude::*;

#[js_invokable("Add")]
#[js_invokable]
pub fn add(a: i32, b: i32) -> i32 {
    a + b
}

fn main() {}
