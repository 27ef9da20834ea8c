use dotwit::prelude::*;

#[js_invokable]
pub async fn call() -> Result<(), dotwit::Error> {
    js::invoke("f", ()).await?;
    Ok(())
}

#[js_invokable]
pub fn borrowed() {
    let _text = js::invoke_sync::<&str>("f", ());
}

dotwit::export!("Test");
fn main() {}
