//! How a component is shown. In Blazor a renderer compares trees of markup; here a component says what its page is to
//! show, and the page's `component.js` puts it where the markup names it.

use dotwit::prelude::*;
use serde::{Deserialize, Serialize};

/// Where a component is shown: an object of the page with a function `render`, or nowhere.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct View(Option<JsObjectReference>);

impl View {
    /// Shows each field of `state` where the component's markup names it.
    pub fn show(&self, state: impl Serialize) {
        if let Some(view) = &self.0 {
            view.invoke_void("render", (state,)).detach();
        }
    }
}

/// The state of a component that has one text to show.
#[derive(Serialize)]
pub struct Shown<T> {
    /// What is shown where the markup says `data-text="result"`.
    pub result: T,
}
