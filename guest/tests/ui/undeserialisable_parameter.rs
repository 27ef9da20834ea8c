use dotwit::prelude::*;

pub struct Plain;

#[js_invokable]
pub fn one(_first: i32, _plain: Plain) {}

#[js_invokable]
pub async fn list(_list: Vec<Plain>) {}

pub struct Generic<T>(T);

#[js_invokable]
impl<T: Clone + 'static> Generic<T> {
    #[js_invokable]
    pub fn set(&self, _value: T) {}
}

fn main() {}
