use dotwit::prelude::*;

#[js_invokable]
pub struct Object;

#[js_invokable]
pub const ANSWER: i32 = 42;

fn main() {
    let Object = Object;
    let _ = ANSWER;
}
