//! The adapter's sources, which are built into the program: what a page imports from `/_dotwit/index.js`.

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// Returns the routes of the adapter's files, to be nested where pages import them from.
pub(crate) fn routes() -> Router {
    let all = Router::new()
        .route("/{*path}", get(|Path(path): Path<String>, headers: HeaderMap| async move { source(&path, &headers) }));
    // Circuits are resumed at `/circuit/{node}`, which a path that is written out comes before.
    dotwit_js_adapter::folder("circuit").fold(all, |routes, path| {
        routes.route(&format!("/{path}"), get(move |headers: HeaderMap| async move { source(path, &headers) }))
    })
}

/// Answers with one of the adapter's files.
fn source(path: &str, headers: &HeaderMap) -> Response {
    let Some(source) = dotwit_js_adapter::source(path) else {
        return (StatusCode::NOT_FOUND, format!("The adapter has no file '{path}'.\n")).into_response();
    };
    let tag = tag(source);
    if headers.get_all(header::IF_NONE_MATCH).iter().any(|known| knows(known.as_bytes(), &tag)) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response();
    }
    let kind = mime_guess::from_path(path).first_or_octet_stream().to_string();
    ([(header::CONTENT_TYPE, kind), (header::ETAG, tag)], source).into_response()
}

/// Returns whether an `If-None-Match` names the tag, weakly or not, or any (RFC 9110, section 13.1.2).
fn knows(header: &[u8], tag: &str) -> bool {
    let names = |known: &str| known == "*" || known.trim_start_matches("W/") == tag;
    std::str::from_utf8(header).is_ok_and(|header| header.split(',').any(|known| names(known.trim())))
}

/// Returns an entity tag that changes with the content.
fn tag(content: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
}
