use dotwit::prelude::*;

pub struct Object;

#[js_invokable]
impl Object {
    #[js_invokable]
    pub fn save(&self) {}

    #[js_invokable("Save")]
    pub fn save_all(&self) {}
}

pub struct Statics;

#[js_invokable]
impl Statics {
    #[js_invokable("Load")]
    pub fn load_one() {}

    #[js_invokable("Load")]
    pub fn load_all() {}
}

fn main() {}
