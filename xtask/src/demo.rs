//! The documentation's samples: their calls, made and shown, and their pages.

use std::{
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{
    gallery,
    guests::{self, BLAZOR_SAMPLE},
    process::{self, Step, say},
    project, toolchain,
};

/// A call that the documentation makes, and the result that it gives.
struct Call {
    method: &'static str,
    arguments: &'static str,
    /// A method of the object that the call returns, to be called next, and its arguments.
    then: Option<(&'static str, &'static str)>,
    documented: &'static str,
}

impl Call {
    const fn new(method: &'static str, arguments: &'static str, documented: &'static str) -> Self {
        Call { method, arguments, then: None, documented }
    }

    const fn then(mut self, method: &'static str, arguments: &'static str) -> Self {
        self.then = Some((method, arguments));
        self
    }
}

/// The assembly of the samples.
const ASSEMBLY: &str = "BlazorSample";

/// The calls of the documentation's samples that need no page. A component that nobody shows has `null` for its view.
const CALLS: &[Call] = &[
    Call::new("ReturnArrayAsync", "[]", "[1,2,3]"),
    Call::new("ReturnArrayFromAsync", "[5]", "[5,6,7]"),
    Call::new("DifferentMethodName", "[]", "[1,2,3]"),
    Call::new("ReturnArrayForModuleAsync", "[]", "[11,12,13]"),
    Call::new("Add", "[1,2]", "3"),
    Call::new("CreateCallDotNetExample2", "[null]", r#""Hello, !""#).then("GetHelloMessage", "[]"),
    Call::new("CreateCallDotNetExample3", "[null]", r#""Hello, Amy Pond!""#).then("GetHelloMessage", r#"["Amy Pond"]"#),
    Call::new("CreateHelloHelper", r#"["Amy Pond"]"#, r#""Hello, Amy Pond!""#).then("GetHelloMessage", "[]"),
    Call::new("CreateGenericTypes", "[]", "null").then("genericType1.Update", r#"["string 37802"]"#),
    Call::new("CreateGenericTypes", "[]", "null").then("genericType2.Update", "[53051]"),
    // Bytes are a base-64 string here, which Blazor accepts in their place.
    Call::new(
        "ReceiveByteArray",
        r#"["RXZlcnl0aGluZydzIHNoaW55LCBDYXB0YWluLiBOb3QgdG8gZnJldC4="]"#,
        r#""Everything's shiny, Captain. Not to fret.""#,
    ),
];

/// Makes the calls and prints them.
///
/// # Errors
///
/// If a result is not the documented one.
pub(crate) fn once() -> Result<()> {
    guests::build(&[BLAZOR_SAMPLE])?;
    let dotwit = build_dotwit()?;
    let width = CALLS.iter().map(|call| call.to_string().len()).max().unwrap_or_default();
    let mut wrong = 0;
    for call in CALLS {
        let shown = call.to_string();
        match call.make(&dotwit).and_then(|answer| call.check(&answer)) {
            Ok(answer) => println!("  ✓ {shown:<width$}  {answer}"),
            Err(error) => {
                wrong += 1;
                println!("  ✗ {shown:<width$}  {error:#}");
            }
        }
    }
    ensure!(wrong == 0, "{wrong} of {} calls did not give the documented result", CALLS.len());
    println!("All {} results are the documented ones.", CALLS.len());
    Ok(())
}

/// Makes the calls, then serves the pages until it is stopped.
pub(crate) fn serve(listen: SocketAddr) -> Result<()> {
    once()?;
    gallery::transpile(&[BLAZOR_SAMPLE])?;
    gallery::assemble()?;
    say("serving the samples' pages; Ctrl-C stops");
    let mut command = Command::new(project::built_program("dotwit"));
    command
        .arg("serve")
        .arg(BLAZOR_SAMPLE.component())
        .arg("--root")
        .arg(gallery::folder())
        .args(["--listen", &listen.to_string()]);
    become_program(command)
}

/// Builds the command line.
pub(crate) fn build_dotwit() -> Result<PathBuf> {
    let mut command = toolchain::cargo();
    command.args(["build", "--package", "dotwit-cli"]);
    Step::new("building dotwit", command).run()?;
    Ok(project::built_program("dotwit"))
}

impl Call {
    fn make(&self, dotwit: &Path) -> Result<String> {
        let mut command = Command::new(dotwit);
        command.arg("invoke").arg(BLAZOR_SAMPLE.component()).args([ASSEMBLY, self.method, self.arguments]);
        if let Some((method, arguments)) = self.then {
            command.args(["--then", method, arguments]);
        }
        process::ask(command)
    }

    /// Compares an answer, as JSON, with the documented one; gives it back as it is to be shown.
    fn check(&self, answer: &str) -> Result<String> {
        let parse = |text: &str| serde_json::from_str::<Value>(text).with_context(|| format!("{text:?} is no JSON"));
        let (answer, documented) = (parse(answer)?, parse(self.documented)?);
        ensure!(answer == documented, "{answer}, but documented is {documented}");
        Ok(answer.to_string())
    }
}

/// The call as a program would write it.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list =
            |array: &'static str| array.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(array);
        write!(f, "{ASSEMBLY}.{}({})", self.method, list(self.arguments))?;
        self.then.map_or(Ok(()), |(method, arguments)| write!(f, ".{method}({})", list(arguments)))
    }
}

/// Hands this process over to the program, so that whatever stops one stops the other.
#[cfg(unix)]
fn become_program(mut command: Command) -> Result<()> {
    let error = std::os::unix::process::CommandExt::exec(&mut command);
    Err(error).with_context(|| format!("cannot start {}", command.get_program().display()))
}

#[cfg(not(unix))]
fn become_program(command: Command) -> Result<()> {
    Step::new("serving", command).show()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_compared_as_json() {
        let call = Call::new("M", "[]", "[1, 2]");
        assert_eq!(call.check("[ 1,2 ]\n").unwrap(), "[1,2]");
        let error = call.check("[2,1]").unwrap_err().to_string();
        assert_eq!(error, "[2,1], but documented is [1,2]");
        assert!(call.check("oops").unwrap_err().to_string().contains("oops"));
    }

    #[test]
    fn a_call_reads_as_a_program_writes_it() {
        let call = Call::new("Make", "[[1],2]", "null").then("Use", r#"["a"]"#);
        assert_eq!(call.to_string(), r#"BlazorSample.Make([1],2).Use("a")"#);
    }
}
