//! The documentation's samples: their calls, made and shown, and their pages.

use std::{fs, net::SocketAddr, path::Path, path::PathBuf, process::Command};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::{
    guests::{self, BLAZOR_SAMPLE},
    project::{self, files, say},
};

/// The calls of the documentation's samples that need no page, as `dotwit invoke` takes them after the assembly's name, and the
/// documented results. A component that nobody shows has `null` for its view; bytes are a base-64 string, which Blazor accepts, too.
const CALLS: &[(&[&str], &str)] = &[
    (&["ReturnArrayAsync", "[]"], "[1,2,3]"),
    (&["ReturnArrayFromAsync", "[5]"], "[5,6,7]"),
    (&["DifferentMethodName", "[]"], "[1,2,3]"),
    (&["ReturnArrayForModuleAsync", "[]"], "[11,12,13]"),
    (&["Add", "[1,2]"], "3"),
    (&["CreateCallDotNetExample2", "[null]", "--then", "GetHelloMessage", "[]"], r#""Hello, !""#),
    (&["CreateCallDotNetExample3", "[null]", "--then", "GetHelloMessage", r#"["Amy Pond"]"#], r#""Hello, Amy Pond!""#),
    (&["CreateHelloHelper", r#"["Amy Pond"]"#, "--then", "GetHelloMessage", "[]"], r#""Hello, Amy Pond!""#),
    (&["CreateGenericTypes", "[]", "--then", "genericType1.Update", r#"["string 37802"]"#], "null"),
    (&["CreateGenericTypes", "[]", "--then", "genericType2.Update", "[53051]"], "null"),
    (
        &["ReceiveByteArray", r#"["RXZlcnl0aGluZydzIHNoaW55LCBDYXB0YWluLiBOb3QgdG8gZnJldC4="]"#],
        r#""Everything's shiny, Captain. Not to fret.""#,
    ),
];

/// Makes the calls and prints them.
///
/// # Errors
///
/// If a result is not the documented one.
pub(crate) fn once(sh: &Shell) -> Result<()> {
    guests::build(sh, &[BLAZOR_SAMPLE])?;
    let dotwit = build_dotwit(sh)?;
    let component = BLAZOR_SAMPLE.component();
    println!("dotwit invoke {}", component.display());
    project::each(CALLS, |(call, documented)| {
        let answer = cmd!(sh, "{dotwit} invoke {component} BlazorSample").args(*call).quiet().read()?;
        let call = call.join(" ");
        println!("  BlazorSample {call}\n    {answer}");
        ensure!(json(&answer)? == json(documented)?, "documented for {call} is {documented}, not {answer}");
        Ok(())
    })?;
    println!("All {} results are the documented ones.", CALLS.len());
    Ok(())
}

fn json(text: &str) -> Result<Value> {
    serde_json::from_str(text).with_context(|| format!("{text:?} is not JSON"))
}

/// Makes the calls, then serves the pages until it is stopped.
pub(crate) fn serve(sh: &Shell, listen: SocketAddr) -> Result<()> {
    once(sh)?;
    guests::transpile(sh, &[BLAZOR_SAMPLE])?;
    let gallery = assemble_gallery()?;
    let (dotwit, component) = (project::built_program("dotwit"), BLAZOR_SAMPLE.component());
    let listen = listen.to_string();
    let uploads = project::target().join("uploads");
    fs::create_dir_all(&uploads)?;
    say(format!("serving the samples' pages, with uploads in {}; Ctrl-C stops", uploads.display()));
    let folder = format!("{}::/uploads", uploads.display());
    become_program(cmd!(sh, "{dotwit} serve {component} --root {gallery} --listen {listen} --dir {folder}").into())
}

/// Builds the command line.
pub(crate) fn build_dotwit(sh: &Shell) -> Result<PathBuf> {
    project::cargo(sh).args(["build", "--package", "dotwit-cli"]).run()?;
    Ok(project::built_program("dotwit"))
}

/// Builds the command line as it is released.
pub(crate) fn build_dotwit_release(sh: &Shell) -> Result<PathBuf> {
    project::cargo(sh).args(["build", "--release", "--package", "dotwit-cli"]).run()?;
    Ok(project::target().join("release/dotwit").with_extension(std::env::consts::EXE_EXTENSION))
}

/// Puts the sample's pages, its sources, which they show, and its transpiled guest into one folder.
pub(crate) fn assemble_gallery() -> Result<PathBuf> {
    let gallery = project::target().join("gallery");
    if gallery.exists() {
        fs::remove_dir_all(&gallery)?;
    }
    let sample = project::root().join("guest/samples/blazor-sample");
    copy(&sample.join("www"), &gallery)?;
    copy(&sample.join("src"), &gallery.join("_src"))?;
    copy(&BLAZOR_SAMPLE.javascript(), &gallery.join("_guest"))?;
    Ok(gallery)
}

/// Copies a folder's files, in folders of the same names.
fn copy(from: &Path, to: &Path) -> Result<()> {
    for file in files(from)? {
        let target = to.join(file.strip_prefix(from)?);
        fs::create_dir_all(target.parent().context("a file is in a folder")?)?;
        fs::copy(&file, &target).with_context(|| format!("cannot write {}", target.display()))?;
    }
    Ok(())
}

/// Hands this process over to the program, so that whatever stops one stops the other.
#[cfg(unix)]
fn become_program(mut command: Command) -> Result<()> {
    use std::os::unix::process::CommandExt;
    Err(command.exec()).context("cannot start dotwit")
}

#[cfg(not(unix))]
fn become_program(mut command: Command) -> Result<()> {
    ensure!(command.status().context("cannot start dotwit")?.success(), "serving failed");
    Ok(())
}
