//! Reading what criterion leaves behind.

use std::{
    fs::{self, File},
    path::Path,
    time::SystemTime,
};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, de::DeserializeOwned};
use walkdir::WalkDir;

use super::Measurement;

/// The benchmark of a group that the others are compared with.
const REFERENCE: &str = "reference";

/// A benchmark's identity, from criterion's `benchmark.json`.
#[derive(Deserialize)]
struct Benchmark {
    group_id: String,
    function_id: Option<String>,
    value_str: Option<String>,
}

/// Its outcome, from criterion's `estimates.json`, in nanoseconds.
#[derive(Deserialize)]
struct Estimates {
    median: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    point_estimate: f64,
}

/// Reads what was measured since a time; criterion keeps what earlier runs measured, too.
pub(super) fn read(folder: &Path, since: SystemTime) -> Result<Vec<Measurement>> {
    let mut benchmarks = Vec::new();
    for entry in WalkDir::new(folder).sort_by_file_name() {
        let entry = entry.context("criterion left nothing behind")?;
        if !entry.path().ends_with("new/estimates.json") || fs::metadata(entry.path())?.modified()? < since {
            continue;
        }
        let estimates: Estimates = json(entry.path())?;
        let benchmark: Benchmark = json(&entry.path().with_file_name("benchmark.json"))?;
        benchmarks.push((benchmark, estimates.median.point_estimate));
    }
    compare(benchmarks)
}

/// Puts each benchmark beside the reference of its group that has the same parameter, or that has none.
fn compare(benchmarks: Vec<(Benchmark, f64)>) -> Result<Vec<Measurement>> {
    let is_reference = |benchmark: &Benchmark| benchmark.function_id.as_deref() == Some(REFERENCE);
    let (references, others): (Vec<_>, Vec<_>) =
        benchmarks.into_iter().partition(|(benchmark, _)| is_reference(benchmark));
    let mut measured = Vec::new();
    for (benchmark, nanoseconds) in others {
        let same_group = references.iter().filter(|(reference, _)| reference.group_id == benchmark.group_id);
        let reference = same_group.clone().find(|(reference, _)| reference.value_str == benchmark.value_str);
        let reference = reference.or_else(|| same_group.clone().find(|(reference, _)| reference.value_str.is_none()));
        let name = benchmark.name();
        let (reference, reference_nanoseconds) =
            reference.with_context(|| format!("{name} has no reference in its group"))?;
        measured.push(Measurement {
            name,
            nanoseconds,
            reference: reference.name(),
            reference_nanoseconds: *reference_nanoseconds,
        });
    }
    ensure!(!measured.is_empty(), "nothing was measured");
    Ok(measured)
}

impl Benchmark {
    fn name(&self) -> String {
        let parts = [Some(&self.group_id), self.function_id.as_ref(), self.value_str.as_ref()];
        parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join("/")
    }
}

fn json<T: DeserializeOwned>(file: &Path) -> Result<T> {
    let open = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_reader(open).with_context(|| format!("{} is not what criterion writes", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, group: &str, function: &str, value: Option<&str>, median: f64) {
        let folder = folder.join(group.replace('/', "_")).join(function).join(value.unwrap_or_default()).join("new");
        fs::create_dir_all(&folder).unwrap();
        let benchmark =
            serde_json::json!({ "group_id": group, "function_id": function, "value_str": value, "throughput": null });
        fs::write(folder.join("benchmark.json"), benchmark.to_string()).unwrap();
        let estimates =
            serde_json::json!({ "median": { "point_estimate": median, "standard_error": 0.1 }, "mean": {} });
        fs::write(folder.join("estimates.json"), estimates.to_string()).unwrap();
    }

    #[test]
    fn each_benchmark_stands_beside_the_reference_of_its_group() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        write(folder, "invoke/add", "reference", None, 100.0);
        write(folder, "invoke/add", "session", None, 130.0);
        write(folder, "bytes", "reference", Some("1024"), 10.0);
        write(folder, "bytes", "reference", Some("4096"), 40.0);
        write(folder, "bytes", "session", Some("4096"), 44.0);

        let measured = read(folder, SystemTime::UNIX_EPOCH).unwrap();
        let shown: Vec<_> = measured
            .iter()
            .map(|row| (&*row.name, row.nanoseconds, &*row.reference, row.reference_nanoseconds))
            .collect();
        let bytes = ("bytes/session/4096", 44.0, "bytes/reference/4096", 40.0);
        assert_eq!(shown, [bytes, ("invoke/add/session", 130.0, "invoke/add/reference", 100.0)]);
    }

    #[test]
    fn what_earlier_runs_left_does_not_count() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "a", "reference", None, 1.0);
        write(folder.path(), "a", "b", None, 1.0);
        let later = SystemTime::now() + std::time::Duration::from_secs(60);
        assert!(read(folder.path(), later).is_err());
    }

    #[test]
    fn a_group_without_a_reference_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "a", "b", None, 1.0);
        assert!(read(folder.path(), SystemTime::UNIX_EPOCH).unwrap_err().to_string().contains("a/b has no reference"));
    }
}
