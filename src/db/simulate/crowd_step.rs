//! What all customers are drawn to, as a line of a script asks for it: `popular`, `trending` or `together`.

use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::fields::Fields;
use crate::base::error::Error;
use crate::db::crowds::asking::CrowdList;
use crate::db::database::Database;
use crate::model::value::Value;

/// How many items are listed, unless a line says otherwise.
const LISTED: usize = 10;

/// What is asked for.
#[derive(Debug)]
pub(super) struct CrowdStep {
    crowd: String,
    wanted: Wanted,
    n: usize,
}

#[derive(Debug)]
enum Wanted {
    Popular(Vec<(String, Value)>),
    Trending(Vec<(String, Value)>),
    Together(Value),
}

/// What is printed: the name of the crowd under that of the step, and the list.
#[derive(Serialize)]
pub(super) struct Printed<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    popular: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trending: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    together: Option<&'a str>,
    #[serde(flatten)]
    list: CrowdList,
}

impl CrowdStep {
    /// Reads a step of this name.
    pub(super) fn read(name: &str, body: &Json) -> Result<CrowdStep, String> {
        let object = format!("`{name}`");
        let keys: &[&str] =
            if name == "together" { &["crowd", "item", "n"] } else { &["crowd", "context", "n"] };
        // The name alone is enough where there is no context.
        let named = Json::Object(Map::from_iter([("crowd".to_owned(), body.clone())]));
        let fields = Fields::of(&object, if body.is_string() { &named } else { body }, keys)?;
        let crowd = fields.text("crowd")?;
        let n = match fields.get("n") {
            None => LISTED,
            Some(n) => n
                .as_u64()
                .map(|n| n as usize)
                .ok_or_else(|| format!("`n` of {object} is how many items are listed, not {n}"))?,
        };
        let wanted = match name {
            "popular" => Wanted::Popular(context(&fields)?),
            "trending" => Wanted::Trending(context(&fields)?),
            _ => Wanted::Together(value(fields.required("item")?)?),
        };
        Ok(CrowdStep { crowd, wanted, n })
    }

    /// What a database answers.
    pub(super) fn ask(&self, database: &Database) -> Result<Printed<'_>, Error> {
        let CrowdStep { crowd, wanted, n } = self;
        let (popular, trending, together, list) = match wanted {
            Wanted::Popular(context) => {
                (Some(&**crowd), None, None, database.popular(crowd, &borrowed(context), *n)?)
            }
            Wanted::Trending(context) => {
                (None, Some(&**crowd), None, database.trending(crowd, &borrowed(context), *n)?)
            }
            Wanted::Together(item) => (None, None, Some(&**crowd), database.together(crowd, item, *n)?),
        };
        Ok(Printed { popular, trending, together, list })
    }
}

fn context(fields: &Fields<'_>) -> Result<Vec<(String, Value)>, String> {
    fields.entries("context")?.map(|(name, json)| Ok((name.clone(), value(json)?))).collect()
}

fn value(json: &Json) -> Result<Value, String> {
    match (json.as_str(), json.as_i64()) {
        (Some(text), _) => Ok(Value::string(text)),
        (None, Some(number)) => Ok(Value::Int(number)),
        (None, None) => Err(format!("{json} is neither text nor a whole number")),
    }
}

fn borrowed(context: &[(String, Value)]) -> Vec<(&str, Value)> {
    context.iter().map(|(name, value)| (name.as_str(), value.clone())).collect()
}
