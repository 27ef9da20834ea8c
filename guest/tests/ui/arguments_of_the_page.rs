use dotwit::prelude::*;

#[js_invokable]
pub async fn call() -> Result<(), dotwit::Error> {
    js::invoke_void("f", 5).await?;
    js::invoke_void("f", "text").await?;
    js::invoke_void("f", Bytes(vec![1])).await?;
    js::construct_sync("F", Some(1)).map(drop)
}

dotwit::export!("Test");
fn main() {}
