//! Explains serde's errors: it says what was expected, and this module what was found and what the page should do instead.

use dotwit_wire::placeholder::{AS, BYTES};
use serde::de::{self, IgnoredAny};

use crate::error::Error;

/// The error of this crate behind the one that serde ends with. serde carries only its text; and a value may get over a failure,
/// as an untagged enum does when it tries its next variant.
pub(super) fn original(error: &serde_json::Error, failure: Option<Error>) -> Option<Error> {
    failure.filter(|failure| error.to_string().starts_with(failure.message()))
}

/// Says what is wrong with a text that was read: "does not fit: …", "is invalid JSON: …".
pub(crate) fn explain(text: &str, error: &serde_json::Error) -> String {
    let whole = error.to_string();
    // serde_json ends its sentence with a position in the text, which is noise if that is one token.
    let reason = &whole[..whole.rfind(" at line ").unwrap_or(whole.len())];
    let placed = if text.len() <= 32 || error.line() == 0 { reason } else { &whole };
    if error.is_data() {
        let float = reason.strip_prefix("invalid type: floating point `").and_then(|rest| rest.split('`').next());
        let hint = if is_rounded(float) { BIG_INT } else { hint(text, reason, place(text, error) + 1) };
        return format!("does not fit: {}{hint}", shorten(placed.to_owned()));
    }
    // serde_json calls some texts invalid that merely do not fit.
    if serde_json::from_str::<IgnoredAny>(text).is_err() {
        return format!("is invalid JSON: {}", shorten(placed.to_owned()));
    }
    let (unfit, is_rounded) = unfit(text, error);
    let hint = if is_rounded { BIG_INT } else { hint(text, reason, place(text, error)) };
    format!("does not fit: {unfit}{hint}")
}

/// The same error without a position in the text, which is not the text that the page sent.
pub(super) fn without_position(text: &str, error: serde_json::Error) -> serde_json::Error {
    if !error.is_data() {
        return de::Error::custom(unfit(text, &error).0);
    }
    let whole = error.to_string();
    de::Error::custom(&whole[..whole.rfind(" at line ").unwrap_or(whole.len())])
}

/// Says what does not fit in a JSON text that serde_json calls invalid, and whether it is an integer that is not exact.
fn unfit(text: &str, error: &serde_json::Error) -> (String, bool) {
    let whole = error.to_string();
    let reason = &whole[..whole.rfind(" at line ").unwrap_or(whole.len())];
    if matches!(reason, "lone leading surrogate in hex escape" | "unexpected end of hex escape") {
        let what = "a string has half of a surrogate pair, which is not Unicode text; JavaScript's `toWellFormed()` \
                    replaces it";
        return (what.to_owned(), false);
    }
    let at = place(text, error);
    let found = token(text, at);
    // serde_json stops reading a 128-bit integer where there are no more digits.
    let is_fraction = matches!(text.as_bytes().get(at), Some(b'.' | b'e' | b'E'));
    let expected = match reason {
        "expected value" => "expected a variant, by its name or as an object of one property",
        "invalid number" => "expected an integer",
        "invalid value: expected key to be a number in quotes" => "expected a number as the key",
        "expected ident" => "expected `true` or `false` as the key",
        "number out of range" => "number out of range",
        _ if is_fraction => "expected an integer without point and exponent",
        "trailing characters" => "expected fewer elements",
        other => other,
    };
    (format!("{expected}, found `{}`", shorten(found.to_owned())), is_fraction && is_rounded(Some(found)))
}

/// The position of an error in a text, counted from 0.
fn place(text: &str, error: &serde_json::Error) -> usize {
    let before = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum::<usize>();
    before + error.column().saturating_sub(1)
}

/// The hint for a large number where an integer is expected.
const BIG_INT: &str = " (a JavaScript number is not exact beyond 2^53: pass a `bigint`)";

/// Whether a number is whole and so large that JavaScript cannot hold all integers of its size. The adapter writes such a number
/// as a float, so that no integer parameter accepts a rounded one.
fn is_rounded(number: Option<&str>) -> bool {
    const LIMIT: f64 = (1_u64 << 53) as f64;
    number
        .and_then(|number| number.parse::<f64>().ok())
        .is_some_and(|number| number.is_finite() && number.abs() >= LIMIT)
}

/// How the placeholder of a byte array begins.
const BYTES_START: &str = "{\"__byte[]\"";

/// The hint for JSON that stands for something else: what the page sent, and what it should do instead.
fn hint(text: &str, reason: &str, at: usize) -> &'static str {
    let near = |part: &str| {
        let from = text.floor_char_boundary(at.saturating_sub(2));
        let to = text.ceil_char_boundary(text.len().min(at + part.len() + 1));
        text[from..to].contains(part)
    };
    if text == "{}" || near("{}") {
        " (a Promise is `{}` in JSON: perhaps an `await` is missing)"
    } else if text.contains(AS) {
        // Not bytes, but a typed array of another kind.
        ""
    } else if text.starts_with(BYTES_START) || near(BYTES_START) || reason.contains(BYTES) {
        " (a Uint8Array came, and `dotwit::Bytes` takes it)"
    } else {
        ""
    }
}

/// The token of a JSON text at a position.
fn token(text: &str, at: usize) -> &str {
    let bytes = text.as_bytes();
    let is_word = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(**byte, b'+' | b'-' | b'.');
    let start = at - bytes[..at.min(bytes.len())].iter().rev().take_while(is_word).count();
    let length = match bytes.get(at) {
        Some(b'"') => 1 + bytes[at + 1..].iter().take_while(|byte| **byte != b'"').count() + 1,
        Some(b'}') if bytes[..at].ends_with(b"{") => return "{}",
        Some(byte) if is_word(&byte) => bytes[start..].iter().take_while(is_word).count(),
        _ => 1,
    };
    let start = if bytes.get(at).is_some_and(|byte| is_word(&byte)) { start } else { at };
    text.get(start..bytes.len().min(start + length)).unwrap_or_default()
}

/// Removes the middle of a reason that quotes a long value: what was expected stands at its end.
fn shorten(mut reason: String) -> String {
    const ENDS: usize = 100;
    let (begin, end) = (reason.floor_char_boundary(ENDS), reason.ceil_char_boundary(reason.len().saturating_sub(ENDS)));
    if begin < end {
        reason.replace_range(begin..end, " … ");
    }
    reason
}
