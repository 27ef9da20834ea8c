use dotwit::prelude::*;

pub struct Counter;

#[js_invokable]
impl Counter {
    #[js_invokable("Get", crate = dotwit)]
    pub fn get(&self) -> i32 {
        1
    }
}

#[js_invokable(crate = dotwit, crate = dotwit)]
pub fn twice() {}

dotwit::export!("Test");
fn main() {}
