//! The tokens that let pages in: a file with one in each line, read anew when it changes.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context as _, ensure};
use axum::http::request::Parts;
use dotwit_host::server::{Auth, Refusal, Subject};
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// The digest of a token. Tokens themselves are not kept.
type Digest = [u8; 32];

/// When a file was last changed, and how long it is.
type Version = Option<(SystemTime, u64)>;

/// The tokens of a file. Clones are the same.
#[derive(Clone)]
pub(super) struct Tokens(Arc<File>);

struct File {
    path: PathBuf,
    read: Mutex<(Version, Arc<[Digest]>)>,
}

impl Tokens {
    /// Reads a file. Empty lines and those that begin with `#` are not tokens.
    pub(super) fn load(path: &Path) -> anyhow::Result<Self> {
        let read = Mutex::new((version(path), read(path)?));
        Ok(Self(Arc::new(File { path: path.to_owned(), read })))
    }

    /// Reads the file anew. If it cannot be, the former tokens stay.
    pub(super) fn reload(&self) -> anyhow::Result<()> {
        let version = version(&self.0.path);
        let tokens = read(&self.0.path);
        let mut read = self.0.read.lock();
        // A file that is wrong is not read again before it changes.
        read.0 = version;
        read.1 = tokens?;
        Ok(())
    }

    /// Returns the digests, of the file as it is now.
    fn current(&self) -> Arc<[Digest]> {
        let known = self.0.read.lock().0;
        if version(&self.0.path) != known
            && let Err(error) = self.reload()
        {
            tracing::error!("the former tokens stay: {error:#}");
        }
        Arc::clone(&self.0.read.lock().1)
    }
}

impl Auth for Tokens {
    async fn check(&self, _request: &Parts, token: Option<&str>) -> Result<Subject, Refusal> {
        let Some(token) = token else { return Err(Refusal::new("A token is needed, and the page has given none.")) };
        let digest = digest(token);
        let tokens = self.clone();
        // The file is on a disk.
        let known = tokio::task::spawn_blocking(move || tokens.current()).await;
        let known = known.map_err(|_| Refusal::new("The tokens cannot be read."))?;
        // All are compared, whichever fits, in a time that tells nothing.
        let fits = known.iter().fold(subtle::Choice::from(0), |fits, known| fits | known[..].ct_eq(&digest));
        if bool::from(fits) { Ok(Subject::new(name(&digest))) } else { Err(Refusal::new("The token is not valid.")) }
    }
}

/// Returns a name for the holders of a token, which does not tell it.
fn name(digest: &Digest) -> String {
    digest[..4].iter().fold("token-".to_owned(), |mut name, byte| {
        // Writing into a string does not fail.
        let _ = write!(name, "{byte:02x}");
        name
    })
}

fn digest(token: &str) -> Digest {
    Sha256::digest(token.as_bytes()).into()
}

fn read(path: &Path) -> anyhow::Result<Arc<[Digest]>> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("the tokens in '{}' cannot be read", path.display()))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let tokens: Arc<[Digest]> = lines.map(digest).collect();
    ensure!(!tokens.is_empty(), "there are no tokens in '{}', so that nobody could connect", path.display());
    Ok(tokens)
}

fn version(path: &Path) -> Version {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use dotwit_host::server::Auth as _;

    use super::Tokens;

    #[tokio::test]
    async fn a_token_of_the_file_lets_in_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens");
        std::fs::write(&path, "# for the shop\nfirst\n\n  second  \n").unwrap();
        let tokens = Tokens::load(&path).unwrap();
        let (request, ()) = Request::new(()).into_parts();
        for token in ["first", "second"] {
            assert!(tokens.check(&request, Some(token)).await.is_ok(), "{token}");
        }
        for token in ["", "firs", "first ", "third", "# for the shop"] {
            assert!(tokens.check(&request, Some(token)).await.is_err(), "{token}");
        }
        assert!(tokens.check(&request, None).await.is_err());
        let first = tokens.check(&request, Some("first")).await.unwrap();
        assert!(first.name().starts_with("token-") && !first.name().contains("first"));
        assert_ne!(first, tokens.check(&request, Some("second")).await.unwrap());
    }

    #[tokio::test]
    async fn a_file_that_changes_is_read_anew_and_one_that_is_gone_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens");
        std::fs::write(&path, "first").unwrap();
        let tokens = Tokens::load(&path).unwrap();
        let (request, ()) = Request::new(()).into_parts();
        std::fs::write(&path, "second, longer").unwrap();
        assert!(tokens.check(&request, Some("first")).await.is_err());
        assert!(tokens.check(&request, Some("second, longer")).await.is_ok());
        std::fs::remove_file(&path).unwrap();
        assert!(tokens.check(&request, Some("second, longer")).await.is_ok());
    }

    #[test]
    fn a_file_without_tokens_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens");
        std::fs::write(&path, "# nothing\n").unwrap();
        assert!(Tokens::load(&path).is_err());
        assert!(Tokens::load(&folder.path().join("nothing")).is_err());
    }
}
