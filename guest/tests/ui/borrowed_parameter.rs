use dotwit::prelude::*;

#[js_invokable]
pub fn text(_text: &str) {}

#[js_invokable]
pub fn slice(_slice: &[u8]) {}

#[js_invokable]
pub fn reference(_list: &mut Vec<String>) {}

#[js_invokable]
pub fn inside(_text: Option<&str>) {}

#[js_invokable]
pub fn lifetime<'a>(_text: Vec<std::borrow::Cow<'a, str>>) {}

#[js_invokable]
pub fn owned(_text: Vec<std::borrow::Cow<'_, str>>, _other: std::borrow::Cow<'static, str>) {}

pub struct Object;

#[js_invokable]
impl Object {
    #[js_invokable]
    pub fn text(&self, _number: i32, _text: &'static str) {}
}

fn main() {}
