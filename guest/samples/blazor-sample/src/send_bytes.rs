//! CallDotNetExample8 and Call JS Example 9: bytes as arguments, in both directions.

use std::string::FromUtf8Error;

use dotwit::Error;
use dotwit::prelude::*;

use crate::view::{Shown, View};

// ANCHOR: call-dotnet-example-8
/// The text that bytes spell.
#[js_invokable]
pub async fn receive_byte_array(receive_bytes: Bytes) -> Result<String, FromUtf8Error> {
    String::from_utf8(receive_bytes.0)
}
// ANCHOR_END: call-dotnet-example-8

// ANCHOR: call-js-example-9
/// The component of Call JS Example 9.
pub struct CallJsExample9 {
    view: View,
}

#[js_invokable]
impl CallJsExample9 {
    /// The component, before the bytes were sent.
    #[js_invokable("CreateCallJsExample9")]
    pub fn create(view: View) -> DotNetObjectReference<CallJsExample9> {
        DotNetObjectReference::new(CallJsExample9 { view })
    }

    /// Sends a text's bytes and shows what the page reads in them.
    #[js_invokable]
    pub async fn send_byte_array(&self) -> Result<(), Error> {
        let bytes = Bytes(b"Everything's shiny, Captian. Not to fret.".to_vec());
        let result: String = js::invoke("receiveByteArray", (bytes,)).await?;
        self.view.show(Shown { result });
        Ok(())
    }
}
// ANCHOR_END: call-js-example-9
