//! Files that guests write on a server, which gives them a folder: `dotwit serve … --dir ./uploads::/uploads`. In a page there is
//! none.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use dotwit::{Error, ErrorKind};

/// Where uploads go.
const FOLDER: &str = "/uploads";

/// Files of the same name get numbers up to this one, so that a name cannot fill the folder.
const MOST_OF_A_NAME: u32 = 100;

/// How long a name may be, in bytes: most file systems have 255, and a number may be added.
const MAX_NAME_LENGTH: usize = 200;

/// A file that is being written. It is removed unless it is finished: a call that fails or is cancelled leaves nothing behind.
pub struct Upload {
    file: File,
    name: String,
    is_finished: bool,
}

impl Upload {
    /// Creates a file of this name, or with a number if there is one: what others have sent is not replaced. There is `None` where
    /// no folder is.
    ///
    /// # Errors
    ///
    /// If no file may have the name, or it cannot be created.
    pub fn create(name: &str) -> Result<Option<Upload>, Error> {
        if !fs::metadata(FOLDER).is_ok_and(|folder| folder.is_dir()) {
            return Ok(None);
        }
        check_name(name)?;
        for number in 1..=MOST_OF_A_NAME {
            let name = numbered(name, number);
            match File::create_new(path_of(&name)) {
                Ok(file) => return Ok(Some(Upload { file, name, is_finished: false })),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(cannot_write(&name, &error)),
            }
        }
        Err(Error::new(
            ErrorKind::Failed,
            format!("There are {MOST_OF_A_NAME} files that are called {name:?} already."),
        ))
    }

    /// Writes more bytes.
    ///
    /// # Errors
    ///
    /// If the system cannot take them, as when its disk is full.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all(bytes).map_err(|error| cannot_write(&self.name, &error))
    }

    /// Keeps the file, and returns its name.
    pub fn finish(mut self) -> String {
        self.is_finished = true;
        std::mem::take(&mut self.name)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.is_finished {
            // Nobody is left to be told.
            let _ = fs::remove_file(path_of(&self.name));
        }
    }
}

/// Refuses what is not the plain name of a file: a page says what it likes.
fn check_name(name: &str) -> Result<(), Error> {
    let leads_elsewhere = name.contains(|char: char| char.is_control() || r#"/\:*?"<>|"#.contains(char));
    if name.is_empty()
        || name.len() > MAX_NAME_LENGTH
        || leads_elsewhere
        || name.starts_with('.')
        || name.ends_with(['.', ' '])
    {
        let message =
            format!("A file cannot be called {name:?} here: give it a plain name of at most {MAX_NAME_LENGTH} bytes.");
        return Err(Error::new(ErrorKind::BadArguments, message));
    }
    Ok(())
}

/// `data.bin` is followed by `data-2.bin`.
fn numbered(name: &str, number: u32) -> String {
    match name.rsplit_once('.') {
        _ if number == 1 => name.to_owned(),
        Some((stem, extension)) => format!("{stem}-{number}.{extension}"),
        None => format!("{name}-{number}"),
    }
}

fn path_of(name: &str) -> PathBuf {
    Path::new(FOLDER).join(name)
}

fn cannot_write(name: &str, error: &io::Error) -> Error {
    Error::new(ErrorKind::Failed, format!("Cannot write {name:?}: {error}"))
}
