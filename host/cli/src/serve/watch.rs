//! `--watch`: takes up the guest's file when it changes, and tells pages when anything below the root does.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use dotwit_host::server::Circuits;
use dotwit_host::{Error, ErrorKind, Guest, Runtime};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// How long nothing must change before what has changed is taken up: a build writes many files, and large ones piece by piece.
const QUIET: Duration = Duration::from_millis(300);

/// Watches as long as it lives.
pub(super) struct Watch {
    _watcher: RecommendedWatcher,
}

impl Watch {
    /// Begins to watch the guest's file and everything below the root. A changed guest is compiled by `runtime`.
    pub(super) fn begin(
        runtime: &Runtime,
        guest: &Guest,
        file: &Path,
        root: &Path,
        circuits: &Circuits,
    ) -> anyhow::Result<Self> {
        // One note is enough, however much changes.
        let (changed, changes) = mpsc::channel(1);
        let notice = move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| !matches!(event.kind, EventKind::Access(_))) {
                // Full: it has been noted.
                let _ = changed.try_send(());
            }
        };
        let mut watcher = notify::recommended_watcher(notice).context("files cannot be watched")?;
        let mut watch = |path: &Path, mode| {
            watcher.watch(path, mode).with_context(|| format!("'{}' cannot be watched", path.display()))
        };
        // Its folder: a build that replaces the file would be missed by watching the file.
        let file = file.canonicalize().with_context(|| format!("'{}' cannot be watched", file.display()))?;
        watch(file.parent().unwrap_or(&file), RecursiveMode::NonRecursive)?;
        watch(root, RecursiveMode::Recursive)?;
        let watched = Watched {
            version: version(&file),
            newest: newest(root),
            file,
            root: root.to_owned(),
            runtime: runtime.clone(),
        };
        tokio::spawn(watched.follow(changes, guest.clone(), circuits.clone()));
        Ok(Self { _watcher: watcher })
    }
}

/// When a file was last changed, and how long it is.
type Version = Option<(SystemTime, u64)>;

struct Watched {
    runtime: Runtime,
    file: PathBuf,
    version: Version,
    root: PathBuf,
    /// The pages' latest change, and how many files they are.
    newest: (Option<SystemTime>, usize),
}

impl Watched {
    /// Takes up changes until the watcher is gone.
    async fn follow(mut self, mut changes: mpsc::Receiver<()>, mut guest: Guest, circuits: Circuits) {
        while changes.recv().await.is_some() {
            while matches!(timeout(QUIET, changes.recv()).await, Ok(Some(()))) {}
            let version = version(&self.file);
            let root = self.root.clone();
            let newest = tokio::task::spawn_blocking(move || newest(&root)).await.unwrap_or(self.newest);
            let pages_changed = std::mem::replace(&mut self.newest, newest) != newest;
            if version != self.version && version.is_some() {
                self.version = version;
                match self.load().await {
                    Ok(new) => guest = new,
                    Err(error) => {
                        tracing::error!("the former guest stays: {error}");
                        continue;
                    }
                }
            } else if !pages_changed {
                continue;
            }
            match circuits.swap(&guest) {
                Ok(()) => tracing::info!("what has changed is taken up"),
                Err(error) => tracing::error!("the former guest stays: {error}"),
            }
        }
    }

    /// Compiles the guest anew.
    async fn load(&self) -> Result<Guest, Error> {
        let (runtime, file) = (self.runtime.clone(), self.file.clone());
        let loaded = tokio::task::spawn_blocking(move || runtime.load(file)).await;
        loaded.unwrap_or_else(|error| {
            Err(Error::new(ErrorKind::Failed, format!("The guest cannot be compiled: {error}.")))
        })
    }
}

fn version(path: &Path) -> Version {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// Returns when anything below a folder was last changed, and how many files there are. Links are not followed: they could lead round.
fn newest(root: &Path) -> (Option<SystemTime>, usize) {
    let (mut newest, mut count, mut folders) = (None, 0, vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() {
                folders.push(entry.path());
            } else {
                count += 1;
                newest = newest.max(metadata.modified().ok());
            }
        }
    }
    (newest, count)
}
