//! serde's view of a [`Value`]. Nothing that can be told ends the reading.

use super::literal;
use super::repairs::Failure;
use super::value::{Outcome, Value};
use crate::manifest::diagnostic::{Finding, STAND_IN};
use crate::manifest::syntax::Kind;
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Expected, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

/// How RON hands a value on as text.
const RAW: &str = "$ron::private::RawValue";

/// A struct, or a variant with fields.
fn structure<'de, V: Visitor<'de>>(
    value: &Value<'_>,
    name: &str,
    known: &'static [&'static str],
    visitor: V,
) -> Outcome<V::Value> {
    match visitor.visit_map(Named::new(value.fields(name, known))) {
        Err(Failure::Missing(field)) => {
            let finding = Finding::error(&value.path, format!("missing field `{field}` in `{name}`"));
            // What cannot be read at all has been told as a whole.
            if matches!(value.kind(), Some(Kind::Fields { .. } | Kind::Items { .. })) {
                value.tell(finding, value.span());
            }
            value.repairs.supply(&value.path, field);
            Err(Failure::Told)
        }
        other => value.settled(other),
    }
}

macro_rules! forward {
    ($($method:ident => $visit:ident, $read:expr;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
            let read: fn(&Value<'_>) -> _ = $read;
            self.settled(visitor.$visit(read(&self)))
        })*
    };
}

impl<'de> Deserializer<'de> for Value<'_> {
    type Error = Failure;

    forward! {
        deserialize_u8 => visit_u64, |v| v.unsigned(u8::MAX.into());
        deserialize_u16 => visit_u64, |v| v.unsigned(u16::MAX.into());
        deserialize_u32 => visit_u64, |v| v.unsigned(u32::MAX.into());
        deserialize_u64 => visit_u64, |v| v.unsigned(u64::MAX);
        deserialize_f32 => visit_f64, |v| v.float();
        deserialize_f64 => visit_f64, |v| v.float();
    }

    /// Of a type that takes several shapes: what the text looks like.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        let number = literal::number(self.source());
        let result = match (self.kind(), number) {
            (None, _) => visitor.visit_f64(self.float()),
            (Some(Kind::Fields { .. }), _) => visitor.visit_map(Named::new(self.entries())),
            (_, Some(number)) => visitor.visit_f64(number),
            _ => {
                self.cannot(&visitor as &dyn Expected);
                self.repairs.refuse(&self.path);
                return Err(Failure::Told);
            }
        };
        self.settled(result)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        let meant = match self.source() {
            "true" | "false" => self.source() == "true",
            other => {
                self.cannot("true or false");
                other.to_lowercase().contains("true")
            }
        };
        self.settled(visitor.visit_bool(meant))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        let source = self.source();
        let text = literal::string(source).unwrap_or_else(|| {
            self.cannot("a string in double quotes");
            let word = matches!(self.kind(), Some(Kind::Scalar)) && !source.is_empty();
            if word {
                source.trim_matches('\'').to_owned()
            } else {
                self.repairs.stands_in(&self.path);
                STAND_IN.to_owned()
            }
        });
        self.settled(visitor.visit_string(text))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        self.deserialize_str(visitor)
    }

    /// `None`, `Some(x)`, or `x` for it.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        let inner = match self.kind() {
            None => return visitor.visit_none(),
            Some(Kind::Scalar) if self.source() == "None" => return visitor.visit_none(),
            Some(Kind::Items { name: Some(name), items }) if name == "Some" && items.len() == 1 => {
                self.at(items.first(), self.path.clone())
            }
            _ => self.clone(),
        };
        self.settled(visitor.visit_some(inner))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        self.settled(visitor.visit_seq(Items(self.list().into_iter())))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Outcome<V::Value> {
        self.settled(visitor.visit_seq(Items(self.tuple(length).into_iter())))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        self.settled(visitor.visit_map(Named::new(self.entries())))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Outcome<V::Value> {
        self.named(name);
        structure(&self, name, fields, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Outcome<V::Value> {
        let outer = self.clone();
        let (name, value) = self.variant(name, variants);
        outer.settled(visitor.visit_enum(Variant { name, value }))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Outcome<V::Value> {
        match (name, self.node) {
            (RAW, Some(_)) => visitor.visit_str(self.source()),
            (RAW, None) => visitor.visit_str("()"),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u128 char bytes byte_buf unit unit_struct tuple_struct identifier ignored_any
    }
}

/// Items of a list or a tuple.
struct Items<'a>(std::vec::IntoIter<Value<'a>>);

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Failure;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Outcome<Option<T::Value>> {
        self.0.next().map(|value| seed.deserialize(value)).transpose()
    }
}

/// Values with names: of a struct (`&str`) or a map (`String`).
struct Named<'a, K> {
    entries: std::vec::IntoIter<(K, Value<'a>)>,
    value: Option<Value<'a>>,
}

impl<'a, K> Named<'a, K> {
    fn new(entries: Vec<(K, Value<'a>)>) -> Named<'a, K> {
        Named { entries: entries.into_iter(), value: None }
    }
}

impl<'de, K: AsRef<str>> MapAccess<'de> for Named<'_, K> {
    type Error = Failure;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Outcome<Option<S::Value>> {
        let Some((key, value)) = self.entries.next() else { return Ok(None) };
        self.value = Some(value);
        let key: StrDeserializer<'_, Failure> = key.as_ref().into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Outcome<S::Value> {
        seed.deserialize(self.value.take().ok_or(Failure::Told)?)
    }
}

/// A variant by its name, with what stands behind it.
struct Variant<'a> {
    name: &'static str,
    value: Value<'a>,
}

impl<'de, 'a> EnumAccess<'de> for Variant<'a> {
    type Error = Failure;
    type Variant = Variant<'a>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Outcome<(S::Value, Variant<'a>)> {
        let name: StrDeserializer<'_, Failure> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Failure;

    fn unit_variant(self) -> Outcome<()> {
        if !matches!(self.value.kind(), None | Some(Kind::Scalar)) {
            self.value.cannot(format!("`{}` alone: it has no fields", self.name));
        }
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Outcome<S::Value> {
        let value = &self.value;
        let inner = match value.kind() {
            Some(Kind::Items { items, .. }) if items.len() == 1 => {
                value.at(items.first(), value.path.clone())
            }
            found => {
                if found.is_some() {
                    value.cannot(format!("one value in parentheses: {}(…)", self.name));
                }
                value.at(None, value.path.clone())
            }
        };
        seed.deserialize(inner)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Outcome<V::Value> {
        self.value.settled(visitor.visit_seq(Items(self.value.tuple(length).into_iter())))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Outcome<V::Value> {
        structure(&self.value, self.name, fields, visitor)
    }
}
