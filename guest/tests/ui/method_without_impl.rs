use dotwit::prelude::*;

pub struct Object;

impl Object {
    #[js_invokable]
    pub fn get(&self) -> i32 {
        1
    }
}

fn main() {
    Object.get();
}
