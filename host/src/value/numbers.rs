//! Numbers that JSON has no place for, as values: they travel as bytes beside the text.

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use dotwit_wire::numbers::{self, BIG_INT, elements, placeholder};
pub use dotwit_wire::numbers::{Element, Integer};
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{self, Serializer};
use serde::{Deserialize, Serialize};

use crate::value::{with_bytes, write_owned};

/// A `Vec` of numbers that travels as bytes, in arguments and results, at top level and nested: the `TypedArray` of a guest,
/// the typed array of a page, so that a `TypedArray<f32>` is what a `Float32Array` is there.
///
/// It carries `NaN` and the infinities, and is read from any typed array whose elements fit, and from a plain array. A plain
/// `Vec` is read from a typed array as well, by way of JSON.
///
/// | elements | on a page in a browser |
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
        with_bytes(index, |bytes| elements(&kind, bytes).map(TypedArray))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<TypedArray<T>, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = array.next_element()? {
            elements.push(element);
        }
        Ok(TypedArray(elements))
    }
}

/// An integer as the `BigInt` of a guest, the `bigint` of a page in a browser. Native programs need none to be exact up to
/// 64 bits: their plain integers are, and take what a guest sends as a `BigInt`. A larger integer is one only as a `BigInt`.
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
        with_bytes(index, |bytes| {
            let digits = String::from_utf8_lossy(bytes);
            digits.parse().map(BigInt).map_err(|_| misfit::<T, A::Error>(digits))
        })
    }
}

/// Writes bytes as what they are.
pub(crate) fn serialize<S: Serializer>(serializer: S, kind: &str, bytes: Vec<u8>) -> Result<S::Ok, S::Error> {
    let index = write_owned(bytes)
        .ok_or_else(|| ser::Error::custom(format!("a {kind} can only be written as part of a call")))?;
    numbers::serialize(serializer, kind, index)
}
