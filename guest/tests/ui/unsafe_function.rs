use dotwit::prelude::*;

#[js_invokable]
pub unsafe fn dangerous() {}

fn main() {}
