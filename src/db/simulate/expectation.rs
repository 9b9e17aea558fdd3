//! What a script expects of a customer, and how that differs from what the database says.
//!
//! Comparison is exact but for three things, because a script is JSON and JSON knows neither ints nor
//! times: floats may differ by a billionth, absolute or relative; an int equals the float of the same
//! value; a time equals the instant written in any of its forms.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::Value as Json;

use super::decision_report::Answered;
use super::fields::Fields;
use crate::base::time::{Duration, Time};
use crate::db::database::Database;
use crate::db::phrases::shown;
use crate::model::call::Call;
use crate::model::value::Value;

/// How far a float may be off, absolute or relative to the greater of the two.
const TOLERANCE: f64 = 1e-9;

/// An `expect` line.
#[derive(Debug)]
pub(super) struct Expectation {
    user: String,
    /// What is said beside who asks.
    call: Call,
    attributes: Vec<(String, Json)>,
    /// The name of each state.
    consents: Vec<(String, String)>,
    segments: Vec<(String, bool)>,
    decisions: Vec<(String, Json)>,
    /// Of each placement, the decisions of its personalizations.
    placements: Vec<(String, Json)>,
}

/// A part of what is said of a customer, in the shape of an `expect` line.
#[derive(Debug, Default, Serialize)]
pub(super) struct Picture {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<String, Json>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    consents: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    segments: BTreeMap<String, bool>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    decisions: BTreeMap<String, Json>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    placements: BTreeMap<String, Json>,
}

/// Where expectation and database differ. What the catalog does not have is in `expected` only.
#[derive(Debug, Default)]
pub(super) struct Difference {
    pub(super) expected: Picture,
    pub(super) actual: Picture,
    /// The explanations, one per difference.
    pub(super) why: Vec<String>,
}

impl Expectation {
    /// Reads the value of `expect`.
    pub(super) fn read(json: &Json) -> Result<Expectation, String> {
        let known =
            ["user", "context", "variants", "attributes", "consents", "segments", "decisions", "placements"];
        let fields = Fields::of("`expect`", json, &known)?;
        let (user, call) = (fields.id("user")?, fields.call()?);
        let attributes = fields.entries("attributes")?.map(|(name, value)| (name.clone(), value.clone()));
        let consents = fields.entries("consents")?.map(|(name, value)| match value.as_str() {
            Some(state @ ("granted" | "denied" | "revoked" | "not_asked")) => {
                Ok((name.clone(), state.to_owned()))
            }
            _ => Err(format!(
                "what is expected of consent `{name}` is `granted`, `denied`, `revoked` or `not_asked`, not {value}"
            )),
        });
        let segments = fields.entries("segments")?.map(|(name, value)| match value {
            Json::Bool(member) => Ok((name.clone(), *member)),
            other => Err(format!("what is expected of segment `{name}` is true or false, not {other}")),
        });
        let decisions = fields.entries("decisions")?.map(|(name, value)| match value {
            Json::Null | Json::String(_) => Ok((name.clone(), value.clone())),
            Json::Array(offers) if offers.iter().all(Json::is_string) => Ok((name.clone(), value.clone())),
            other => Err(format!(
                "what is expected of decision `{name}` is the name of an offer, a list of them, or null, not {other}"
            )),
        });
        let placements = fields.entries("placements")?.map(|(name, value)| match value {
            Json::Object(_) => Ok((name.clone(), value.clone())),
            other => Err(format!(
                "what is expected of placement `{name}` is an object of personalizations with their decisions, not {other}"
            )),
        });
        Ok(Expectation {
            user,
            call,
            attributes: attributes.collect(),
            consents: consents.collect::<Result<_, String>>()?,
            segments: segments.collect::<Result<_, String>>()?,
            decisions: decisions.collect::<Result<_, String>>()?,
            placements: placements.collect::<Result<_, String>>()?,
        })
    }

    /// What differs from what `database` says now, if anything does.
    pub(super) fn compare(&self, database: &Database, answered: &mut Answered) -> Option<Difference> {
        let mut difference = Difference::default();
        self.compare_attributes(database, &mut difference);
        self.compare_consents(database, &mut difference);
        self.compare_segments(database, &mut difference);
        self.compare_decisions(database, answered, &mut difference);
        self.compare_placements(database, answered, &mut difference);
        (!difference.why.is_empty()).then_some(difference)
    }

    fn compare_attributes(&self, database: &Database, difference: &mut Difference) {
        for (name, expected) in &self.attributes {
            match database.attribute(&self.user, name) {
                Ok(actual) if fits(expected, actual.as_ref()) => continue,
                Ok(actual) => {
                    let actual = actual.as_ref().map_or(Json::Null, Value::to_json);
                    difference.why.push(format!("attribute `{name}` is {actual}, not {expected}"));
                    difference.actual.attributes.insert(name.clone(), actual);
                }
                Err(error) => difference.why.push(error.to_string()),
            }
            difference.expected.attributes.insert(name.clone(), expected.clone());
        }
    }

    fn compare_consents(&self, database: &Database, difference: &mut Difference) {
        if self.consents.is_empty() {
            return;
        }
        let consents = match database.profile(&self.user) {
            Ok(snapshot) => snapshot.consents,
            Err(error) => return difference.why.push(error.to_string()),
        };
        for (name, expected) in &self.consents {
            match consents.get(name) {
                Some(actual) if actual.state.as_str() == expected => continue,
                Some(actual) => {
                    difference.why.push(format!("consent to `{name}` is {}, not {expected}", actual.state));
                    difference.actual.consents.insert(name.clone(), actual.state.to_string());
                }
                None => difference.why.push(format!("the catalog has no purpose `{name}`")),
            }
            difference.expected.consents.insert(name.clone(), expected.clone());
        }
    }

    fn compare_segments(&self, database: &Database, difference: &mut Difference) {
        for (name, expected) in &self.segments {
            match database.is_member(&self.user, name) {
                Ok(actual) if actual == *expected => continue,
                Ok(actual) => {
                    let why = database.explain_segment(&self.user, name);
                    difference.why.push(why.map_or_else(|error| error.to_string(), |why| why.to_string()));
                    difference.actual.segments.insert(name.clone(), actual);
                }
                Err(error) => difference.why.push(error.to_string()),
            }
            difference.expected.segments.insert(name.clone(), *expected);
        }
    }

    fn compare_decisions(&self, database: &Database, answered: &mut Answered, difference: &mut Difference) {
        for (name, expected) in &self.decisions {
            let decided = database.decide_with(&self.user, name, &self.call);
            let decided = decided.map(|decided| decided.decision.to_json());
            decided.iter().for_each(|decision| answered.add(name, decision));
            match decided {
                Ok(actual) if is_decision(expected, &actual) => continue,
                Ok(actual) => {
                    let why = database.explain_decision_with(&self.user, name, &self.call);
                    difference.why.push(why.map_or_else(|error| error.to_string(), |why| why.to_string()));
                    difference.actual.decisions.insert(name.clone(), actual);
                }
                Err(error) => difference.why.push(error.to_string()),
            }
            difference.expected.decisions.insert(name.clone(), expected.clone());
        }
    }

    fn compare_placements(&self, database: &Database, answered: &mut Answered, difference: &mut Difference) {
        for (name, expected) in &self.placements {
            match database.decide_placement(&self.user, name, &self.call) {
                Ok(decided) => {
                    let decisions = decided.iter().map(|decided| &decided.decision);
                    for decision in decisions.clone() {
                        answered.add(&decision.personalization, &decision.to_json());
                    }
                    let actual: Json = decisions
                        .map(|decision| (decision.personalization.to_string(), decision.to_json()))
                        .collect::<serde_json::Map<_, _>>()
                        .into();
                    if *expected == actual {
                        continue;
                    }
                    difference.why.push(format!("placement `{name}` shows {actual}, not {expected}"));
                    difference.actual.placements.insert(name.clone(), actual);
                }
                Err(error) => difference.why.push(error.to_string()),
            }
            difference.expected.placements.insert(name.clone(), expected.clone());
        }
    }
}

/// Who is expected to be what, in the order in which it is compared.
impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.user)?;
        let attributes = self.attributes.iter().map(|(name, value)| match value {
            Json::Null => format!("{name} missing"),
            value => format!("{name} = {value}"),
        });
        let consents = self.consents.iter().map(|(name, state)| format!("consent to {name} {state}"));
        let segments = self.segments.iter().map(|(name, member)| match member {
            true => format!("in {name}"),
            false => format!("not in {name}"),
        });
        let decisions = self.decisions.iter().map(|(name, offers)| format!("{name} = {}", shown(offers)));
        let placements = self.placements.iter().flat_map(|(name, personalizations)| {
            let shown_there = personalizations.as_object().into_iter().flatten();
            shown_there
                .map(move |(personalization, offers)| format!("{name}/{personalization} = {}", shown(offers)))
        });
        let mut parts = attributes.chain(consents).chain(segments).chain(decisions).chain(placements);
        write!(f, " {}", parts.next().unwrap_or_else(|| "nothing in particular".to_owned()))?;
        parts.try_for_each(|part| write!(f, ", {part}"))
    }
}

/// Whether an attribute's value is the expected one; `null` is missing.
fn fits(expected: &Json, actual: Option<&Value>) -> bool {
    match (expected, actual) {
        (Json::Null, None) => true,
        (Json::Bool(expected), Some(Value::Bool(actual))) => expected == actual,
        (Json::String(expected), Some(Value::String(actual))) => **expected == **actual,
        (Json::String(expected), Some(Value::Time(actual))) => Time::parse(expected).as_ref() == Ok(actual),
        (Json::String(expected), Some(Value::Duration(actual))) => {
            *expected == actual.to_string() || Duration::parse(expected).as_ref() == Ok(actual)
        }
        (Json::Number(expected), Some(Value::Time(actual))) => expected.as_i64() == Some(actual.millis()),
        (Json::Number(expected), Some(Value::Int(actual))) => match expected.as_i64() {
            Some(expected) => expected == *actual,
            None => expected.as_f64().is_some_and(|expected| near(expected, *actual as f64)),
        },
        (Json::Number(expected), Some(Value::Float(actual))) => {
            expected.as_f64().is_some_and(|expected| near(expected, *actual))
        }
        (Json::Array(expected), Some(Value::List(actual))) => {
            expected.len() == actual.len()
                && expected.iter().zip(actual.iter()).all(|(expected, actual)| fits(expected, Some(actual)))
        }
        (Json::Object(expected), Some(actual @ Value::Map(entries))) => {
            expected.iter().all(|(key, expected)| fits(expected, actual.field(key)))
                && entries.iter().all(|(key, _)| expected.contains_key(&**key))
        }
        _ => false,
    }
}

fn near(expected: f64, actual: f64) -> bool {
    let scale = expected.abs().max(actual.abs()).max(1.0);
    (expected - actual).abs() <= TOLERANCE * scale
}

/// Whether a decision is the expected one; no offer at all is `null` under every strategy.
fn is_decision(expected: &Json, actual: &Json) -> bool {
    expected == actual || (expected.is_null() && actual.as_array().is_some_and(Vec::is_empty))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn time(text: &str) -> Value {
        Value::Time(Time::parse(text).unwrap())
    }

    #[test]
    fn values_are_compared_by_what_they_mean() {
        let noon = time("2026-01-01T12:00:00Z");
        let list = Value::List([Value::Int(1), noon.clone()].into());
        let map = Value::Map([("city".into(), Value::string("Oslo"))].into());
        for (expected, actual) in [
            (json!(3), Value::Int(3)),
            (json!(3.0), Value::Int(3)),
            (json!(3), Value::Float(3.0)),
            (json!(0.3), Value::Float(0.1 + 0.2)),
            (json!(1e-10), Value::Float(0.0)),
            (json!(1e20), Value::Float(1e20 + 1e10)),
            (json!("2026-01-01T12:00:00Z"), noon.clone()),
            (json!("2026-01-01T14:00:00.000+02:00"), noon.clone()),
            (json!(1_767_268_800_000_i64), noon.clone()),
            (json!([1, "2026-01-01T12:00:00Z"]), list.clone()),
            (json!({"city": "Oslo", "zip": null}), map.clone()),
            (json!("36h"), Value::Duration(Duration::parse("1d12h").unwrap())),
            (json!("0s"), Value::Duration(Duration::ZERO)),
        ] {
            assert!(fits(&expected, Some(&actual)), "{expected} {actual:?}");
        }
        for (expected, actual) in [
            (json!(null), Value::Int(0)),
            (json!(4), Value::Int(3)),
            (json!(3.1), Value::Int(3)),
            (json!(i64::MAX), Value::Int(i64::MAX - 1)),
            (json!(0.300_001), Value::Float(0.3)),
            (json!("3"), Value::Int(3)),
            (json!(1), Value::Bool(true)),
            (json!("2026-01-01T12:00:00.001Z"), noon),
            (json!([1]), list),
            (json!({}), map.clone()),
            (json!({"city": "Rome"}), map),
        ] {
            assert!(!fits(&expected, Some(&actual)), "{expected} {actual:?}");
        }
        assert!(fits(&json!(null), None));
        assert!(!fits(&json!(0), None));
        assert!(!fits(&json!(false), None));
    }

    #[test]
    fn no_offer_is_null_under_every_strategy() {
        assert!(is_decision(&json!(null), &json!([])));
        assert!(is_decision(&json!(["a", "b"]), &json!(["a", "b"])));
        assert!(!is_decision(&json!(["b", "a"]), &json!(["a", "b"])));
        assert!(!is_decision(&json!("a"), &json!(["a"])));
        assert!(!is_decision(&json!([]), &json!(null)));
    }
}
