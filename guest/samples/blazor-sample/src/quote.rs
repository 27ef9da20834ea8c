//! Call JS Example 1: the page decodes an array of numbers.

use dotwit::Error;
use dotwit::prelude::*;

use crate::view::{Shown, View};

// ANCHOR: call-js-example-1
/// The component.
pub struct CallJsExample1 {
    view: View,
}

#[js_invokable]
impl CallJsExample1 {
    /// The component, before the array was converted.
    #[js_invokable("CreateCallJsExample1")]
    pub fn create(view: View) -> DotNetObjectReference<CallJsExample1> {
        DotNetObjectReference::new(CallJsExample1 { view })
    }

    /// Has the page make a text of numbers, and shows it as markup.
    #[js_invokable]
    pub async fn convert_array(&self) -> Result<(), Error> {
        let quote = b"<em>Can't stop the signal, Mal.</em> - Mr. Universe";
        let quote_array: Vec<u32> = quote.iter().copied().map(u32::from).collect();
        let result: String = js::invoke("convertArray", (quote_array,)).await?;
        self.view.show(Shown { result });
        Ok(())
    }
}
// ANCHOR_END: call-js-example-1
