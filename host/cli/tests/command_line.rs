//! The `dotwit` binary, as a user calls it.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn dotwit(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dotwit")).args(args).env_remove("RUST_LOG").output().unwrap()
}

/// Runs `dotwit` and asserts its exit code. Returns standard output and standard error.
#[track_caller]
fn run(args: &[&str], code: i32) -> (String, String) {
    let output = dotwit(args);
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(code), "{args:?}\n{out}{err}");
    (out, err)
}

/// A guest that `cargo xtask guests` has built.
fn guest(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../target/guests/wasm32-wasip2/release")
        .join(name)
        .with_extension("wasm");
    assert!(path.exists(), "{} is missing: run `cargo xtask guests`", path.display());
    path.into_os_string().into_string().unwrap()
}

#[test]
fn invoke_prints_the_result_as_json() {
    let sample = &guest("blazor_sample");
    let invoke = |args: &[&str]| run(&[&["invoke", sample, "BlazorSample"], args].concat(), 0).0;
    assert_eq!(invoke(&["ReturnArrayAsync"]), "[1,2,3]\n");
    assert_eq!(invoke(&["Add", "[1, 2]"]), "3\n");
    let hello = invoke(&["CreateHelloHelper", "[\"Amy Pond\"]", "--then", "GetHelloMessage", "[]"]);
    assert_eq!(hello, "\"Hello, Amy Pond!\"\n");
}

#[test]
fn invoke_reads_large_arguments_from_standard_input() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_dotwit"))
        .args(["invoke", &guest("test_guest"), "TestGuest", "EchoString", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let args = format!("[\"{}\"]", "x".repeat(1 << 20));
    child.stdin.take().unwrap().write_all(args.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(output.stdout.len(), (1 << 20) + 3);
}

#[test]
fn invoke_prints_bytes_as_base_64() {
    let (out, _) = run(&["invoke", &guest("test_guest"), "TestGuest", "EchoBytes", "[\"AQID\"]"], 0);
    assert_eq!(out, "\"AQID\"\n");
}

#[test]
fn invoke_leaves_standard_output_to_the_result() {
    let (out, err) = run(&["invoke", &guest("test_guest"), "TestGuest", "Print", "[\"a line\"]"], 0);
    assert_eq!((out.as_str(), err.as_str()), ("null\n", "a line\na line\n"));
}

#[test]
fn invoke_has_a_console_and_no_page() {
    let guest = &guest("test_guest");
    let call = |method, identifier: &str, code| {
        let args = format!(r#"["{identifier}", ["tea", 1, {{"a": [null]}}]]"#);
        run(&["invoke", guest, "TestGuest", method, &args], code)
    };
    for method in ["CallPage", "CallPageSync"] {
        let (out, err) = call(method, "console.log", 0);
        assert_eq!((out.as_str(), err.as_str()), ("null\n", "tea 1 {\"a\":[null]}\n"));
        let (_, err) = call(method, "alert", 1);
        assert!(err.starts_with("error: unsupported: 'alert' is not available"), "{err}");
    }
}

#[test]
fn a_failed_call_exits_with_1_and_says_why() {
    let guest = &guest("test_guest");
    let fails = |args: &[&str]| run(&[&["invoke", guest, "TestGuest"], args].concat(), 1).1;
    assert!(fails(&["Nope"]).starts_with("error: no-such-method: The assembly 'TestGuest'"));
    assert!(fails(&["Add", "text"]).starts_with("error: bad-arguments: "));
    assert!(fails(&["Panic", "[\"tea\"]"]).contains("guest-trapped: The guest panicked: tea"));
    assert!(fails(&["LoopForever", "--cpu-limit", "0.2"]).contains("200ms"));
    assert!(fails(&["Never", "--timeout", "0.1"]).starts_with("error: timed-out: "));
    assert!(fails(&["Add", "[1,2]", "--then", "Add", "[]"]).contains("returned no object"));
    let (_, err) = run(&["invoke", "missing.wasm", "A", "B"], 1);
    assert!(err.starts_with("error: invalid-guest: The guest 'missing.wasm' cannot be read"));
}

#[test]
fn wrong_usage_exits_with_2() {
    run(&[], 2);
    run(&["invoke"], 2);
    run(&["invoke", "a.wasm", "A", "B", "[]", "--cpu-limit", "-1"], 2);
    run(&["inspect", "--nonsense", "a.wasm"], 2);
}

#[test]
fn inspect_lists_what_can_be_called() {
    let guest = &guest("blazor_sample");
    let (table, _) = run(&["inspect", guest], 0);
    for part in ["assembly BlazorSample", "ReturnArrayAsync", "HelloHelper", "GenericType<TValue>"] {
        assert!(table.contains(part), "{table}");
    }
    let (json, _) = run(&["inspect", guest, "--json"], 0);
    let assemblies: Value = serde_json::from_str(&json).unwrap();
    let methods = assemblies[0]["methods"].as_array().unwrap();
    let method = methods.iter().find(|method| method["id"] == "ReturnArrayFromAsync").unwrap();
    assert_eq!(method["parameters"][0]["name"], "start_position");
    assert_eq!(method["isAsync"], true);
}

#[test]
fn a_reader_that_goes_away_is_not_a_failure() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_dotwit"))
        .args(["inspect", &guest("blazor_sample")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn invoke_reaches_objects_inside_a_result() {
    let guest = &guest("test_guest");
    let invoke = |then: &[&str]| dotwit(&[&["invoke", guest, "TestGuest", "CreatePair", "[1,2]"], then].concat());
    assert_eq!(invoke(&["--then", "first.Increment", "[4]"]).stdout, b"5\n");
    assert!(!invoke(&["--then", "second.Increment", "[4]"]).status.success());
    assert!(!invoke(&["--then", "Increment", "[4]"]).status.success());
}
