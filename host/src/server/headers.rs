//! The headers that every page gets: what the browser may do with it.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::error::{Error, ErrorKind};

/// A page may load what this server serves and nothing of others. Scripts and styles may be in the page itself, event handlers too:
/// pages that were written for Blazor have them, and a `<base>`. `data:` and `blob:` are how a page shows an image, plays a sound or saves a file
/// that its guest sends.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; \
     style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' data: blob:; \
     worker-src 'self' blob:; object-src 'none'; base-uri 'self'; frame-ancestors 'self'; \
     connect-src 'self' data: blob:";

/// The headers of pages. Each can be replaced or left out.
#[derive(Clone, Debug)]
pub(crate) struct PageHeaders(Vec<(HeaderName, HeaderValue)>);

impl PageHeaders {
    /// Returns the headers that pages get unless they are replaced. Pages may connect to `other` as well as to the server itself.
    pub(crate) fn new(other: Option<&str>) -> Self {
        // What pages may connect to is the last part of it.
        let policy = other.and_then(|other| HeaderValue::try_from(format!("{CONTENT_SECURITY_POLICY} {other}")).ok());
        Self(vec![
            (header::CONTENT_SECURITY_POLICY, policy.unwrap_or(HeaderValue::from_static(CONTENT_SECURITY_POLICY))),
            // A file is what its type says, whatever is in it.
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            // Other sites need not know which page led to them.
            (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
            // No page of another site keeps a handle to this one's window.
            (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
        ])
    }

    /// Replaces a header or adds one. An empty value leaves it out.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::BadArguments`] if no header can have this name or value.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), Error> {
        let refused = |what: &str| {
            Error::new(
                ErrorKind::BadArguments,
                format!("The header '{}: {}' has {what}.", name.escape_debug(), value.escape_debug()),
            )
        };
        let key = HeaderName::try_from(name).map_err(|_| refused("a name that no header can have"))?;
        let value = HeaderValue::try_from(value).map_err(|_| refused("a value that no header can have"))?;
        self.0.retain(|(other, _)| *other != key);
        if !value.is_empty() {
            self.0.push((key, value));
        }
        Ok(())
    }
}

/// Sets the headers on a response that does not have them.
pub(crate) async fn set(State(headers): State<Arc<PageHeaders>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in &headers.0 {
        response.headers_mut().entry(name).or_insert_with(|| value.clone());
    }
    response
}

#[cfg(test)]
mod tests {
    use super::PageHeaders;

    fn value<'a>(headers: &'a PageHeaders, name: &str) -> Option<&'a str> {
        headers.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.to_str().unwrap())
    }

    #[test]
    fn a_header_can_be_replaced_added_and_left_out() {
        let mut headers = PageHeaders::new(None);
        assert!(value(&headers, "content-security-policy").unwrap().contains("object-src 'none'"));
        headers.set("Content-Security-Policy", "default-src 'none'").unwrap();
        headers.set("Referrer-Policy", "").unwrap();
        headers.set("X-Own", "1").unwrap();
        assert_eq!(value(&headers, "content-security-policy"), Some("default-src 'none'"));
        assert_eq!(value(&headers, "referrer-policy"), None);
        assert_eq!(value(&headers, "x-own"), Some("1"));
    }

    #[test]
    fn pages_may_connect_to_a_public_url() {
        let headers = PageHeaders::new(Some("wss://n1.example.com"));
        assert!(
            value(&headers, "content-security-policy")
                .unwrap()
                .ends_with("; connect-src 'self' data: blob: wss://n1.example.com")
        );
    }

    #[test]
    fn what_is_no_header_is_refused() {
        let mut headers = PageHeaders::new(None);
        for (name, text) in [("", "x"), ("a b", "x"), ("a:", "x"), ("a", "x\r\nevil: 1")] {
            let error = headers.set(name, text).unwrap_err();
            assert!(error.message().contains("no header can have"), "{error}");
        }
    }
}
