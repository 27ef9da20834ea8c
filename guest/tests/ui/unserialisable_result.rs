use dotwit::prelude::*;

pub struct Plain;

pub struct Silent;

#[js_invokable]
pub fn plain() -> Plain {
    Plain
}

#[js_invokable]
pub fn list() -> Vec<Plain> {
    Vec::new()
}

#[js_invokable]
pub async fn later() -> Option<Plain> {
    None
}

#[js_invokable]
pub fn fallible() -> Result<Plain, String> {
    Ok(Plain)
}

#[js_invokable]
pub fn silent_error() -> Result<i32, Silent> {
    Err(Silent)
}

pub struct Object;

#[js_invokable]
impl Object {
    #[js_invokable]
    pub fn get(&self) -> Plain {
        Plain
    }
}

fn main() {}
