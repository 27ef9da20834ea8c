//! CallDotNetExample1 and its variants: static methods, arguments, and ids that differ from the method's name.

use dotwit::prelude::*;

// ANCHOR: call-dotnet-example-1
/// An array of three numbers.
#[js_invokable]
pub async fn return_array_async() -> Vec<i32> {
    vec![1, 2, 3]
}
// ANCHOR_END: call-dotnet-example-1

// ANCHOR: call-dotnet-example-1-argument
/// Three numbers in a row, the first one given.
#[js_invokable]
pub async fn return_array_from_async(start_position: i32) -> Result<Vec<i32>, &'static str> {
    let last = start_position.checked_add(2).ok_or("The array would go beyond the largest integer of 32 bits.")?;
    Ok((start_position..=last).collect())
}
// ANCHOR_END: call-dotnet-example-1-argument

// ANCHOR: call-dotnet-example-1-name
/// The same array under an id that is not the method's name.
#[js_invokable("DifferentMethodName")]
pub async fn return_array_under_another_name() -> Vec<i32> {
    vec![1, 2, 3]
}
// ANCHOR_END: call-dotnet-example-1-name

/// The sum of two numbers.
#[js_invokable]
pub fn add(a: i32, b: i32) -> i32 {
    a + b
}
