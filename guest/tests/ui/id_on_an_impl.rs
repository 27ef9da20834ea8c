use dotwit::prelude::*;

pub struct Object;

#[js_invokable("Object")]
impl Object {
    #[js_invokable]
    pub fn get(&self) {}
}

fn main() {}
