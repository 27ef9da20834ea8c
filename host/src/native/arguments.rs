//! The arguments of a page function, by JavaScript's rules: a call may leave out arguments, which are then null, or have more
//! than the function takes.

use serde::de::value::UnitDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

/// Deserializes the arguments of a call, of which a tuple may take fewer or more, as functions of scripts do: missing ones are null,
/// and further ones are ignored.
pub(crate) struct Arguments<D>(pub(crate) D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Arguments<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_seq(ArityVisitor { visitor, wanted: None })
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_seq(IgnoredAny)?;
        visitor.visit_unit()
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, wanted: usize, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_seq(ArityVisitor { visitor, wanted: Some(wanted) })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        wanted: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.deserialize_tuple(wanted, visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit_struct
        newtype_struct seq map struct enum identifier ignored_any
    }
}

/// Visits as many elements of an array as are wanted, or all of them.
struct ArityVisitor<V> {
    visitor: V,
    wanted: Option<usize>,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for ArityVisitor<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the array of the arguments")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<V::Value, A::Error> {
        let elements = Elements { array: &mut array, wanted: self.wanted, taken: 0 };
        let value = self.visitor.visit_seq(elements)?;
        while array.next_element::<IgnoredAny>()?.is_some() {}
        Ok(value)
    }
}

struct Elements<'a, A> {
    array: &'a mut A,
    wanted: Option<usize>,
    taken: usize,
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Elements<'_, A> {
    type Error = A::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, A::Error> {
        if self.wanted.is_some_and(|wanted| self.taken >= wanted) {
            return Ok(None);
        }
        self.taken += 1;
        let mut seed = Some(seed);
        let read = self.array.next_element_seed(SeedOnce(&mut seed));
        let value = match (read, seed) {
            (Ok(None), Some(seed)) if self.wanted.is_some() => {
                seed.deserialize(UnitDeserializer::<A::Error>::new()).map(Some)
            }
            (read, _) => read,
        };
        value.map_err(|error| de::Error::custom(format_args!("argument {}: {error}", self.taken)))
    }
}

/// A seed that is left in its place if there was nothing to read.
struct SeedOnce<'a, T>(&'a mut Option<T>);

impl<'de, T: DeserializeSeed<'de>> DeserializeSeed<'de> for SeedOnce<'_, T> {
    type Value = T::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T::Value, D::Error> {
        let seed = self.0.take().ok_or_else(|| de::Error::custom("an element is read once"))?;
        seed.deserialize(deserializer)
    }
}
