//! The documentation's samples: their calls, made and shown, and their pages.

use std::{net::SocketAddr, path::PathBuf, process::Command};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{
    gallery,
    guests::{self, BLAZOR_SAMPLE},
    process::{self, Step, say},
    project, setup,
    toolchain::Toolchain,
};

/// A call that the documentation makes, and the result that it gives.
struct Call {
    assembly: &'static str,
    method: &'static str,
    arguments: &'static str,
    documented: &'static str,
}

const fn call(assembly: &'static str, method: &'static str, arguments: &'static str, documented: &'static str) -> Call {
    Call { assembly, method, arguments, documented }
}

/// Every call of the documentation's samples that a program can make which is no page.
const CALLS: &[Call] = &[
    call("BlazorSample", "ReturnArrayAsync", "[]", "[1,2,3]"),
    call("BlazorSample", "ReturnArrayFromAsync", "[5]", "[5,6,7]"),
    call("BlazorSample", "DifferentMethodName", "[]", "[1,2,3]"),
    call("BlazorSample", "Add", "[1,2]", "3"),
];

/// Makes the calls and prints them.
///
/// # Errors
///
/// If a result is not the documented one.
pub(crate) fn once() -> Result<()> {
    guests::build(&setup::guest_toolchain()?, &[BLAZOR_SAMPLE])?;
    let dotwit = build_dotwit()?;
    let mut wrong = 0;
    for call in CALLS {
        let answer = call.make(&dotwit);
        let shown = format!("{}.{}({})", call.assembly, call.method, inside(call.arguments));
        match answer.and_then(|answer| call.check(&answer)) {
            Ok(answer) => println!("  {shown:<44} {answer}"),
            Err(error) => {
                wrong += 1;
                println!("  {shown:<44} {error:#}");
            }
        }
    }
    ensure!(wrong == 0, "{wrong} of {} calls did not give the documented result", CALLS.len());
    println!("  All {} results are the documented ones.", CALLS.len());
    Ok(())
}

/// Makes the calls, then serves the pages until it is stopped.
pub(crate) fn serve(listen: SocketAddr) -> Result<()> {
    once()?;
    gallery::transpile(&[BLAZOR_SAMPLE])?;
    gallery::assemble()?;
    say(format_args!("Serving the samples' pages; Ctrl-C stops"));
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
fn build_dotwit() -> Result<PathBuf> {
    let mut command = Toolchain::ambient().cargo();
    command.args(["build", "--package", "dotwit-host", "--bin", "dotwit"]);
    Step::new("building dotwit", command).run()?;
    Ok(project::built_program("dotwit"))
}

impl Call {
    fn make(&self, dotwit: &PathBuf) -> Result<String> {
        let mut command = Command::new(dotwit);
        command.arg("invoke").arg(BLAZOR_SAMPLE.component()).args([self.assembly, self.method, self.arguments]);
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

/// The arguments as a program would write them.
fn inside(array: &str) -> &str {
    array.trim_start_matches('[').trim_end_matches(']')
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
        let call = call("A", "M", "[]", "[1, 2]");
        assert_eq!(call.check("[ 1,2 ]\n").unwrap(), "[1,2]");
        let error = call.check("[2,1]").unwrap_err().to_string();
        assert_eq!(error, "[2,1], but documented is [1,2]");
        assert!(call.check("oops").unwrap_err().to_string().contains("oops"));
    }

    #[test]
    fn every_documented_result_is_json() {
        for call in CALLS {
            assert!(call.check(call.documented).is_ok(), "{}", call.method);
            assert!(serde_json::from_str::<Vec<Value>>(call.arguments).is_ok(), "{}", call.method);
        }
    }
}
