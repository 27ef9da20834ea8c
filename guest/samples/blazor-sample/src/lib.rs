//! The guest behind the gallery: the samples of *Call .NET methods from JavaScript functions in ASP.NET Core Blazor*, each
//! in the module of its name.

pub mod generics_example;
pub mod hello_helper;
pub mod return_array;

dotwit::export!("BlazorSample");
