//! Typed interop beside calls by name, in one component: the guest has a WIT interface of its own, which jco gives to a page and
//! `bindgen!` to a native program, both with types.

use dotwit::prelude::*;

dotwit::export!("TypedInterop");

/// What `wit-bindgen` makes of `wit/`.
#[allow(unsafe_code, missing_docs, unreachable_pub)]
mod typed {
    wit_bindgen::generate!({ path: "wit", world: "typed" });
    export!(Statistics);

    pub(crate) use exports::sample::typed::statistics::{Guest, Summary};
    pub(crate) use sample::typed::display;

    pub(crate) struct Statistics;
}

use typed::{Guest, Statistics, Summary, display};

/// What is exported with types.
impl Guest for Statistics {
    fn summarize(samples: Vec<f64>) -> Result<Summary, String> {
        if let Some(at) = samples.iter().position(|sample| !sample.is_finite()) {
            return Err(format!("sample {at} is {}, and only finite numbers can be summed up", samples[at]));
        }
        let count = u32::try_from(samples.len()).map_err(|_| format!("{} samples are too many", samples.len()))?;
        let least = samples.iter().copied().reduce(f64::min).ok_or("there are no samples to sum up")?;
        let greatest = samples.iter().copied().fold(least, f64::max);
        Ok(Summary { count, mean: samples.iter().sum::<f64>() / f64::from(count), least, greatest })
    }
}

/// The same by name: `DotNet.invokeMethod('TypedInterop', 'ShowMean', [1, 2, 4])`. It shows the line through the imports that have
/// types, and returns it.
#[js_invokable]
pub fn show_mean(samples: Vec<f64>) -> Result<String, String> {
    let summary = Statistics::summarize(samples)?;
    let line = format!("mean {:.*}", usize::from(display::digits()), summary.mean);
    display::show(&line);
    Ok(line)
}
