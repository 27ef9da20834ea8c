use dotwit::prelude::*;

pub struct Object;

#[js_invokable]
impl Clone for Object {
    fn clone(&self) -> Self {
        Object
    }
}

fn main() {
    let _ = Object.clone();
}
