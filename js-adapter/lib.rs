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

/// Returns the paths of the files in a folder below the adapter's `src/`, without those in folders of it.
pub fn folder(path: &str) -> impl Iterator<Item = &'static str> {
    SOURCES.get_dir(path).into_iter().flat_map(include_dir::Dir::files).filter_map(|file| file.path().to_str())
}

#[cfg(test)]
mod tests {
    use super::{folder, source};

    #[test]
    fn files_are_found_by_their_paths() {
        assert!(source("index.js").is_some());
        assert!(source("binding/direct.js").is_some());
        assert!(source("../package.json").is_none());
    }
    #[test]
    fn a_folder_has_files_that_are_found_by_their_paths() {
        let paths: Vec<&str> = folder("circuit").collect();
        assert!(paths.contains(&"circuit/open.js"), "{paths:?}");
        assert!(paths.iter().all(|path| source(path).is_some()));
        assert_eq!(folder("nowhere").count(), 0);
    }
}
