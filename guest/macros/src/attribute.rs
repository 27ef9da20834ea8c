//! The arguments of `#[js_invokable(…)]`, and the attributes beside it that matter.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Error, LitStr, Meta, Path, Result, Token};

use crate::tokens::find_ident;

const ARGUMENTS: &str = "expected an id as a string, or the path to dotwit: `#[js_invokable(\"DifferentMethodName\")]`, \
                         `#[js_invokable(crate = a_crate::dotwit)]`";

/// The arguments of one attribute.
#[derive(Clone, Default)]
pub(crate) struct Arguments {
    pub(crate) id: Option<LitStr>,
    /// The path to the crate `dotwit`.
    pub(crate) dotwit: Option<Path>,
}

/// Reads an attribute's arguments.
pub(crate) fn parse(tokens: TokenStream) -> Result<Arguments> {
    let all = tokens.clone();
    let parse = |input: ParseStream<'_>| {
        let mut arguments = Arguments::default();
        while !input.is_empty() {
            if input.peek(Token![crate]) && arguments.dotwit.is_none() {
                input.parse::<Token![crate]>()?;
                input.parse::<Token![=]>()?;
                arguments.dotwit = Some(input.call(Path::parse_mod_style)?);
            } else if arguments.id.is_none() {
                arguments.id = Some(input.parse()?);
            } else {
                return Err(input.error(ARGUMENTS));
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(arguments)
    };
    parse.parse2(tokens).map_err(|_| Error::new_spanned(all, ARGUMENTS))
}

/// Takes the `#[js_invokable]` attributes out of `attrs` and returns the arguments of each.
pub(crate) fn take(attrs: &mut Vec<Attribute>) -> Result<Vec<Arguments>> {
    let is_ours = |attr: &Attribute| attr.path().segments.last().is_some_and(|last| last.ident == "js_invokable");
    let (ours, others) = std::mem::take(attrs).into_iter().partition::<Vec<_>, _>(is_ours);
    *attrs = others;
    ours.into_iter()
        .map(|attr| match attr.meta {
            Meta::Path(_) => Ok(Arguments::default()),
            Meta::List(list) => parse(list.tokens),
            Meta::NameValue(meta) => Err(Error::new_spanned(meta, ARGUMENTS)),
        })
        .collect()
}

/// As [`take`], for a method in an `impl` block, whose `cfg_attr`s the compiler has not expanded yet.
pub(crate) fn take_of_method(attrs: &mut Vec<Attribute>) -> Result<Vec<Arguments>> {
    if let Some(at) = attrs.iter().position(|attr| is_conditional(attr, "js_invokable")) {
        return Err(Error::new_spanned(
            attrs.remove(at),
            "in an `impl` block, `#[js_invokable]` cannot depend on a condition: put `#[cfg(…)]` on the method",
        ));
    }
    take(attrs)
}

/// The attributes on which it depends whether an item is compiled.
pub(crate) fn cfgs(attrs: &[Attribute]) -> Vec<Attribute> {
    attrs.iter().filter(|attr| attr.path().is_ident("cfg") || is_conditional(attr, "cfg")).cloned().collect()
}

/// Whether an attribute is a `cfg_attr` that adds the one with this name.
fn is_conditional(attr: &Attribute, name: &str) -> bool {
    match &attr.meta {
        Meta::List(list) if list.path.is_ident("cfg_attr") => find_ident(list.tokens.clone(), name).is_some(),
        _ => false,
    }
}

/// The import by which generated code names the crate `dotwit`.
pub(crate) fn import(attributes: &[Arguments]) -> TokenStream {
    match attributes.iter().find_map(|arguments| arguments.dotwit.as_ref()) {
        Some(path) => quote!(use #path as __dotwit;),
        None => quote!(
            use ::dotwit as __dotwit;
        ),
    }
}
