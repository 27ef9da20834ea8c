//! The errors of methods, as their callers see them.

use std::fmt;

use dotwit::prelude::*;
use dotwit::{Error, ErrorKind};

use crate::support::*;

#[js_invokable]
pub fn fails_with_a_str() -> Result<(), &'static str> {
    Err("a str")
}

#[js_invokable]
pub fn fails_with_an_io_error() -> Result<String, std::io::Error> {
    Err(std::io::Error::other("disk on fire"))
}

#[js_invokable]
pub fn fails_with_a_boxed_error() -> Result<(), Box<dyn std::error::Error>> {
    Err("boxed")?;
    Ok(())
}

#[js_invokable]
pub fn fails_with_a_kind() -> Result<i32, Error> {
    Err(Error::new(ErrorKind::TooLarge, "That picture is too large.").with_detail("9000 pixels, and 4096 is the limit"))
}

#[js_invokable]
pub fn fails_with_a_boxed_kind() -> Result<(), Box<dyn std::error::Error>> {
    Ok(fails_with_a_kind().map(drop)?)
}

#[js_invokable]
pub async fn fails_with_a_kind_boxed_for_threads() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    Ok(fails_with_a_kind_in_an_io_error()?)
}

#[js_invokable]
pub fn fails_with_a_kind_in_an_io_error() -> Result<(), std::io::Error> {
    Ok(fails_with_a_kind().map(drop)?)
}

/// An error that shows its causes with `{:#}`, as those of anyhow do.
pub struct Caused;

impl fmt::Display for Caused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if f.alternate() { "no picture: no disk" } else { "no picture" })
    }
}

#[js_invokable]
pub async fn fails_with_causes() -> Result<(), Caused> {
    Err(Caused)
}

#[test]
fn an_error_s_text_is_the_message() {
    in_new_guest(|_| {
        for (method, message) in
            [("FailsWithAStr", "a str"), ("FailsWithAnIoError", "disk on fire"), ("FailsWithABoxedError", "boxed")]
        {
            let error = invoke(method, "[]").expect_err("it fails");
            assert_eq!(error, Error::new(ErrorKind::Failed, message));
        }
    });
}

#[test]
fn an_error_of_dotwit_keeps_its_kind_and_detail() {
    in_new_guest(|_| {
        let error = invoke("FailsWithAKind", "[]").expect_err("it fails");
        assert_eq!((error.kind(), error.kind().as_str()), (ErrorKind::TooLarge, "too-large"));
        assert_eq!(error.message(), "That picture is too large.");
        assert_eq!(error.detail(), Some("9000 pixels, and 4096 is the limit"));
        assert_eq!(error.to_string(), error.message());
        for method in ["FailsWithABoxedKind", "FailsWithAKindBoxedForThreads", "FailsWithAKindInAnIoError"] {
            assert_eq!(begin(1, method, "[]"), Some(Err(error.clone())), "{method}");
        }
    });
}

#[test]
fn an_error_s_causes_are_the_detail() {
    in_new_guest(|_| {
        let error = begin(1, "FailsWithCauses", "[]").expect("it ends at once").expect_err("it fails");
        assert_eq!(error, Error::new(ErrorKind::Failed, "no picture").with_detail("no picture: no disk"));
    });
}

#[test]
fn kinds_read_as_javascript_sees_them() {
    let kinds = [
        (ErrorKind::NoSuchAssembly, "no-such-assembly"),
        (ErrorKind::NoSuchMethod, "no-such-method"),
        (ErrorKind::NoSuchObject, "no-such-object"),
        (ErrorKind::BadArguments, "bad-arguments"),
        (ErrorKind::Failed, "failed"),
        (ErrorKind::GuestTrapped, "guest-trapped"),
        (ErrorKind::Cancelled, "cancelled"),
        (ErrorKind::TimedOut, "timed-out"),
        (ErrorKind::TooLarge, "too-large"),
        (ErrorKind::TooMany, "too-many"),
        (ErrorKind::Disconnected, "disconnected"),
        (ErrorKind::Unsupported, "unsupported"),
        (ErrorKind::Reentrant, "reentrant"),
        (ErrorKind::JsFailed, "js-failed"),
        (ErrorKind::Protocol, "protocol"),
    ];
    for (kind, name) in kinds {
        assert_eq!(kind.to_string(), name);
    }
}
