use dotwit::prelude::*;

#[js_invokable(42)]
pub fn number() {}

#[js_invokable(Add)]
pub fn name() {}

#[js_invokable("Add", "Plus")]
pub fn two_ids() {}

pub struct Object;

#[js_invokable]
impl Object {
    #[js_invokable = "Equals"]
    pub fn equals(&self) {}
}

fn main() {}
