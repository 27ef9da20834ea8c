use dotwit::prelude::*;

pub struct Counter;

#[js_invokable]
impl Counter {
    #[cfg_attr(all(), js_invokable)]
    pub fn get(&self) -> i32 {
        1
    }
}

dotwit::export!("Test");
fn main() {}
