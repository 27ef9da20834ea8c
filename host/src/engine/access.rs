//! What a guest on a server may use of the machine beside clocks, random numbers and its output.

use std::path::PathBuf;

use crate::error::{Error, ErrorKind};

/// The folders and environment variables that a guest may use: none, unless they are named here.
#[derive(Clone, Debug, Default)]
pub struct SystemAccess {
    pub(crate) folders: Vec<Folder>,
    pub(crate) variables: Vec<(String, String)>,
}

/// A folder of the machine, under the name that it has for the guest.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    pub(crate) name: String,
    pub(crate) read_only: bool,
}

impl SystemAccess {
    /// Returns access to nothing.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds a folder: `path` on the machine, with everything in it, is `name` to the guest.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Failed`], where `path` is not a folder that can be opened, and [`ErrorKind::Unsupported`], where `name` is empty or
    /// another folder has it.
    pub fn folder(mut self, path: impl Into<PathBuf>, name: impl Into<String>, read_only: bool) -> Result<Self, Error> {
        let folder = Folder { path: path.into(), name: name.into(), read_only };
        if folder.name.is_empty() || self.folders.iter().any(|other| other.name == folder.name) {
            let what = format!(
                "The folder '{}' needs a name of its own for the guest, and '{}' is not one.",
                folder.path.display(),
                folder.name
            );
            return Err(Error::new(ErrorKind::Unsupported, what));
        }
        // It is opened anew for each guest. Here it is only tried.
        std::fs::read_dir(&folder.path).map_err(|error| {
            let what = format!("The folder '{}' for the guest cannot be opened: {error}.", folder.path.display());
            Error::new(ErrorKind::Failed, what).with_source(error)
        })?;
        self.folders.push(folder);
        Ok(self)
    }

    /// Adds an environment variable, or replaces it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`], where `name` is empty or has a `=` in it, or either has a NUL.
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Result<Self, Error> {
        let (name, value) = (name.into(), value.into());
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            let what = format!(
                "The environment variable '{}' for the guest has a name or a value that none can have.",
                name.escape_debug()
            );
            return Err(Error::new(ErrorKind::Unsupported, what));
        }
        self.variables.retain(|(other, _)| *other != name);
        self.variables.push((name, value));
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_there_is_refused_before_a_guest_starts() {
        let refused = SystemAccess::none().folder("/no/such/folder", "data", false).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Failed);
        assert!(refused.message().contains("'/no/such/folder'"), "{refused}");
    }

    #[test]
    fn two_folders_do_not_share_a_name() {
        let here = env!("CARGO_MANIFEST_DIR");
        let access = SystemAccess::none().folder(here, "data", true).unwrap();
        assert_eq!(access.clone().folder(here, "data", false).unwrap_err().kind(), ErrorKind::Unsupported);
        assert_eq!(access.folder(here, "", false).unwrap_err().kind(), ErrorKind::Unsupported);
    }

    #[test]
    fn a_variable_is_replaced_by_the_last_one_of_its_name() {
        let access = SystemAccess::none().variable("A", "1").and_then(|access| access.variable("A", "2=3")).unwrap();
        assert_eq!(access.variables, [("A".to_owned(), "2=3".to_owned())]);
        for (name, value) in [("", "1"), ("A=B", "1"), ("A\0", "1"), ("A", "\0")] {
            assert_eq!(SystemAccess::none().variable(name, value).unwrap_err().kind(), ErrorKind::Unsupported);
        }
    }
}
