//! An object of a script: its keys are known ones, its values of the kind asked for.
//!
//! Words for what is wrong name the object and the key, as the one who wrote the script knows them.

use serde_json::{Map, Value as Json};

use crate::base::names::nearest;
use crate::model::call::Call;

/// The fields of one object.
pub(super) struct Fields<'a> {
    /// What the object is called, such as `expect`.
    object: &'a str,
    map: &'a Map<String, Json>,
}

impl<'a> Fields<'a> {
    /// The fields of `json`, which may be of the `known` names only.
    pub(super) fn of(object: &'a str, json: &'a Json, known: &[&str]) -> Result<Fields<'a>, String> {
        let Json::Object(map) = json else {
            return Err(format!("{object} is an object with {}", listed(known)));
        };
        for key in map.keys() {
            if !known.contains(&key.as_str()) {
                let hint = match nearest(key, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("it may have {}", listed(known)),
                };
                return Err(format!("{object} has an unknown key `{key}`; {hint}"));
            }
        }
        Ok(Fields { object, map })
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&'a Json> {
        self.map.get(key)
    }

    /// The value of a key that must be there.
    pub(super) fn required(&self, key: &str) -> Result<&'a Json, String> {
        self.get(key).ok_or_else(|| format!("{} needs `{key}`", self.object))
    }

    /// A text that must be there.
    pub(super) fn text(&self, key: &str) -> Result<String, String> {
        match self.required(key)? {
            Json::String(text) => Ok(text.clone()),
            other => Err(format!("`{key}` of {} is text, not {other}", self.object)),
        }
    }

    /// An id that must be there; as in messages, a whole number stands for its decimal text.
    pub(super) fn id(&self, key: &str) -> Result<String, String> {
        match self.required(key)? {
            Json::Number(number) if number.is_i64() || number.is_u64() => Ok(number.to_string()),
            _ => self.text(key),
        }
    }

    /// What the object says beside who asks: `context` and `variants`, which may be left out.
    pub(super) fn call(&self) -> Result<Call, String> {
        let said = self.entries("context")?.map(|(name, value)| (name.clone(), value.clone()));
        let mut call = Call::of(said.collect());
        for (experiment, variant) in self.entries("variants")? {
            let Some(name) = variant.as_str() else {
                return Err(format!("a variant in `variants` of {} is text, not {variant}", self.object));
            };
            call = call.with_variant(experiment, name);
        }
        Ok(call)
    }

    /// The entries of an object that may be left out.
    pub(super) fn entries(&self, key: &str) -> Result<impl Iterator<Item = (&'a String, &'a Json)>, String> {
        match self.get(key) {
            None => Ok(None.into_iter().flatten()),
            Some(Json::Object(map)) => Ok(Some(map).into_iter().flatten()),
            Some(other) => Err(format!("`{key}` of {} is an object, not {other}", self.object)),
        }
    }
}

/// Names for people: `` `a`, `b` ``.
fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
