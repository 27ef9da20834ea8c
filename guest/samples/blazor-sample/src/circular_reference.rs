//! What cannot be sent: objects that contain themselves.

use dotwit::prelude::*;
use serde::de::IgnoredAny;

use crate::view::{Shown, View};

// ANCHOR: circular-reference
/// Takes anything that JSON can say.
#[js_invokable]
pub fn receive_anything(_anything: IgnoredAny) -> &'static str {
    "received"
}

/// The component.
pub struct CircularReference {
    view: View,
}

#[js_invokable]
impl CircularReference {
    /// The component, before anything was asked for.
    #[js_invokable("CreateCircularReference")]
    pub fn create(view: View) -> DotNetObjectReference<CircularReference> {
        DotNetObjectReference::new(CircularReference { view })
    }

    /// Asks the page for an object that contains itself, and shows why there is none.
    #[js_invokable]
    pub async fn ask_for_circle(&self) {
        let result = match js::invoke::<IgnoredAny>("getCircle", ()).await {
            Ok(_) => "received".to_owned(),
            Err(error) => format!("{}: {}", error.kind(), error.message()),
        };
        self.view.show(Shown { result });
    }
}
// ANCHOR_END: circular-reference
