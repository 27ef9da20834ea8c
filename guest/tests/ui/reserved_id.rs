use dotwit::prelude::*;

pub struct Object;

#[js_invokable]
impl Object {
    #[js_invokable("__Dispose")]
    pub fn dispose(&self) {}
}

fn main() {}
