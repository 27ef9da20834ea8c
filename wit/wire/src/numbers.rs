//! Numbers that JSON cannot hold: those of typed arrays, and integers that a JavaScript number cannot hold. They travel as
//! bytes beside the text, where `{"__byte[]":i,"__as":kind}` stands for them. This module converts between bytes and numbers.

use std::any::type_name;
use std::fmt;
use std::str::FromStr;

use serde::de::{self, DeserializeOwned};

/// The bytes are the decimal digits of a `bigint`.
pub const BIG_INT: &str = "BigInt";

/// The kind of bytes whose placeholder has none.
pub const PLAIN: &str = "Uint8Array";

/// Reads the elements of a typed array of some kind.
///
/// # Errors
///
/// If the bytes are not a typed array of that kind, or an element does not fit into `T`.
pub fn elements<T: Element, E: de::Error>(kind: &str, bytes: &[u8]) -> Result<Vec<T>, E> {
    let none = || E::custom(format!("a {kind} of {} bytes is not a typed array", bytes.len()));
    if kind == T::KIND {
        return T::from_bytes(bytes).ok_or_else(none);
    }
    let numbers = numbers(kind, bytes).ok_or_else(none)?;
    let fits = |(index, number): (usize, Number)| {
        T::from_number(number).ok_or_else(|| {
            E::custom(format!(
                "element {index} of the {kind} is {number}, which does not fit into {}",
                type_name::<T>()
            ))
        })
    };
    numbers.enumerate().map(fits).collect()
}

/// A type that the elements of a `TypedArray` can have.
pub trait Element: Copy + DeserializeOwned + sealed::Sealed {
    /// The array's constructor in JavaScript.
    #[doc(hidden)]
    const KIND: &'static str;

    #[doc(hidden)]
    fn to_bytes(elements: &[Self]) -> Vec<u8>;

    #[doc(hidden)]
    fn from_bytes(bytes: &[u8]) -> Option<Vec<Self>>;

    #[doc(hidden)]
    fn from_number(number: Number) -> Option<Self>;
}

/// A type that a `BigInt` can have: `i64`, `u64`, `i128` or `u128`.
pub trait Integer: Copy + fmt::Display + FromStr + TryFrom<i128> + sealed::Sealed {}

mod sealed {
    pub trait Sealed {}
}

/// An element of a typed array of any kind.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub enum Number {
    /// An element of an array of integers.
    Integer(i128),
    /// An element of an array of floats.
    Float(f64),
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(integer) => integer.fmt(f),
            // As JavaScript calls them.
            Self::Float(float) if float.is_infinite() => {
                f.write_str(if *float > 0.0 { "Infinity" } else { "-Infinity" })
            }
            Self::Float(float) => float.fmt(f),
        }
    }
}

impl Number {
    /// The integer that this number is, if it is one.
    fn integer(self) -> Option<i128> {
        match self {
            Self::Integer(integer) => Some(integer),
            // A float of that size converts exactly.
            Self::Float(float) => (float.fract() == 0.0 && float.abs() < 1e30).then_some(float as i128),
        }
    }

    fn float(self) -> f64 {
        match self {
            Self::Integer(integer) => integer as f64,
            Self::Float(float) => float,
        }
    }
}

macro_rules! elements {
    ($($type:ident $kind:literal $from:expr,)*) => {$(
        impl sealed::Sealed for $type {}

        impl Element for $type {
            const KIND: &'static str = $kind;

            fn to_bytes(elements: &[Self]) -> Vec<u8> {
                let mut bytes = vec![0; size_of_val(elements)];
                for (place, element) in bytes.chunks_exact_mut(size_of::<Self>()).zip(elements) {
                    place.copy_from_slice(&element.to_le_bytes());
                }
                bytes
            }

            fn from_bytes(bytes: &[u8]) -> Option<Vec<Self>> {
                let (elements, rest) = bytes.as_chunks();
                rest.is_empty().then(|| elements.iter().map(|element| Self::from_le_bytes(*element)).collect())
            }

            fn from_number(number: Number) -> Option<Self> {
                let from: fn(Number) -> Option<Self> = $from;
                from(number)
            }
        }
    )*};
}

elements! {
    i8 "Int8Array" |number| number.integer()?.try_into().ok(),
    u8 "Uint8Array" |number| number.integer()?.try_into().ok(),
    i16 "Int16Array" |number| number.integer()?.try_into().ok(),
    u16 "Uint16Array" |number| number.integer()?.try_into().ok(),
    i32 "Int32Array" |number| number.integer()?.try_into().ok(),
    u32 "Uint32Array" |number| number.integer()?.try_into().ok(),
    i64 "BigInt64Array" |number| number.integer()?.try_into().ok(),
    u64 "BigUint64Array" |number| number.integer()?.try_into().ok(),
    // Rounded as any `f32` is, but never to an infinity.
    f32 "Float32Array" |number| {
        let rounded = number.float() as f32;
        (rounded.is_finite() || !number.float().is_finite()).then_some(rounded)
    },
    f64 "Float64Array" |number| Some(number.float()),
}

impl sealed::Sealed for i128 {}
impl sealed::Sealed for u128 {}
impl Integer for i64 {}
impl Integer for u64 {}
impl Integer for i128 {}
impl Integer for u128 {}

/// Returns the elements of a typed array, by the name of its constructor in JavaScript.
#[must_use]
pub fn numbers<'b>(kind: &str, bytes: &'b [u8]) -> Option<Box<dyn Iterator<Item = Number> + 'b>> {
    fn of<'b, const SIZE: usize, T: 'b>(
        bytes: &'b [u8],
        element: fn([u8; SIZE]) -> T,
        number: impl Fn(T) -> Number + 'static,
    ) -> Option<Box<dyn Iterator<Item = Number> + 'b>> {
        let (elements, rest) = bytes.as_chunks();
        if !rest.is_empty() {
            return None;
        }
        Some(Box::new(elements.iter().map(move |bytes| number(element(*bytes)))))
    }
    fn integer<T: Into<i128>>(integer: T) -> Number {
        Number::Integer(integer.into())
    }
    fn float<T: Into<f64>>(float: T) -> Number {
        Number::Float(float.into())
    }
    match kind {
        "Int8Array" => of(bytes, i8::from_le_bytes, integer),
        "Uint8Array" | "Uint8ClampedArray" => of(bytes, u8::from_le_bytes, integer),
        "Int16Array" => of(bytes, i16::from_le_bytes, integer),
        "Uint16Array" => of(bytes, u16::from_le_bytes, integer),
        "Int32Array" => of(bytes, i32::from_le_bytes, integer),
        "Uint32Array" => of(bytes, u32::from_le_bytes, integer),
        "BigInt64Array" => of(bytes, i64::from_le_bytes, integer),
        "BigUint64Array" => of(bytes, u64::from_le_bytes, integer),
        "Float16Array" => of(bytes, u16::from_le_bytes, |half| Number::Float(float_of_half(half))),
        "Float32Array" => of(bytes, f32::from_le_bytes, float),
        "Float64Array" => of(bytes, f64::from_le_bytes, float),
        _ => None,
    }
}

/// The value of a 16-bit float, which Rust has no stable type for.
fn float_of_half(half: u16) -> f64 {
    let exponent = i32::from((half >> 10) & 0x1f);
    let fraction = f64::from(half & 0x3ff);
    let size = match exponent {
        0 => fraction * 2_f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2_f64.powi(exponent - 25),
    };
    if half & 0x8000 == 0 { size } else { -size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_have_the_values_that_the_standard_says() {
        for (half, float) in [
            (0x0000, 0.0),
            (0x0001, 2_f64.powi(-24)),
            (0x03ff, 1023.0 * 2_f64.powi(-24)),
            (0x0400, 2_f64.powi(-14)),
            (0x3555, 0.333_251_953_125),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x7c00, f64::INFINITY),
            (0xfc00, f64::NEG_INFINITY),
        ] {
            assert_eq!(float_of_half(half), float, "{half:#x}");
        }
        assert!(float_of_half(0x7e00).is_nan());
    }

    #[test]
    fn numbers_fit_or_do_not() {
        assert_eq!(i8::from_number(Number::Integer(-128)), Some(-128));
        assert_eq!(i8::from_number(Number::Integer(128)), None);
        assert_eq!(u64::from_number(Number::Integer(u64::MAX.into())), Some(u64::MAX));
        assert_eq!(i64::from_number(Number::Float(9_223_372_036_854_775_808.0)), None);
        assert_eq!(i32::from_number(Number::Float(2.0)), Some(2));
        assert_eq!(i32::from_number(Number::Float(2.5)), None);
        assert_eq!(i32::from_number(Number::Float(f64::NAN)), None);
        assert_eq!(f32::from_number(Number::Float(1e300)), None);
        assert_eq!(f32::from_number(Number::Float(f64::INFINITY)), Some(f32::INFINITY));
        assert_eq!(f32::from_number(Number::Float(0.1)), Some(0.1));
    }
}
