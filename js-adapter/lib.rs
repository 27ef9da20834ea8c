//! The JavaScript adapter's sources, for web servers that bring it along: an internal part of `dotwit-host`, which changes with it.
//!
//! A crate of their own lets a package of `dotwit-host` have them without a second copy in the repository.

use include_dir::{Dir, include_dir};

static SOURCES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src");

/// Returns the contents of a file by its path below the adapter's `src/`, such as `index.js`.
#[must_use]
pub fn source(path: &str) -> Option<&'static [u8]> {
    SOURCES.get_file(path).map(include_dir::File::contents)
}

#[cfg(test)]
mod tests {
    use super::source;

    #[test]
    fn files_are_found_by_their_paths() {
        assert!(source("index.js").is_some());
        assert!(source("binding/direct.js").is_some());
        assert!(source("../package.json").is_none());
    }
}
