use dotwit::prelude::*;

#[js_invokable]
#[rustfmt::skip]
pub fn sum(
    _a00: i8, _a01: i8, _a02: i8, _a03: i8, _a04: i8, _a05: i8, _a06: i8, _a07: i8,
    _a10: i8, _a11: i8, _a12: i8, _a13: i8, _a14: i8, _a15: i8, _a16: i8, _a17: i8,
    _a20: i8, _a21: i8, _a22: i8, _a23: i8, _a24: i8, _a25: i8, _a26: i8, _a27: i8,
    _a30: i8, _a31: i8, _a32: i8, _a33: i8, _a34: i8, _a35: i8, _a36: i8, _a37: i8,
    _a40: i8, _a41: i8, _a42: i8, _a43: i8, _a44: i8, _a45: i8, _a46: i8, _a47: i8,
    _a50: i8, _a51: i8, _a52: i8, _a53: i8, _a54: i8, _a55: i8, _a56: i8, _a57: i8,
    _a60: i8, _a61: i8, _a62: i8, _a63: i8, _a64: i8, _a65: i8, _a66: i8, _a67: i8,
    _a70: i8, _a71: i8, _a72: i8, _a73: i8, _a74: i8, _a75: i8, _a76: i8, _a77: i8,
    _a80: i8,
) {}

fn main() {}
