//! Typed arrays and large integers as values.

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::byte_arrays;
use crate::numbers::{self, BIG_INT, Element, Integer};
use crate::placeholder::{AS, BYTES, Placeholder};

const PLACEHOLDER: Placeholder<String> = Placeholder::new(BYTES, "").with(AS);

/// A `Vec` of numbers that is a typed array on the page: a `TypedArray<f32>` is a `Float32Array` there.
///
/// It travels as bytes, at top level and nested, in arguments and results, and carries `NaN` and the infinities. As a
/// parameter it takes any typed array whose elements fit, and a plain array. A plain `Vec` takes a typed array as well,
/// by way of JSON, and is a plain array to the page.
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
        byte_arrays::serialize(serializer, T::KIND, T::to_bytes(&self.0))
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
        let (index, kind) = PLACEHOLDER.visit_map(map)?;
        let kind = kind.as_deref().unwrap_or(numbers::PLAIN);
        byte_arrays::with(index, |bytes| numbers::elements(kind, bytes).map(TypedArray))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<TypedArray<T>, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = array.next_element()? {
            elements.push(element);
        }
        Ok(TypedArray(elements))
    }
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
        byte_arrays::serialize(serializer, BIG_INT, self.0.to_string().into_bytes())
    }
}

impl<'de, T: Integer> Deserialize<'de> for BigInt<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BigIntVisitor(PhantomData))
    }
}

struct BigIntVisitor<T>(PhantomData<T>);

/// The error of an integer that does not fit into `T`.
fn does_not_fit<T, E: de::Error>(integer: impl fmt::Display) -> E {
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
        T::try_from(integer).map(BigInt).map_err(|_| does_not_fit::<T, E>(integer))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<BigInt<T>, A::Error> {
        let (index, kind) = PLACEHOLDER.visit_map(map)?;
        match kind.as_deref().unwrap_or(numbers::PLAIN) {
            BIG_INT => {}
            kind => return Err(de::Error::custom(format!("a {kind} is not a bigint"))),
        }
        byte_arrays::with(index, |bytes| {
            let digits = String::from_utf8_lossy(bytes);
            digits.parse().map(BigInt).map_err(|_| does_not_fit::<T, A::Error>(digits))
        })
    }
}
