use dotwit::prelude::*;

#[derive(Default)]
pub struct Object;

#[js_invokable]
impl Object {
    #[js_invokable]
    pub fn by_unique_reference(&mut self) {}

    #[js_invokable]
    pub fn by_value(self) {}

    #[js_invokable]
    pub fn by_box(self: Box<Self>) {}
}

fn main() {}
