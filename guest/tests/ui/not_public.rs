use dotwit::prelude::*;

#[js_invokable]
fn private() {}

#[js_invokable]
pub(crate) fn half_private() {}

pub struct Object;

#[js_invokable]
impl Object {
    #[js_invokable]
    fn first(&self) {}

    #[js_invokable]
    fn second(&self) {}
}

fn main() {
    private();
    half_private();
    Object.first();
    Object.second();
}
