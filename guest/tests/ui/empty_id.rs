use dotwit::prelude::*;

#[js_invokable("")]
pub fn empty() {}

#[js_invokable(" \t")]
pub fn blank() {}

fn main() {}
