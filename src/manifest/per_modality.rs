//! One number for all modalities or one for each: `1.0`, or `{"tok_rgb@196": 0.5, "scene_desc": 2.0}`.

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// One number for all modalities, or one by name (absent names take the default of the field).
/// Read by a visitor: an untagged enum would report neither place nor reason.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum PerModality {
    All(f64),
    Each(BTreeMap<String, f64>),
}

impl PerModality {
    /// The value for `name`; `default` where a map does not name it.
    pub fn get(&self, name: &str, default: f64) -> f64 {
        match self {
            PerModality::All(x) => *x,
            PerModality::Each(map) => map.get(name).copied().unwrap_or(default),
        }
    }
}

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
