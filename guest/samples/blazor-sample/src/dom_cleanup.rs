//! The page's own clean-up: an object of the guest that belongs to an element and ends with it.

use dotwit::Error;
use dotwit::prelude::*;

// ANCHOR: mutation-observer
/// What belongs to an element.
pub struct ElementResource;

#[js_invokable]
impl ElementResource {
    /// Makes one and hands it to the page, which alone keeps it alive from then on.
    #[js_invokable("ObserveElement")]
    pub async fn observe() -> Result<(), Error> {
        let resource = DotNetObjectReference::new(ElementResource);
        resource.give_to_page()?;
        println!(".NET: the element has an object");
        js::invoke_void("DOMCleanup.createObserver", (resource,)).await
    }
}

impl Drop for ElementResource {
    fn drop(&mut self) {
        println!(".NET: the element's object is gone");
    }
}
// ANCHOR_END: mutation-observer
