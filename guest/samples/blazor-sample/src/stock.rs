//! Call JS Example 2 to 5: functions of the page without and with a result, called by the component or by a class of its
//! own.

use dotwit::Error;
use dotwit::prelude::*;

use crate::view::{Shown, View};

// ANCHOR: call-js-example-2
/// A stock's symbol of two letters and its price.
struct Stock {
    symbol: String,
    price: u32,
}

impl Stock {
    /// Any stock. The page's dice are thrown.
    async fn random() -> Result<Stock, Error> {
        let mut random = [0.0; 3];
        for number in &mut random {
            *number = js::invoke::<f64>("Math.random", ()).await?;
        }
        let letter = |random: f64| char::from(b'A' + (random * 26.0) as u8);
        let symbol = [letter(random[0]), letter(random[1])].iter().collect();
        Ok(Stock { symbol, price: 1 + (random[2] * 100.0) as u32 })
    }
}
// ANCHOR_END: call-js-example-2

// ANCHOR: call-js-example-2
/// The component of example 2.
pub struct CallJsExample2 {
    view: View,
}

#[js_invokable]
impl CallJsExample2 {
    /// The component, before a stock was set.
    #[js_invokable("CreateCallJsExample2")]
    pub fn create(view: View) -> DotNetObjectReference<CallJsExample2> {
        DotNetObjectReference::new(CallJsExample2 { view })
    }

    /// Shows a stock and has the page alert its reader.
    #[js_invokable]
    pub async fn set_stock(&self) -> Result<(), Error> {
        let Stock { symbol, price } = Stock::random().await?;
        self.view.show(Shown { result: format!("{symbol} price: ${price}.00") });
        js::invoke_void("displayTickerAlert1", (symbol, price)).await
    }
}
// ANCHOR_END: call-js-example-2

// ANCHOR: call-js-example-3
/// What example 3 calls the page with.
pub struct JsInteropClasses1;

impl JsInteropClasses1 {
    /// Has the page alert its reader.
    pub async fn ticker_changed(&self, symbol: &str, price: u32) -> Result<(), Error> {
        js::invoke_void("displayTickerAlert1", (symbol, price)).await
    }
}

/// The component of example 3.
pub struct CallJsExample3 {
    view: View,
    js_class: JsInteropClasses1,
}

#[js_invokable]
impl CallJsExample3 {
    /// The component, before a stock was set.
    #[js_invokable("CreateCallJsExample3")]
    pub fn create(view: View) -> DotNetObjectReference<CallJsExample3> {
        DotNetObjectReference::new(CallJsExample3 { view, js_class: JsInteropClasses1 })
    }

    /// Shows a stock and has the class alert the page's reader.
    #[js_invokable]
    pub async fn set_stock(&self) -> Result<(), Error> {
        let Stock { symbol, price } = Stock::random().await?;
        self.view.show(Shown { result: format!("{symbol} price: ${price}.00") });
        self.js_class.ticker_changed(&symbol, price).await
    }
}
// ANCHOR_END: call-js-example-3

// ANCHOR: call-js-example-4
/// The component of example 4.
pub struct CallJsExample4 {
    view: View,
}

#[js_invokable]
impl CallJsExample4 {
    /// The component, before a stock was set.
    #[js_invokable("CreateCallJsExample4")]
    pub fn create(view: View) -> DotNetObjectReference<CallJsExample4> {
        DotNetObjectReference::new(CallJsExample4 { view })
    }

    /// Shows what the page's function returns for a stock.
    #[js_invokable]
    pub async fn set_stock(&self) -> Result<(), Error> {
        let Stock { symbol, price } = Stock::random().await?;
        let alert: String = js::invoke("displayTickerAlert2", (&symbol, price)).await?;
        self.view.show(Shown { result: format!("Result of SetStock call for {symbol} at ${price}.00: {alert}") });
        Ok(())
    }
}
// ANCHOR_END: call-js-example-4

// ANCHOR: call-js-example-5
/// What example 5 calls the page with.
pub struct JsInteropClasses2;

impl JsInteropClasses2 {
    /// What the page's function returns.
    pub async fn ticker_changed(&self, symbol: &str, price: u32) -> Result<String, Error> {
        js::invoke("displayTickerAlert2", (symbol, price)).await
    }
}

/// The component of example 5.
pub struct CallJsExample5 {
    view: View,
    js_class: JsInteropClasses2,
}

#[js_invokable]
impl CallJsExample5 {
    /// The component, before a stock was set.
    #[js_invokable("CreateCallJsExample5")]
    pub fn create(view: View) -> DotNetObjectReference<CallJsExample5> {
        DotNetObjectReference::new(CallJsExample5 { view, js_class: JsInteropClasses2 })
    }

    /// Shows what the class gets for a stock.
    #[js_invokable]
    pub async fn set_stock(&self) -> Result<(), Error> {
        let Stock { symbol, price } = Stock::random().await?;
        let alert = self.js_class.ticker_changed(&symbol, price).await?;
        self.view.show(Shown { result: format!("Result of SetStock call for {symbol} at ${price}.00: {alert}") });
        Ok(())
    }
}
// ANCHOR_END: call-js-example-5
