//! Guests as JavaScript, and the gallery that shows one of them.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use walkdir::WalkDir;

use crate::{
    guests::{BLAZOR_SAMPLE, Guest},
    process::Step,
    project, setup,
};

/// Where a guest's JavaScript is.
pub(crate) fn transpiled(guest: Guest) -> PathBuf {
    project::target().join("transpiled").join(guest.file_name())
}

/// The folder that is served.
pub(crate) fn folder() -> PathBuf {
    project::target().join("gallery")
}

/// Transpiles those of the built guests whose JavaScript is not up to date.
pub(crate) fn transpile(guests: &[Guest]) -> Result<()> {
    setup::npm_packages()?;
    for &guest in guests {
        let component = guest.component();
        let output = transpiled(guest);
        let stamp = output.with_extension("stamp");
        let fingerprint = fingerprint(&component)?;
        if output.is_dir() && fs::read_to_string(&stamp).is_ok_and(|known| known == fingerprint) {
            continue;
        }
        let mut command = setup::node()?;
        command.arg(project::js_adapter().join("bin/dotwit-transpile.js")).arg(&component).arg("-o").arg(&output);
        Step::new(format!("transpiling {}", guest.crate_name()), command).run()?;
        fs::write(&stamp, fingerprint).with_context(|| format!("cannot write {}", stamp.display()))?;
    }
    Ok(())
}

/// Puts the sample's pages, its sources, which they show, and its transpiled guest together.
pub(crate) fn assemble() -> Result<()> {
    let folder = folder();
    clear(&folder)?;
    let sample = project::root().join("guest/samples/blazor-sample");
    copy(&sample.join("www"), &folder)?;
    copy(&sample.join("src"), &folder.join("_src"))?;
    copy(&transpiled(BLAZOR_SAMPLE), &folder.join("_guest"))
}

/// What the adapter turns a component into JavaScript with; the lock file pins jco.
const TRANSPILER: [&str; 4] = ["bin", "transpile", "src/version.js", "package-lock.json"];

/// What a guest's JavaScript is made from: the component and the transpiler.
fn fingerprint(component: &Path) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    hash(component, &mut hasher)?;
    for part in TRANSPILER {
        hash(&project::js_adapter().join(part), &mut hasher)?;
    }
    Ok(format!("{:016x}", hasher.finish()))
}

/// Adds a file, or all of a folder's files, to a hash.
fn hash(path: &Path, hasher: &mut DefaultHasher) -> Result<()> {
    for entry in WalkDir::new(path).sort_by_file_name() {
        let entry = entry?;
        if entry.file_type().is_file() {
            entry.path().strip_prefix(path)?.hash(hasher);
            fs::read(entry.path()).with_context(|| format!("cannot read {}", entry.path().display()))?.hash(hasher);
        }
    }
    Ok(())
}

/// Copies a folder's files, in folders of the same names.
fn copy(from: &Path, to: &Path) -> Result<()> {
    ensure!(from.is_dir(), "there is no {}", from.display());
    for entry in WalkDir::new(from) {
        let entry = entry?;
        let target = to.join(entry.path().strip_prefix(from)?);
        let copied = if entry.file_type().is_dir() {
            fs::create_dir_all(&target)
        } else {
            fs::copy(entry.path(), &target).map(drop)
        };
        copied.with_context(|| format!("cannot write {}", target.display()))?;
    }
    Ok(())
}

/// Removes a folder that may not be there.
fn clear(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str, text: &str) {
        let file = folder.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    fn hash_of(path: &Path) -> u64 {
        let mut hasher = DefaultHasher::new();
        hash(path, &mut hasher).unwrap();
        hasher.finish()
    }

    #[test]
    fn a_folders_hash_follows_names_and_contents() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        write(folder, "src/a.js", "1");
        let first = hash_of(folder);
        assert_eq!(hash_of(folder), first);

        write(folder, "src/a.js", "2");
        let changed = hash_of(folder);
        assert_ne!(changed, first);

        fs::rename(folder.join("src/a.js"), folder.join("src/b.js")).unwrap();
        assert_ne!(hash_of(folder), changed);
    }

    #[test]
    fn a_copy_has_every_file_of_every_folder() {
        let [from, to] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        write(from.path(), "index.html", "page");
        write(from.path(), "a/b/c.js", "code");
        copy(from.path(), &to.path().join("new")).unwrap();
        assert_eq!(fs::read_to_string(to.path().join("new/index.html")).unwrap(), "page");
        assert_eq!(fs::read_to_string(to.path().join("new/a/b/c.js")).unwrap(), "code");
    }
}
