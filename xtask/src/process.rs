//! Running other programs.
//!
//! A [`Step`] says what is being done before it starts, and how long it took when it is done. What the program prints is kept and shown
//! only if it fails, unless the output is the point ([`Step::show`]). On a terminal a spinner shows the time and the last line printed.

use std::{
    collections::VecDeque,
    fmt,
    io::{self, BufRead, BufReader, IsTerminal, PipeReader},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};

/// How often a step looks whether its program has ended or run out of time.
const TICK: Duration = Duration::from_millis(100);

/// Where there is no spinner, a sign of life this often.
const SIGN_OF_LIFE: Duration = Duration::from_secs(60);

/// How much of a failed program's output is shown. The cause is at its end.
const LINES_KEPT: usize = 400;

/// A program to run, and what it does, in words that could follow "now" ("building the guests").
pub(crate) struct Step {
    doing: String,
    command: Command,
    limit: Option<Duration>,
    may_fail: bool,
}

impl Step {
    /// A step that has not started.
    pub(crate) fn new(doing: impl Into<String>, command: Command) -> Self {
        Step { doing: doing.into(), command, limit: None, may_fail: false }
    }

    /// Ends the program, and fails, if it takes longer than this.
    pub(crate) fn within(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// For a program without which there is another way: a failure shows no output, and the error says the most of it.
    pub(crate) fn may_fail(mut self) -> Self {
        self.may_fail = true;
        self
    }

    /// Runs the program and keeps its output for the case that it fails.
    pub(crate) fn run(self) -> Result<()> {
        let Step { doing, mut command, limit, may_fail } = self;
        let progress = Progress::start(&doing);
        let (reader, writer) = io::pipe().context("no pipe for a program's output")?;
        command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
        let child = spawn(&doing, &mut command)?;
        // It holds the pipe's writing ends: the output would never end.
        drop(command);

        let mut kept = VecDeque::new();
        let status = follow(child, limit, lines(reader), |line| match line {
            None => progress.still_running(),
            Some(line) => {
                progress.show(&line);
                if kept.len() == LINES_KEPT {
                    kept.pop_front();
                }
                kept.push_back(line);
            }
        })
        .with_context(|| format!("{doing} failed"));
        progress.end(status.as_ref().is_ok_and(ExitStatus::success));

        let status = status?;
        if status.success() {
            return Ok(());
        }
        if may_fail {
            let says_why = |line: &&String| line.starts_with("error") || line.starts_with("E:");
            let reason = kept.iter().find(says_why).or(kept.back());
            bail!("{}", reason.map_or("it gave no reason", |line| line));
        }
        for line in kept {
            eprintln!("  | {line}");
        }
        bail!("{doing} failed ({status})")
    }

    /// Runs the program with its output going where ours goes.
    pub(crate) fn show(self) -> Result<()> {
        let Step { doing, mut command, .. } = self;
        let started = Instant::now();
        say(&doing);
        let status = command.stdin(Stdio::null()).status().with_context(|| cannot_start(&doing, &command))?;
        ensure!(status.success(), "{doing} failed ({status})");
        eprintln!("  {doing}: {}", Seconds(started.elapsed()));
        Ok(())
    }
}

/// Runs a program that answers at once, and returns what it wrote to its standard output.
///
/// # Errors
///
/// If it cannot be started or fails; the error holds what it wrote to its standard error.
pub(crate) fn ask(mut command: Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot start {program}"))?;
    ensure!(
        output.status.success(),
        "{program} failed ({}): {}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    String::from_utf8(output.stdout).with_context(|| format!("{program} printed something that is no text"))
}

/// Tells the user what happens next.
pub(crate) fn say(what: impl fmt::Display) {
    eprintln!("• {what}");
}

fn spawn(doing: &str, command: &mut Command) -> Result<Child> {
    command.spawn().with_context(|| cannot_start(doing, command))
}

fn cannot_start(doing: &str, command: &Command) -> String {
    format!("{doing}: cannot start {}", command.get_program().display())
}

/// Reads lines on a thread of its own, so that waiting for one can time out.
fn lines(reader: PipeReader) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
            if sender.send(String::from_utf8_lossy(&line).trim_end().to_owned()).is_err() {
                break;
            }
        }
    });
    receiver
}

/// Waits for the program's end, handing on each line, and `None` when there was none for a while.
///
/// The program's end ends the wait even if a grandchild holds the pipe open.
fn follow(
    mut child: Child,
    limit: Option<Duration>,
    lines: Receiver<String>,
    mut on: impl FnMut(Option<String>),
) -> Result<ExitStatus> {
    let started = Instant::now();
    loop {
        match lines.recv_timeout(TICK) {
            Ok(line) => on(Some(line)),
            Err(RecvTimeoutError::Disconnected) => return Ok(child.wait()?),
            Err(RecvTimeoutError::Timeout) => {
                on(None);
                if let Some(status) = child.try_wait()? {
                    return Ok(status);
                }
            }
        }
        if let Some(limit) = limit
            && started.elapsed() > limit
        {
            child.kill()?;
            child.wait()?;
            bail!("it was ended, for it took longer than {}", Seconds(limit));
        }
    }
}

/// What the user sees of a running step.
struct Progress {
    doing: String,
    started: Instant,
    sign_of_life: std::cell::Cell<Instant>,
    spinner: Option<ProgressBar>,
}

impl Progress {
    fn start(doing: &str) -> Self {
        let started = Instant::now();
        let spinner = io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{spinner} {prefix} {elapsed:.dim}  {wide_msg:.dim}")
                .expect("the template is constant");
            let spinner = ProgressBar::new_spinner().with_style(style).with_prefix(doing.to_owned());
            spinner.enable_steady_tick(TICK);
            spinner
        });
        if spinner.is_none() {
            say(doing);
        }
        Progress { doing: doing.to_owned(), started, sign_of_life: started.into(), spinner }
    }

    fn show(&self, line: &str) {
        if let Some(spinner) = &self.spinner {
            spinner.set_message(line.trim_start().to_owned());
        }
    }

    fn still_running(&self) {
        if self.spinner.is_none() && self.sign_of_life.get().elapsed() >= SIGN_OF_LIFE {
            self.sign_of_life.set(Instant::now());
            eprintln!("  {}: {} so far", self.doing, Seconds(self.started.elapsed()));
        }
    }

    fn end(self, success: bool) {
        let took = Seconds(self.started.elapsed());
        let outcome = if success { "" } else { "failed after " };
        match self.spinner {
            Some(spinner) => {
                spinner.finish_and_clear();
                say(format_args!("{}: {outcome}{took}", self.doing));
            }
            None => eprintln!("  {}: {outcome}{took}", self.doing),
        }
    }
}

/// A time as people read it: `0.3 s`, `42 s`, `2 min 5 s`.
pub(crate) struct Seconds(pub(crate) Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs_f64();
        let whole = seconds.round() as u64;
        match whole {
            0..10 => write!(f, "{seconds:.1} s"),
            10..60 => write!(f, "{whole} s"),
            _ => write!(f, "{} min {} s", whole / 60, whole % 60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_well() {
        let shown = |milliseconds| Seconds(Duration::from_millis(milliseconds)).to_string();
        assert_eq!(shown(340), "0.3 s");
        assert_eq!(shown(9_960), "10 s");
        assert_eq!(shown(59_700), "1 min 0 s");
        assert_eq!(shown(125_000), "2 min 5 s");
    }

    #[cfg(unix)]
    mod programs {
        use super::*;

        fn shell(script: &str) -> Command {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            command
        }

        #[test]
        fn an_answer_is_what_was_printed() {
            assert_eq!(ask(shell("echo yes; echo no >&2")).unwrap(), "yes\n");
        }

        #[test]
        fn a_failure_says_why() {
            let error = ask(shell("echo because >&2; exit 3")).unwrap_err().to_string();
            assert!(error.contains("because") && error.contains('3'), "{error}");
            assert!(Step::new("failing", shell("exit 3")).run().is_err());
        }

        #[test]
        fn a_failure_that_was_reckoned_with_is_one_line() {
            let command = shell("echo one; echo error: two; echo three; exit 1");
            let error = Step::new("trying", command).may_fail().run().unwrap_err();
            assert_eq!(error.to_string(), "error: two");
        }

        #[test]
        fn a_program_that_takes_too_long_is_ended() {
            let started = Instant::now();
            let error =
                Step::new("sleeping", shell("exec sleep 60")).within(Duration::from_millis(200)).run().unwrap_err();
            assert!(format!("{error:#}").contains("took longer than 0.2 s"), "{error:#}");
            assert!(started.elapsed() < Duration::from_secs(30));
        }

        #[test]
        fn a_grandchild_that_keeps_the_output_open_is_not_waited_for() {
            let started = Instant::now();
            Step::new("leaving a sleeper", shell("sleep 40 & exit 0")).run().unwrap();
            assert!(started.elapsed() < Duration::from_secs(30));
        }
    }
}
