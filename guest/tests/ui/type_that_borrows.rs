use dotwit::prelude::*;

pub struct Borrows<'a>(&'a str);

#[js_invokable]
impl<'a> Borrows<'a> {
    #[js_invokable]
    pub fn get(&self) -> String {
        self.0.to_owned()
    }
}

fn main() {}
