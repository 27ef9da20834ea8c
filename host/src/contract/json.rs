//! The structure of JSON texts, found without reading their values: how deep a text nests, and how many elements its array has.

use memchr::memchr2;

/// The outline of a text, as far as it is JSON.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outline {
    /// How deep it nests: 0 for a scalar, 1 for a flat array or object.
    pub(crate) depth: usize,
    /// How many elements the outermost array or object has.
    pub(crate) elements: usize,
}

/// Scans a text. Input that is not JSON gives some outline; parsing it reports the error.
pub(crate) fn outline(text: &str) -> Outline {
    let bytes = text.as_bytes();
    let (mut depth, mut deepest, mut commas, mut anything) = (0_usize, 0, 0, false);
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'[' | b'{' => {
                anything |= depth > 0;
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' => commas += usize::from(depth == 1),
            b'"' => {
                anything = true;
                at = string_end(bytes, at);
            }
            _ => anything |= !byte.is_ascii_whitespace(),
        }
    }
    Outline { depth: deepest, elements: if anything { commas + 1 } else { 0 } }
}

/// Returns the end of the string whose opening quote is before `at`.
pub(crate) fn string_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += found + 1;
        if bytes[at - 1] == b'"' {
            return at;
        }
        at += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outlines_count_elements_and_depth() {
        for (text, depth, elements) in [
            ("[]", 1, 0),
            (" [ ] ", 1, 0),
            ("[1]", 1, 1),
            ("[[]]", 2, 1),
            ("[1,[2,3],{\"a\":[4,5]}]", 3, 3),
            (r#"["],[\"", "\\"]"#, 1, 2),
            ("null", 0, 1),
            ("\"unfinished\\", 0, 1),
            ("]]]", 0, 0),
        ] {
            assert_eq!(outline(text), Outline { depth, elements }, "{text}");
        }
    }
}
