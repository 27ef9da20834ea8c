//! The types and traits of other crates that the public API of ours names.
//!
//! Each is a promise: a new major version of that crate is one of ours. So a crate lists them in its manifest, in the words of
//! `cargo-check-external-types`. That tool works with one nightly compiler alone; this reads the JSON that the compiler at hand makes of the
//! docs. It looks at the features that the command line has, which leaves out `typed`: that one is there to show wasmtime's types.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    process::{Command, ExitCode},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use xshell::Shell;

use crate::project::{self, cargo};

/// The crates that others use in their programs.
const LIBRARIES: [&str; 2] = ["dotwit", "dotwit-host"];

/// The variable with the real `rustdoc`, where this program is called in its place.
const RUSTDOC: &str = "XTASK_RUSTDOC";

/// Compares what is named with what is listed.
pub(crate) fn check(sh: &Shell) -> Result<()> {
    let libraries = LIBRARIES.iter().flat_map(|name| ["--package", name]);
    cargo(sh)
        .args(["doc", "--no-deps", "--package", "dotwit-cli"])
        .args(libraries)
        .env("RUSTDOCFLAGS", "-Z unstable-options --output-format json")
        .env(RUSTDOC, env::var_os("RUSTDOC").unwrap_or_else(|| "rustdoc".into()))
        .env("RUSTDOC", env::current_exe()?)
        .run()?;

    let metadata = cargo(sh).args(["metadata", "--no-deps", "--format-version", "1"]).quiet().read()?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let mut wrong = Vec::new();
    for name in LIBRARIES {
        let file = project::cargo_target().join("doc").join(name.replace('-', "_")).with_extension("json");
        let named = external(&serde_json::from_str(&sh.read_file(file)?)?);
        let package = metadata["packages"].as_array().into_iter().flatten().find(|package| package["name"] == name);
        let listed = &package.context("every library is a package")?["metadata"]["cargo_check_external_types"];
        let listed: Vec<&str> =
            listed["allowed_external_types"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let unlisted = named.iter().filter(|(path, _)| !listed.iter().any(|pattern| matches(pattern, path)));
        wrong.extend(
            unlisted
                .map(|(path, places)| format!("{name} names {path}: {}", Vec::from_iter(places.clone()).join(", "))),
        );
        let unnamed = listed.iter().filter(|pattern| !named.keys().any(|path| matches(pattern, path)));
        wrong.extend(unnamed.map(|pattern| format!("{name} lists {pattern}, and names nothing of it")));
    }
    ensure!(wrong.is_empty(), "the public API and the lists of `allowed_external_types` differ:\n{}", wrong.join("\n"));
    Ok(())
}

/// Calls the real `rustdoc` if Cargo calls this program in its place. JSON is not stable yet, and must be asked for without the crates that
/// are compiled noticing: they would be compiled again.
pub(crate) fn run_as_rustdoc() -> Option<ExitCode> {
    let status = Command::new(env::var_os(RUSTDOC)?).args(env::args_os().skip(1)).env("RUSTC_BOOTSTRAP", "1").status();
    Some(if status.is_ok_and(|status| status.success()) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The items of other crates, but the standard library's, that a crate's docs name, and the lines that name each.
fn external(docs: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let mut found = BTreeMap::new();
    for item in docs["index"].as_object().into_iter().flat_map(|index| index.values()) {
        let inner = &item["inner"];
        // What a crate implements for all types, and what the compiler does.
        let is_general = !inner["impl"]["blanket_impl"].is_null() || inner["impl"]["is_synthetic"] == true;
        if item["crate_id"] == 0 && !is_general {
            let place =
                format!("{}:{}", item["span"]["filename"].as_str().unwrap_or_default(), item["span"]["begin"][0]);
            collect(docs, inner, &place, &mut found);
        }
    }
    found
}

fn collect(docs: &Value, value: &Value, place: &str, found: &mut BTreeMap<String, BTreeSet<String>>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| collect(docs, value, place, found)),
        Value::Object(fields) => {
            // The path of a type or a trait, and a `use`.
            if fields.contains_key("args") || fields.contains_key("is_glob") {
                let item = &docs["paths"][fields.get("id").unwrap_or(&Value::Null).to_string()];
                let path: Vec<&str> = item["path"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                if item["crate_id"] != 0 && !matches!(path.first(), None | Some(&("alloc" | "core" | "std"))) {
                    found.entry(path.join("::")).or_default().insert(place.to_owned());
                }
            }
            fields.values().for_each(|value| collect(docs, value, place, found));
        }
        _ => {}
    }
}

/// Whether a pattern of the list means a path: it is the path, or its beginning and a star.
fn matches(pattern: &str, path: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == path, |start| path.starts_with(start))
}
