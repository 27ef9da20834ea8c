use dotwit::prelude::*;

#[js_invokable]
pub fn one(_stream: DotNetStreamReference) {}

#[js_invokable]
pub async fn nested(_number: i32, _streams: Vec<(u8, Option<dotwit::DotNetStreamReference>)>) {}

fn main() {}
