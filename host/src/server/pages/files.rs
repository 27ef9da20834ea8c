//! Files below a folder, and nothing outside of it, not even through a symbolic link.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;
use tower_http::services::ServeDir;

/// Serves the files below `root`, a canonical path.
pub(crate) fn service(root: PathBuf) -> Router {
    let files = ServeDir::new(&root);
    Router::new().fallback_service(files).layer(middleware::from_fn_with_state(Arc::new(root), keep_inside))
}

/// Refuses requests for what lies outside of the root, and says so where there is no such file.
async fn keep_inside(State(root): State<Arc<PathBuf>>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let missing = || (StatusCode::NOT_FOUND, format!("There is no file '{path}'.\n")).into_response();
    if !is_inside(&root, &path).await {
        return missing();
    }
    let response = next.run(request).await;
    if response.status() == StatusCode::NOT_FOUND { missing() } else { response }
}

/// Returns whether what a request's path names is a file or a folder below `root` once all links are followed, or does not exist. A
/// folder is answered with its `index.html`, which must be inside as well.
async fn is_inside(root: &Path, path: &str) -> bool {
    let Ok(path) = percent_decode_str(path.trim_start_matches('/')).decode_utf8() else { return false };
    let path = root.join(path.trim_start_matches('/'));
    match kind_inside(root, &path).await {
        Kind::Folder => !matches!(kind_inside(root, &path.join("index.html")).await, Kind::Refused),
        Kind::File | Kind::Missing => true,
        Kind::Refused => false,
    }
}

enum Kind {
    File,
    Folder,
    Missing,
    /// Outside, or neither a file nor a folder: to open a pipe or a device could take forever.
    Refused,
}

async fn kind_inside(root: &Path, path: &Path) -> Kind {
    match tokio::fs::canonicalize(path).await {
        Ok(found) if found.starts_with(root) => match tokio::fs::metadata(found).await {
            Ok(metadata) if metadata.is_file() => Kind::File,
            Ok(metadata) if metadata.is_dir() => Kind::Folder,
            _ => Kind::Refused,
        },
        Err(error) if error.kind() == ErrorKind::NotFound => Kind::Missing,
        _ => Kind::Refused,
    }
}
