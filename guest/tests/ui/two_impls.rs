use dotwit::prelude::*;

pub struct Object;

#[js_invokable]
impl Object {
    #[js_invokable]
    pub fn one(&self) {}
}

#[js_invokable]
impl Object {
    #[js_invokable]
    pub fn two(&self) {}
}

fn main() {}
