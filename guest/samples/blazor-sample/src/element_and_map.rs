//! Call JS Example 8: an element as an argument, and an object of the page that only the page can use.

use std::cell::RefCell;

use dotwit::prelude::*;
use dotwit::{Error, ErrorKind};

// ANCHOR: call-js-example-8
/// The module and the map that it has made.
struct Map {
    module: JsObjectReference,
    map: JsObjectReference,
}

/// The component.
#[derive(Default)]
pub struct CallJsExample8 {
    map: RefCell<Option<Map>>,
}

#[js_invokable]
impl CallJsExample8 {
    /// The component, before there is a map.
    #[js_invokable("CreateCallJsExample8")]
    pub fn create(_view: Option<JsObjectReference>) -> DotNetObjectReference<CallJsExample8> {
        DotNetObjectReference::new(CallJsExample8::default())
    }

    /// Has the module put a map into the element.
    #[js_invokable]
    pub async fn on_after_render(&self, element: JsObjectReference) -> Result<(), Error> {
        let module = js::import("./call-js-example-8.js").await?;
        let map = module.invoke("addMapToElement", (element,)).await?;
        self.map.replace(Some(Map { module, map }));
        Ok(())
    }

    /// Passes the map back to the module, with the place that it is to show.
    #[js_invokable]
    pub async fn show(&self, latitude: f64, longitude: f64) -> Result<(), Error> {
        let call = match &*self.map.borrow() {
            Some(Map { module, map }) => module.invoke_void("setMapCenter", (map, latitude, longitude)),
            None => return Err(Error::new(ErrorKind::Failed, "There is no map yet.")),
        };
        call.await
    }

    /// Lets go of the map and the module.
    #[js_invokable]
    pub fn dispose(&self) {
        self.map.take();
    }
}
// ANCHOR_END: call-js-example-8
