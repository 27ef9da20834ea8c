//! ReceiveWindowObject: the page's own objects as arguments.

use dotwit::Error;
use dotwit::prelude::*;

// ANCHOR: receive-window-object
/// Reads the title of a window's document and says so. When the method ends, the reference is dropped.
#[js_invokable]
pub async fn receive_window_object(window: JsObjectReference) -> Result<(), Error> {
    let title: String = window.get("document.title").await?;
    println!(".NET: a window that shows {title:?}");
    Ok(())
}

/// The same after a while. Until then the page must not end the reference.
#[js_invokable]
pub async fn receive_window_object_later(window: JsObjectReference) -> Result<(), Error> {
    task::yield_now().await;
    receive_window_object(window).await
}
// ANCHOR_END: receive-window-object
