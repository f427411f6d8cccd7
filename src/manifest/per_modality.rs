//! Reading `PerModality`: `1.0`, or `{"tok_rgb@196": 0.5, "scene_desc": 2.0}`.

use super::schema::PerModality;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::fmt;

impl<'de> Deserialize<'de> for PerModality {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberOrMap)
    }
}

struct NumberOrMap;

impl<'de> Visitor<'de> for NumberOrMap {
    type Value = PerModality;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a number or a map such as {\"tok_rgb@196\": 0.5}")
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<PerModality, E> {
        Ok(PerModality::All(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<PerModality, E> {
        Ok(PerModality::All(value as f64))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<PerModality, E> {
        Ok(PerModality::All(value as f64))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<PerModality, A::Error> {
        let mut map = BTreeMap::new();
        while let Some((name, value)) = access.next_entry::<String, f64>()? {
            if map.contains_key(&name) {
                return Err(A::Error::custom(format!("`{name}` is named twice")));
            }
            map.insert(name, value);
        }
        Ok(PerModality::Each(map))
    }
}
