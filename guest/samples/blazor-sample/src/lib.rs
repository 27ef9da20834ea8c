//! The guest behind the gallery: the samples of Blazor's two articles on interop, *Call .NET methods from JavaScript
//! functions* and *Call JavaScript functions from .NET methods*, each in the module of its name.

pub mod circular_reference;
pub mod dom_cleanup;
pub mod element_and_map;
pub mod generics_example;
pub mod greeting_helpers;
pub mod hello_helper;
pub mod list_items;
pub mod long_running_function;
pub mod non_function;
pub mod prompt;
pub mod quote;
pub mod return_array;
pub mod return_array_module;
pub mod send_bytes;
pub mod stock;
pub mod streams_from_guest;
pub mod streams_to_guest;
pub mod uploads;
pub mod view;
pub mod window_object;

dotwit::export!("BlazorSample");
