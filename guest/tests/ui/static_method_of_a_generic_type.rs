use dotwit::prelude::*;

pub struct Generic<T>(T);

#[js_invokable]
impl<T: 'static> Generic<T> {
    #[js_invokable]
    pub fn create() -> i32 {
        1
    }
}

fn main() {}
