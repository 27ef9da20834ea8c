//! `--config FILE`: the flags of `dotwit serve` in a TOML file, and `--print-config`, which writes one.
//!
//! What the file sets is turned into flags, except for those that the command line has, and all are parsed together: so a value in
//! the file is held to the same as on the command line.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};
use toml::Value;

/// Flags that are about the file, and not in it.
const NOT_IN_FILE: [&str; 4] = ["config", "print-config", "help", "version"];

/// How alike two names must be for one to be taken for the other, from 0 to 1.
const ALIKE: f64 = 0.7;

/// Returns the arguments of the program with what the file sets that they name, if they do. `command` is the whole program's.
pub(crate) fn with_file(command: &Command, args: Vec<OsString>) -> anyhow::Result<Vec<OsString>> {
    // What is required may be in the file. Errors are for the parser that has everything.
    let lenient = command
        .clone()
        .ignore_errors(true)
        .mut_subcommand("serve", |serve| serve.mut_arg("root", |root| root.required(false)));
    let Ok(matches) = lenient.try_get_matches_from(&args) else { return Ok(args) };
    let Some(serve) = matches.subcommand_matches("serve") else { return Ok(args) };
    let Some(path) = serve.get_one::<PathBuf>("config") else { return Ok(args) };
    let command = command.find_subcommand("serve").context("there is no command `serve`")?;
    let flags = read(path, command, serve).with_context(|| format!("the configuration '{}'", path.display()))?;
    let at = args.iter().position(|arg| arg == "serve").map_or(args.len(), |at| at + 1);
    let (before, after) = args.split_at(at);
    Ok(before.iter().cloned().chain(flags).chain(after.iter().cloned()).collect())
}

/// Returns the flags of a file that the command line does not have.
fn read(path: &Path, command: &Command, given: &ArgMatches) -> anyhow::Result<Vec<OsString>> {
    let text = std::fs::read_to_string(path).context("it cannot be read")?;
    let table: toml::Table = text.parse().context("it is not TOML")?;
    let mut flags = Vec::new();
    for (key, value) in &table {
        let Some(arg) = in_file(command).find(|arg| arg.get_long() == Some(key)) else {
            bail!("it has the unknown key '{key}'{}", nearest(key, command));
        };
        let is_given = given.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine);
        let found = to_flags(key, value, arg)?;
        if !is_given {
            flags.extend(found.into_iter().map(OsString::from));
        }
    }
    Ok(flags)
}

/// Turns one entry of a file into flags.
fn to_flags(key: &str, value: &Value, arg: &Arg) -> anyhow::Result<Vec<String>> {
    let is_switch = matches!(arg.get_action(), ArgAction::SetTrue);
    let is_list = matches!(arg.get_action(), ArgAction::Append);
    Ok(match value {
        Value::Boolean(on) if is_switch => on.then(|| format!("--{key}")).into_iter().collect(),
        _ if is_switch => bail!("'{key}' is {value}, and must be true or false"),
        Value::Array(values) if is_list => {
            values.iter().map(|value| Ok(format!("--{key}={}", scalar(key, value)?))).collect::<anyhow::Result<_>>()?
        }
        Value::Array(_) => bail!("'{key}' is a list, and must be one value"),
        value => vec![format!("--{key}={}", scalar(key, value)?)],
    })
}

/// Returns a value as it would stand on the command line.
fn scalar(key: &str, value: &Value) -> anyhow::Result<String> {
    Ok(match value {
        Value::String(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        other => bail!("'{key}' is {other}, and must be a string or a number"),
    })
}

/// Names the key that was probably meant.
fn nearest(key: &str, command: &Command) -> String {
    let names = in_file(command).filter_map(Arg::get_long);
    let likeness = |name: &str| strsim::jaro_winkler(key, name);
    let best = names.max_by(|one, other| likeness(one).total_cmp(&likeness(other)));
    match best.filter(|name| likeness(name) >= ALIKE) {
        Some(name) => format!("; did you mean '{name}'?"),
        None => String::new(),
    }
}

/// Returns the flags that a file may set.
fn in_file(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|arg| arg.get_long().is_some_and(|name| !NOT_IN_FILE.contains(&name)))
}

/// Returns a file that sets what `matches` have. Flags that have no value are comments.
pub(crate) fn print(command: &Command, matches: &ArgMatches) -> anyhow::Result<String> {
    let mut out = String::new();
    let mut group = None;
    for arg in in_file(command) {
        let (id, Some(name)) = (arg.get_id().as_str(), arg.get_long()) else { continue };
        if arg.get_help_heading() != group {
            group = arg.get_help_heading();
            out.push_str(&format!("\n# {}\n", group.unwrap_or_default()));
        }
        let values: Vec<String> = match matches.get_raw(id) {
            Some(values) => values.map(|value| value.to_string_lossy().into_owned()).collect(),
            None => Vec::new(),
        };
        let line = match (arg.get_action(), values.as_slice()) {
            (ArgAction::SetTrue, _) => format!("{name} = {}", matches.get_flag(id)),
            (ArgAction::Append, []) => format!("{name} = []"),
            (_, []) => format!("# {name} = "),
            (ArgAction::Append, values) => {
                let values: Vec<Value> = values.iter().cloned().map(Value::String).collect();
                format!("{name} = {}", Value::Array(values))
            }
            (_, [value]) => format!("{name} = {}", to_value(value)),
            (_, several) => {
                ensure!(several.is_empty(), "'{name}' has several values");
                continue;
            }
        };
        out.push_str(&line);
        out.push('\n');
    }
    Ok(out.trim_start().to_owned())
}

/// Returns a number as one, and anything else as a string.
fn to_value(text: &str) -> Value {
    text.parse()
        .map(Value::Integer)
        .or_else(|_| text.parse().map(Value::Float))
        .unwrap_or_else(|_| Value::String(text.to_owned()))
}
