//! Byte arrays beside their message.

use dotwit::ErrorKind;
use dotwit::prelude::*;
use serde::{Deserialize, Serialize};

use crate::support::*;

#[js_invokable]
pub fn echo_bytes(bytes: Bytes) -> Bytes {
    bytes
}

#[js_invokable]
pub fn lengths(arrays: Vec<Bytes>) -> Vec<usize> {
    arrays.iter().map(|bytes| bytes.len()).collect()
}

#[js_invokable]
pub fn two_arrays(first: Bytes, second: Bytes) -> [Bytes; 2] {
    [first, second]
}

#[derive(Serialize, Deserialize)]
pub struct Picture {
    name: String,
    thumbnail: Option<Bytes>,
    pixels: Bytes,
}

#[js_invokable]
pub fn swap(mut picture: Picture) -> Picture {
    let thumbnail = picture.thumbnail.take().unwrap_or_default();
    picture.thumbnail = Some(std::mem::replace(&mut picture.pixels, thumbnail));
    picture
}

/// A type that serde reads twice: it tries the variants in turn.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Media {
    Sound { data: Bytes, seconds: u32 },
    Picture { data: Bytes, width: u32 },
}

#[js_invokable]
pub fn describe_media(media: Media) -> String {
    match media {
        Media::Sound { data, seconds } => format!("sound of {} bytes, {seconds} s", data.len()),
        Media::Picture { data, width } => format!("picture of {} bytes, {width} wide", data.len()),
    }
}

#[js_invokable]
pub fn plain(numbers: Vec<u8>) -> Vec<u8> {
    numbers
}

const PARTS: &[&str] = &["argument 1 ('bytes')"];

#[track_caller]
fn assert_bad(json: &str, arrays: &[&[u8]], part: &str) {
    let error = assert_fails(invoke("EchoBytes", with_bytes(json, arrays)), ErrorKind::BadArguments, PARTS);
    assert!(error.message().contains(part), "{part:?} is missing in {:?}", error.message());
}

#[test]
fn c7_a_placeholder_without_arrays_is_refused() {
    in_new_guest(|_| {
        assert_bad("[{\"__byte[]\":0}]", &[], "unexpected byte array 0: the message has none");
        assert_bad("[{}]", &[], "required property '__byte[]' was not found");
    });
}

#[test]
fn c8_a_placeholder_without_its_key_is_refused() {
    in_new_guest(|_| assert_bad("[{}]", &[b"a"], "required property '__byte[]' was not found"));
}

#[test]
fn c9_a_placeholder_with_another_key_is_refused() {
    in_new_guest(|_| {
        assert_bad("[{\"foo\":2}]", &[b"a"], "unexpected property 'foo'");
        assert_bad("[{\"__byte[]\":0,\"foo\":2}]", &[b"a"], "unexpected property 'foo'");
    });
}

#[test]
fn c10_a_placeholder_that_is_incomplete_is_refused() {
    in_new_guest(|_| {
        assert_fails(
            invoke("EchoBytes", with_bytes("[{\"__byte[]\":0", &[b"a"])),
            ErrorKind::BadArguments,
            &["too early"],
        );
        assert_bad("[{\"__byte[]\"}]", &[b"a"], "invalid JSON");
    });
}

#[test]
fn c11_base64_is_read_as_bytes() {
    in_new_guest(|_| {
        let result = invoke("EchoBytes", "[\"AQID\"]").expect("base-64 is accepted");
        assert_eq!(result, with_bytes("{\"__byte[]\":0}", &[&[1, 2, 3]]));
        assert_eq!(invoke("EchoBytes", "[\"\"]").expect("base-64 is accepted").bytes, [[0_u8; 0]]);
    });
}

#[test]
fn c12_a_string_that_is_no_base64_is_refused() {
    in_new_guest(|_| {
        assert_bad("[\"This is not base-64\"]", &[], "is not base-64");
        assert_bad("[\"AQI\"]", &[b"a"], "is not base-64");
    });
}

#[test]
fn c13_a_placeholder_is_read_as_its_array() {
    in_new_guest(|_| {
        let result = invoke("EchoBytes", with_bytes("[{\"__byte[]\":0}]", &[b"\x00\xff"])).expect("bytes are read");
        assert_eq!(result, with_bytes("{\"__byte[]\":0}", &[b"\x00\xff"]));
    });
}

#[test]
fn c14_a_placeholder_with_its_key_twice_is_refused() {
    in_new_guest(|_| assert_bad("[{\"__byte[]\":0,\"__byte[]\":0}]", &[b"a"], "is there twice"));
}

#[test]
fn c15_an_index_that_is_a_string_is_refused() {
    in_new_guest(|_| assert_bad("[{\"__byte[]\":\"0\"}]", &[b"a"], "string \"0\""));
}

#[test]
fn c16_an_index_that_is_too_large_is_refused() {
    in_new_guest(|_| {
        assert_bad("[{\"__byte[]\":5000000000}]", &[b"a"], "5000000000 is not a 32-bit integer");
        assert_bad("[{\"__byte[]\":5e9}]", &[b"a"], "floating point");
    });
}

#[test]
fn c17_an_index_that_is_negative_or_beyond_the_arrays_is_not_found() {
    in_new_guest(|_| {
        assert_bad("[{\"__byte[]\":-5}]", &[b"a"], "byte array -5 was not found");
        assert_bad("[{\"__byte[]\":1}]", &[b"a"], "byte array 1 was not found: the message has 1");
    });
}

#[test]
fn c18_white_space_in_a_placeholder_is_fine() {
    in_new_guest(|_| {
        let args = with_bytes("[ {\n \"__byte[]\"\t:\r 0 } ]", &[b"a"]);
        assert_eq!(invoke("EchoBytes", args).expect("white space is fine").bytes, [b"a"]);
    });
}

#[test]
fn c19_indices_name_their_arrays_in_any_order() {
    in_new_guest(|_| {
        let args = with_bytes("[{\"__byte[]\":2},{\"__byte[]\":1}]", &[b"a", b"bb", b"ccc"]);
        let result = invoke("TwoArrays", args).expect("indices are free");
        assert_eq!(result, with_bytes("[{\"__byte[]\":0},{\"__byte[]\":1}]", &[b"ccc", b"bb"]));
    });
}

// Blazor numbers byte arrays for as long as the program runs. Here each message has its own, so that they cannot mix.
#[test]
fn c20_indices_count_up_within_a_message_and_start_anew_in_the_next() {
    in_new_guest(|_| {
        for _ in 0..3 {
            let result = invoke("TwoArrays", "[\"AQ==\",\"Ag==\"]").expect("base-64 is accepted");
            assert_eq!(result, with_bytes("[{\"__byte[]\":0},{\"__byte[]\":1}]", &[&[1], &[2]]));
        }
    });
}

#[test]
fn c71_an_array_arrives_at_index_0() {
    in_new_guest(|_| {
        let args = with_bytes("[[{\"__byte[]\":0}]]", &[&[1, 1, 1, 1]]);
        assert_eq!(text(invoke("Lengths", args)), "[4]");
    });
}

#[test]
fn arrays_are_nested() {
    in_new_guest(|_| {
        let json = r#"[{"name":"p","thumbnail":{"__byte[]":0},"pixels":{"__byte[]":1}}]"#;
        let result = invoke("Swap", with_bytes(json, &[b"small", b"large"])).expect("bytes are read");
        let json = r#"{"name":"p","thumbnail":{"__byte[]":0},"pixels":{"__byte[]":1}}"#;
        assert_eq!(result, with_bytes(json, &[b"large", b"small"]));
        let json = r#"[{"name":"p","thumbnail":null,"pixels":{"__byte[]":0}}]"#;
        let result = invoke("Swap", with_bytes(json, &[b"only"])).expect("bytes are read");
        assert_eq!(result.bytes, [&b"only"[..], b""]);
    });
}

#[test]
fn an_array_may_be_named_again_and_need_not_be_named_at_all() {
    in_new_guest(|_| {
        let twice = r#"[[{"__byte[]":0},{"__byte[]":0}]]"#;
        assert_eq!(text(invoke("Lengths", with_bytes(twice, &[b"abc"]))), "[3,3]");
        assert_eq!(text(invoke("Lengths", with_bytes(twice, &[b"abc", b"unnamed"]))), "[3,3]");
        let thrice = r#"[[{"__byte[]":1},{"__byte[]":0},{"__byte[]":1}]]"#;
        assert_eq!(text(invoke("Lengths", with_bytes(thrice, &[b"abc", b"de"]))), "[2,3,2]");
        let escaped = r#"[[{"__byte[]":0},{"__byte\u005b]":0}]]"#;
        assert_eq!(text(invoke("Lengths", with_bytes(escaped, &[b"abc"]))), "[3,3]");
        assert_eq!(text(invoke("Lengths", with_bytes("[[]]", &[b"abc"]))), "[]");
        // Text that merely looks like a placeholder.
        let json = r#"[{"__byte[]":0},"__byte[]"]"#;
        assert_fails(invoke("TwoArrays", with_bytes(json, &[b"abc"])), ErrorKind::BadArguments, &["is not base-64"]);
    });
}

#[test]
fn a_value_that_serde_reads_twice_finds_its_array_twice() {
    in_new_guest(|_| {
        let sound = with_bytes(r#"[{"data":{"__byte[]":0},"seconds":2}]"#, &[b"abc"]);
        assert_eq!(json(invoke("DescribeMedia", sound)), "sound of 3 bytes, 2 s");
        let picture = with_bytes(r#"[{"data":{"__byte[]":0},"width":4}]"#, &[b"abc"]);
        assert_eq!(json(invoke("DescribeMedia", picture)), "picture of 3 bytes, 4 wide");
    });
}

#[test]
fn a_plain_vec_is_an_array_of_numbers() {
    in_new_guest(|_| {
        assert_eq!(text(invoke("Plain", "[[1,255]]")), "[1,255]");
        assert_fails(invoke("Plain", "[[1,256]]"), ErrorKind::BadArguments, &["256", "u8"]);
        assert_bad("[[1,2]]", &[], "sequence");
        assert_bad("[null]", &[], "null");
    });
}

#[test]
fn a_mebibyte_arrives_as_it_was_sent() {
    in_new_guest(|_| {
        let bytes: Vec<u8> = (0..1 << 20).map(|n: u32| n.to_le_bytes()[n as usize % 3]).collect();
        let result = invoke("EchoBytes", with_bytes("[{\"__byte[]\":0}]", &[&bytes])).expect("bytes are read");
        assert_eq!(result.bytes, [bytes]);
    });
}

#[test]
fn bytes_outside_of_a_call_are_no_placeholder() {
    assert!(serde_json::to_string(&Bytes(vec![1])).is_err());
    assert!(serde_json::from_str::<Bytes>("{\"__byte[]\":0}").is_err());
}

/// A method sees its own message only while its arguments are read.
#[js_invokable]
pub fn reads_on_its_own(text: String) -> Result<usize, String> {
    serde_json::from_str::<Bytes>(&text).map(|bytes| bytes.len()).map_err(|error| error.to_string())
}

#[test]
fn the_arrays_of_a_message_are_out_of_reach_once_its_arguments_are_read() {
    in_new_guest(|_| {
        let args = with_bytes(r#"["{\"__byte[]\":0}"]"#, &[b"abc"]);
        assert_fails(invoke("ReadsOnItsOwn", args), ErrorKind::Failed, &["only be read as part of a call"]);
    });
}
