//! The little that dotwit must know of JSON text before serde reads it: where the elements of an array are, and how deep
//! the text nests. Both are found in one pass that looks at structure only; what it lets through, serde still checks.

use memchr::memchr2;

/// The deepest nesting that a message may have, the outer argument array included (the `MaxDepth` of Blazor's host).
pub(crate) const MAX_DEPTH: usize = 32;

/// Why a text is no JSON array whose elements can be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// The text does not begin with `[`; this is what it begins with, if anything.
    NotAnArray(Option<char>),
    /// The text ends before its array does.
    Unterminated,
    /// Something follows the array.
    Trailing,
    /// A comma stands where an element should.
    MissingElement,
    /// The text nests this deep.
    TooDeep(usize),
}

/// The texts of an array's elements, in order, each still to be checked by a JSON parser.
pub(crate) fn elements(text: &str) -> Result<Vec<&str>, Malformed> {
    let start = text.trim_start_matches(is_space);
    if !start.starts_with('[') {
        return Err(Malformed::NotAnArray(start.chars().next()));
    }
    let mut found = Vec::new();
    let mut begin = 1;
    let mut end = None;
    let deepest = scan(start.as_bytes(), |at, byte, depth| match (byte, depth) {
        _ if end.is_some() => {}
        (b',', 1) => {
            found.push(start[begin..at].trim_matches(is_space));
            begin = at + 1;
        }
        (b']' | b'}', 0) => end = Some(at),
        _ => {}
    });
    if deepest > MAX_DEPTH {
        return Err(Malformed::TooDeep(deepest));
    }
    let end = end.ok_or(Malformed::Unterminated)?;
    if !start.as_bytes()[end + 1..].iter().all(|byte| is_space(char::from(*byte))) {
        return Err(Malformed::Trailing);
    }
    let last = start[begin..end].trim_matches(is_space);
    if !last.is_empty() || !found.is_empty() {
        found.push(last);
    }
    if found.iter().any(|element| element.is_empty()) {
        return Err(Malformed::MissingElement);
    }
    Ok(found)
}

/// How deep a JSON text nests: 0 for a scalar, 1 for a flat array or object.
pub(crate) fn depth(text: &str) -> usize {
    scan(text.as_bytes(), |_, _, _| {})
}

/// Calls `structural` with each bracket, brace and comma outside strings, its position, and the depth after it. Gives the
/// greatest depth.
fn scan(text: &[u8], mut structural: impl FnMut(usize, u8, usize)) -> usize {
    let (mut at, mut depth, mut deepest) = (0, 0_usize, 0);
    while at < text.len() {
        let byte = text[at];
        match byte {
            b'"' => at = string_end(text, at),
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
                structural(at, byte, depth);
            }
            b']' | b'}' => {
                depth = depth.saturating_sub(1);
                structural(at, byte, depth);
            }
            b',' => structural(at, byte, depth),
            _ => {}
        }
        at += 1;
    }
    deepest
}

/// The position of the quote that ends the string which starts at `open`, or the text's end.
fn string_end(text: &[u8], open: usize) -> usize {
    let mut at = open + 1;
    while let Some(found) = memchr2(b'"', b'\\', text.get(at..).unwrap_or_default()) {
        at += found;
        if text[at] == b'"' {
            return at;
        }
        at += 2;
    }
    text.len()
}

/// JSON's white space (RFC 8259, section 2).
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_split_at_the_top_level_only() {
        assert_eq!(elements("[]"), Ok(vec![]));
        assert_eq!(elements(" [ 1 , \"a,]\\\"\" ,[2,{\"k\":3}]] "), Ok(vec!["1", "\"a,]\\\"\"", "[2,{\"k\":3}]"]));
    }

    #[test]
    fn malformed_arrays_are_named() {
        assert_eq!(elements(""), Err(Malformed::NotAnArray(None)));
        assert_eq!(elements("<xml>"), Err(Malformed::NotAnArray(Some('<'))));
        assert_eq!(elements("[1"), Err(Malformed::Unterminated));
        assert_eq!(elements("[\"a"), Err(Malformed::Unterminated));
        assert_eq!(elements("[\"a\\"), Err(Malformed::Unterminated));
        assert_eq!(elements("[1,]"), Err(Malformed::MissingElement));
        assert_eq!(elements("[,1]"), Err(Malformed::MissingElement));
        assert_eq!(elements("[1] 2"), Err(Malformed::Trailing));
        assert_eq!(elements("[1][2"), Err(Malformed::Trailing));
    }

    #[test]
    fn depth_counts_the_outer_array_and_not_strings() {
        let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(elements(&nested(MAX_DEPTH)).is_ok());
        assert_eq!(elements(&nested(MAX_DEPTH + 1)), Err(Malformed::TooDeep(MAX_DEPTH + 1)));
        assert_eq!(depth("1"), 0);
        assert_eq!(depth("{\"a\":[\"[[[\"]}"), 2);
    }
}
