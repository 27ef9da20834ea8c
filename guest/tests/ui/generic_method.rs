use dotwit::prelude::*;
use serde::de::DeserializeOwned;

#[js_invokable]
pub fn generic<T: DeserializeOwned>(_value: T) {}

#[js_invokable]
pub fn sized<const N: usize>() {}

pub struct Object;

#[js_invokable]
impl Object {
    #[js_invokable]
    pub fn generic<T: DeserializeOwned>(&self, _value: T) {}
}

fn main() {}
