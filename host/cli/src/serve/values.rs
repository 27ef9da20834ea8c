//! How the values of flags are written.

use std::path::PathBuf;
use std::time::Duration;

/// A folder of the machine that guests may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dir {
    pub(super) path: PathBuf,
    pub(super) name: String,
    pub(super) read_only: bool,
}

/// Parses `PATH::NAME`, or `PATH` alone for the same name, each with `:ro` at its end if it may only be read.
pub(super) fn dir(text: &str) -> Result<Dir, String> {
    let (folder, read_only) = text.strip_suffix(":ro").map_or((text, false), |folder| (folder, true));
    let (path, name) = folder.split_once("::").unwrap_or((folder, folder));
    if path.is_empty() || name.is_empty() {
        return Err(
            "expected a folder and its name for the guest, such as ./uploads::/uploads or ./data::/data:ro".to_owned()
        );
    }
    Ok(Dir { path: path.into(), name: name.to_owned(), read_only })
}

/// Parses `NAME=VALUE`.
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

/// Parses `NAME: VALUE`.
pub(super) fn header(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.trim().to_owned())),
        _ => Err("expected 'NAME: VALUE', such as 'Referrer-Policy: no-referrer'".to_owned()),
    }
}

/// Parses a number of bytes: `4096`, `32KiB`, `4MiB` or `2GiB`.
pub(super) fn size(text: &str) -> Result<usize, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let shift = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => Some(0),
        "kib" | "k" => Some(10),
        "mib" | "m" => Some(20),
        "gib" | "g" => Some(30),
        _ => None,
    };
    let bytes = number.parse::<usize>().ok().zip(shift).and_then(|(number, shift)| number.checked_mul(1 << shift));
    bytes.ok_or_else(|| "expected a number of bytes, such as 4096, 32KiB or 4MiB".to_owned())
}

/// Parses a number of seconds, whole or not, which may be 0.
pub(super) fn seconds_or_none(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds: f64| Duration::try_from_secs_f64(seconds).ok());
    seconds.ok_or_else(|| "expected a number of seconds".to_owned())
}

#[cfg(test)]
mod tests {
    use super::{dir, header, pair, size};

    #[test]
    fn sizes_have_binary_units() {
        for (text, bytes) in [("0", 0), ("4096", 4096), ("32KiB", 32 << 10), ("4 MiB", 4 << 20), ("2g", 2 << 30)] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "KiB", "-1", "1.5MiB", "1KB", "99999999999GiB"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_folder_has_a_name_and_may_be_read_only() {
        let dir = |text| dir(text).map(|dir| (dir.path.display().to_string(), dir.name, dir.read_only));
        assert_eq!(dir("a::/b"), Ok(("a".to_owned(), "/b".to_owned(), false)));
        assert_eq!(dir("a/c::/b:ro"), Ok(("a/c".to_owned(), "/b".to_owned(), true)));
        assert_eq!(dir("/data:ro"), Ok(("/data".to_owned(), "/data".to_owned(), true)));
        for text in ["", "::", "a::", "::/b", ":ro"] {
            assert!(dir(text).is_err(), "{text}");
        }
    }

    #[test]
    fn pairs_have_a_name() {
        assert_eq!(pair("A=b=c"), Ok(("A".to_owned(), "b=c".to_owned())));
        assert_eq!(pair("A="), Ok(("A".to_owned(), String::new())));
        assert!(pair("A").is_err() && pair("=b").is_err());
        assert_eq!(header("A: b: c"), Ok(("A".to_owned(), "b: c".to_owned())));
        assert_eq!(header("A:"), Ok(("A".to_owned(), String::new())));
        assert!(header("A").is_err() && header(": b").is_err());
    }
}
