//! Numbers that JSON has no place for: those of typed arrays, and integers that a JavaScript number cannot hold. They travel
//! as bytes beside the text, where `{"__byte[]": i, "__as": kind}` stands for them.

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::str::FromStr;

use serde::de::{self, DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{self, SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use crate::message;

const BYTES: &str = "__byte[]";

/// What the bytes beside a text are, where they are no `Uint8Array`.
pub(crate) const AS: &str = "__as";

/// The bytes are the decimal digits of a `bigint`.
pub(crate) const BIG_INT: &str = "BigInt";

/// What the bytes are where nothing says it.
const PLAIN: &str = "Uint8Array";

/// A `Vec` of numbers that is a typed array on the page: a `TypedArray<f32>` is a `Float32Array` there.
///
/// It travels as bytes, at top level and nested, in arguments and results, and carries `NaN` and the infinities. As a
/// parameter it takes any typed array whose elements fit, and a plain array. A plain `Vec` takes a typed array as well,
/// by way of JSON, and is a plain array to the page.
///
/// ```
/// use dotwit::prelude::*;
///
/// /// `DotNet.invokeMethod('MyApp', 'Amplify', new Float32Array([0.5, 1]))` is a `Float32Array`, too.
/// #[js_invokable]
/// pub fn amplify(mut samples: TypedArray<f32>) -> TypedArray<f32> {
///     samples.iter_mut().for_each(|sample| *sample *= 2.0);
///     samples
/// }
/// # dotwit::export!("MyApp");
/// # fn main() {}
/// ```
///
/// | elements | on the page |
/// | --- | --- |
/// | `i8`, `i16`, `i32` | `Int8Array`, `Int16Array`, `Int32Array` |
/// | `u8`, `u16`, `u32` | `Uint8Array`, `Uint16Array`, `Uint32Array` |
/// | `i64`, `u64` | `BigInt64Array`, `BigUint64Array` |
/// | `f32`, `f64` | `Float32Array`, `Float64Array` |
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypedArray<T>(pub Vec<T>);

impl<T> Deref for TypedArray<T> {
    type Target = Vec<T>;

    fn deref(&self) -> &Vec<T> {
        &self.0
    }
}

impl<T> DerefMut for TypedArray<T> {
    fn deref_mut(&mut self) -> &mut Vec<T> {
        &mut self.0
    }
}

impl<T> From<Vec<T>> for TypedArray<T> {
    fn from(elements: Vec<T>) -> Self {
        Self(elements)
    }
}

impl<T> From<TypedArray<T>> for Vec<T> {
    fn from(array: TypedArray<T>) -> Self {
        array.0
    }
}

impl<T: Element> Serialize for TypedArray<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(serializer, T::KIND, T::to_bytes(&self.0))
    }
}

impl<'de, T: Element> Deserialize<'de> for TypedArray<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ArrayVisitor(PhantomData))
    }
}

struct ArrayVisitor<T>(PhantomData<T>);

impl<'de, T: Element> Visitor<'de> for ArrayVisitor<T> {
    type Value = TypedArray<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a {}, or an array of numbers", T::KIND)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<TypedArray<T>, A::Error> {
        let (index, kind) = placeholder(map)?;
        message::with_bytes(index, |bytes| elements(&kind, bytes).map(TypedArray))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<TypedArray<T>, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = array.next_element()? {
            elements.push(element);
        }
        Ok(TypedArray(elements))
    }
}

/// The elements of a typed array of some kind.
fn elements<T: Element, E: de::Error>(kind: &str, bytes: &[u8]) -> Result<Vec<T>, E> {
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

/// An integer that is a `bigint` on the page, exact whatever its size.
///
/// A JavaScript number is a 64-bit float and holds integers up to 2^53 exactly. A plain `i64` or `u64` is such a number
/// to the page: one that it cannot hold exactly fails its call there, with an error that names it. A `BigInt` is opt-in,
/// because `bigint` and `number` do not mix in JavaScript. It is a type rather than a serde `with` module, so that it also
/// stands alone, in a `Vec`, and among the arguments of a call.
///
/// As a parameter it takes a `bigint` or an integer up to 2^53. A plain `i64`, `u64`, `i128` or `u128` takes a `bigint` as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BigInt<T>(pub T);

impl<T> From<T> for BigInt<T> {
    fn from(integer: T) -> Self {
        Self(integer)
    }
}

impl<T: fmt::Display> fmt::Display for BigInt<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T: Integer> Serialize for BigInt<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(serializer, BIG_INT, self.0.to_string().into_bytes())
    }
}

impl<'de, T: Integer> Deserialize<'de> for BigInt<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BigIntVisitor(PhantomData))
    }
}

struct BigIntVisitor<T>(PhantomData<T>);

/// An integer that does not fit into `T`.
fn misfit<T, E: de::Error>(integer: impl fmt::Display) -> E {
    E::custom(format!("the integer {integer} does not fit into {}", type_name::<T>()))
}

impl<'de, T: Integer> Visitor<'de> for BigIntVisitor<T> {
    type Value = BigInt<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a bigint, or an integer")
    }

    fn visit_i64<E: de::Error>(self, integer: i64) -> Result<BigInt<T>, E> {
        self.visit_i128(integer.into())
    }

    fn visit_u64<E: de::Error>(self, integer: u64) -> Result<BigInt<T>, E> {
        self.visit_i128(integer.into())
    }

    fn visit_i128<E: de::Error>(self, integer: i128) -> Result<BigInt<T>, E> {
        T::try_from(integer).map(BigInt).map_err(|_| misfit::<T, E>(integer))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<BigInt<T>, A::Error> {
        let (index, kind) = placeholder(map)?;
        if kind != BIG_INT {
            return Err(de::Error::custom(format!("a {kind} is not a bigint")));
        }
        message::with_bytes(index, |bytes| {
            let digits = String::from_utf8_lossy(bytes);
            digits.parse().map(BigInt).map_err(|_| misfit::<T, A::Error>(digits))
        })
    }
}

/// Writes bytes as what they are.
pub(crate) fn serialize<S: Serializer>(serializer: S, kind: &str, bytes: Vec<u8>) -> Result<S::Ok, S::Error> {
    let index = message::write_owned(bytes)
        .ok_or_else(|| ser::Error::custom(format!("a {kind} can only be written as part of a call")))?;
    let mut map = serializer.serialize_map(Some(if kind == PLAIN { 1 } else { 2 }))?;
    map.serialize_entry(BYTES, &index)?;
    if kind != PLAIN {
        map.serialize_entry(AS, kind)?;
    }
    map.end()
}

/// Reads which bytes are meant, and what they are.
fn placeholder<'de, A: MapAccess<'de>>(mut map: A) -> Result<(u64, String), A::Error> {
    let (mut index, mut kind) = (None, None);
    while let Some(key) = map.next_key::<String>()? {
        let twice = match &*key {
            BYTES => index.replace(map.next_value::<u64>()?).is_some(),
            AS => kind.replace(map.next_value::<String>()?).is_some(),
            _ => return Err(de::Error::custom(format!("unexpected property '{key}' beside '{BYTES}'"))),
        };
        if twice {
            return Err(de::Error::custom(format!("property '{key}' is there twice")));
        }
    }
    let index = index.ok_or_else(|| de::Error::custom(format!("required property '{BYTES}' was not found")))?;
    Ok((index, kind.unwrap_or_else(|| PLAIN.to_owned())))
}

/// What a [`TypedArray`] can have as its elements.
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

/// What a [`BigInt`] can be: `i64`, `u64`, `i128`, `u128`.
pub trait Integer: Copy + fmt::Display + FromStr + TryFrom<i128> + sealed::Sealed {}

mod sealed {
    pub trait Sealed {}
}

/// An element of a typed array of any kind.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub enum Number {
    Integer(i128),
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
    /// The integer that this is.
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

/// The elements of a typed array, by its constructor in JavaScript.
pub(crate) fn numbers<'b>(kind: &str, bytes: &'b [u8]) -> Option<Box<dyn Iterator<Item = Number> + 'b>> {
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
