//! The conformance suite in the native host: each case of `tests/conformance` is a test.
//!
//! Where `DOTWIT_CONFORMANCE_RESULTS` names a file, the results go there as JSON, for the table that `cargo xtask conformance` makes.

mod page;
mod run;
mod values;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::{env, fs};

use dotwit_host::{Config, Guest, Runtime};
use libtest_mimic::{Arguments, Trial};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// This host, as cases name it.
const HOST: &str = "native";

/// What a `case.json` has.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    #[expect(dead_code, reason = "for people")]
    about: String,
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    statements: Vec<String>,
    /// Why some hosts cannot run the case.
    #[serde(default)]
    not: BTreeMap<String, String>,
    steps: Vec<Map<String, Value>>,
}

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let runtime = Runtime::new(Config::default()).expect("the engine starts");
    let file = root.join("target/guests/wasm32-wasip2/release/conformance_guest.wasm");
    let guest = runtime.load(&file).unwrap_or_else(|error| panic!("{error} Run `cargo xtask guests` first."));
    let results = Arc::new(Mutex::new(Vec::new()));

    let trials = cases(&root.join("tests/conformance")).into_iter().map(|(name, folder)| {
        let (guest, results) = (guest.clone(), Arc::clone(&results));
        Trial::test(name.clone(), move || {
            let (skipped, outcome) = run(&folder, &guest);
            let failure = outcome.as_ref().err();
            let result = json!({ "host": HOST, "case": name, "skipped": skipped, "failure": failure });
            results.lock().expect("no test panics with the lock").push(result);
            outcome.map_err(Into::into)
        })
    });
    let conclusion = libtest_mimic::run(&Arguments::from_args(), trials.collect());

    if let Some(file) = env::var_os("DOTWIT_CONFORMANCE_RESULTS") {
        let results = results.lock().expect("no test panics with the lock");
        fs::write(file, Value::from(results.clone()).to_string()).expect("the results can be written");
        // The table says what failed.
        return ExitCode::SUCCESS;
    }
    conclusion.exit_code()
}

/// The folders of the cases, by their names.
fn cases(folder: &Path) -> BTreeMap<String, PathBuf> {
    let entries = fs::read_dir(folder).expect("the cases are there");
    let folders = entries.map(|entry| entry.expect("a folder's entry can be read").path());
    let cases = folders.filter(|folder| folder.join("case.json").is_file());
    cases
        .map(|folder| (folder.file_name().expect("a folder has a name").to_string_lossy().into_owned(), folder))
        .collect()
}

/// Runs a case: why it was skipped, and what went wrong.
fn run(folder: &Path, guest: &Guest) -> (Option<String>, Result<(), String>) {
    let case = fs::read_to_string(folder.join("case.json")).map_err(|error| error.to_string());
    let case: Case = match case.and_then(|text| serde_json::from_str(&text).map_err(|error| error.to_string())) {
        Ok(case) => case,
        Err(error) => return (None, Err(format!("the case cannot be read: {error}"))),
    };
    match case.not.get(HOST) {
        Some(reason) => (Some(reason.clone()), Ok(())),
        None => (None, run::case(&case.steps, guest)),
    }
}
