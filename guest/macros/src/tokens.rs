//! Types as tokens: what is in them, and how they are written.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::Type;

/// The first identifier with this name among tokens.
pub(crate) fn find_ident(tokens: TokenStream, name: &str) -> Option<Ident> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Ident(ident) if ident == name => Some(ident),
        TokenTree::Group(group) => find_ident(group.stream(), name),
        _ => None,
    })
}

/// The place where a type borrows: a reference, or a lifetime other than `'static` and `'_`.
pub(crate) fn find_borrow(tokens: TokenStream) -> Option<Span> {
    let mut tokens = tokens.into_iter();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '&' => return Some(punct.span()),
            TokenTree::Punct(punct) if punct.as_char() == '\'' => match tokens.next() {
                Some(TokenTree::Ident(name)) if name == "static" || name == "_" => {}
                name => return Some(name.map_or(punct.span(), |name| name.span())),
            },
            TokenTree::Group(group) => {
                if let Some(borrow) = find_borrow(group.stream()) {
                    return Some(borrow);
                }
            }
            _ => {}
        }
    }
    None
}

/// A type as its author would write it, without the spaces of the token printer.
pub(crate) fn type_text(ty: &impl ToTokens) -> String {
    let mut text = ty.to_token_stream().to_string();
    for (spaced, tight) in [
        (" :: ", "::"),
        (":: ", "::"),
        (" <", "<"),
        ("< ", "<"),
        (" >", ">"),
        (" ,", ","),
        ("& ", "&"),
        ("( ", "("),
        (" )", ")"),
        (" ;", ";"),
    ] {
        text = text.replace(spaced, tight);
    }
    text
}

/// Puts the type in place of `Self`, which has no meaning outside the `impl` block.
pub(crate) fn substitute_self(tokens: TokenStream, this: Option<&Type>) -> TokenStream {
    let Some(this) = this else { return tokens };
    let mut tokens = tokens.into_iter().peekable();
    std::iter::from_fn(|| {
        let token = tokens.next()?;
        let is_path = matches!(tokens.peek(), Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
        Some((token, is_path))
    })
    .map(|(token, is_path)| match token {
        TokenTree::Ident(ident) if ident == "Self" && is_path => quote!(<#this>),
        TokenTree::Ident(ident) if ident == "Self" => this.to_token_stream(),
        TokenTree::Group(group) => {
            let mut inner = Group::new(group.delimiter(), substitute_self(group.stream(), Some(this)));
            inner.set_span(group.span());
            TokenTree::Group(inner).into()
        }
        other => other.into(),
    })
    .collect()
}
