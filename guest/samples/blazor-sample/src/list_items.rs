//! CallDotNetExample6 and 7: the items of a list, each a component, each with an object for the page.

use std::cell::RefCell;
use std::rc::Rc;

use dotwit::Error;
use dotwit::prelude::*;
use serde::Serialize;

use crate::view::View;

// ANCHOR: call-dotnet-example-6
// ANCHOR: call-dotnet-example-7
/// What an item shows, and how what there is to click is displayed.
#[derive(Serialize)]
struct Item {
    message: &'static str,
    display: &'static str,
}
// ANCHOR_END: call-dotnet-example-7

/// Runs an action when the page calls it.
pub struct MessageUpdateInvokeHelper {
    action: Box<dyn Fn()>,
}

#[js_invokable]
impl MessageUpdateInvokeHelper {
    /// Runs the action.
    #[js_invokable]
    pub fn update_message_caller(&self) {
        (self.action)();
    }
}

/// An item of example 6.
pub struct ListItem1 {
    view: View,
}

#[js_invokable]
impl ListItem1 {
    /// An item that was not clicked.
    #[js_invokable("CreateListItem1")]
    pub fn create(view: View) -> DotNetObjectReference<ListItem1> {
        view.show(Item { message: "Select one of these list item buttons.", display: "inline-block" });
        DotNetObjectReference::new(ListItem1 { view })
    }

    /// Passes the page a helper that changes this item. The page disposes of it.
    #[js_invokable]
    pub async fn interop_call(self: Rc<Self>) -> Result<(), Error> {
        let helper = MessageUpdateInvokeHelper { action: Box::new(move || self.update_message()) };
        js::invoke_void("updateMessageCaller", (DotNetObjectReference::new(helper),)).await
    }

    fn update_message(&self) {
        self.view.show(Item { message: "UpdateMessage Called!", display: "none" });
    }
}
// ANCHOR_END: call-dotnet-example-6

// ANCHOR: call-dotnet-example-7
/// An item of example 7.
pub struct ListItem2 {
    view: View,
    obj_ref: RefCell<Option<DotNetObjectReference<ListItem2>>>,
}

#[js_invokable]
impl ListItem2 {
    /// An item that was not clicked.
    #[js_invokable("CreateListItem2")]
    pub fn create(view: View) -> DotNetObjectReference<ListItem2> {
        view.show(Item { message: "Select one of these list items.", display: "inline" });
        DotNetObjectReference::new(ListItem2 { view, obj_ref: RefCell::default() })
    }

    /// Has the page keep a reference to this item with the item's element.
    #[js_invokable]
    pub async fn on_after_render(self: Rc<Self>, element: JsObjectReference) -> Result<(), Error> {
        let obj_ref = DotNetObjectReference::from(Rc::clone(&self));
        js::invoke_void("assignDotNetHelper", (&element, &obj_ref)).await?;
        self.obj_ref.replace(Some(obj_ref));
        Ok(())
    }

    /// What the page calls by the reference.
    #[js_invokable]
    pub fn update_message(&self) {
        self.view.show(Item { message: "UpdateMessage Called!", display: "none" });
    }

    /// Ends the reference, which would keep the item alive.
    #[js_invokable]
    pub fn dispose(&self) {
        self.obj_ref.take();
    }
}
// ANCHOR_END: call-dotnet-example-7
