//! `habitue get`: everything that is known of a customer.

use std::collections::BTreeMap;

use clap::Args;
use habitue::{Snapshot, Value};
use serde::Serialize;
use serde_json::Value as Json;

use crate::console::Console;
use crate::data::{Asking, known, unless_never};
use crate::failure::{Exit, Failure};

/// Show a customer: every attribute, segment and decision
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) asking: Asking,
    /// The customer's id: a user's, or else a visitor's
    id: String,
}

/// The answer, for programs.
#[derive(Serialize)]
struct Customer<'a> {
    user: &'a str,
    at: String,
    valid_until: Option<String>,
    attributes: BTreeMap<&'a str, Json>,
    segments: &'a BTreeMap<String, bool>,
    decisions: BTreeMap<&'a str, Json>,
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let database = arguments.asking.open(console)?;
    let snapshot = known(&database, &arguments.id)?;
    let customer = Customer::of(&snapshot);
    if arguments.asking.json {
        console.json(&customer)?;
        return Ok(Exit::Ok);
    }
    console.line(&format!("{}, at {}", customer.user, customer.at))?;
    if let Some(time) = &customer.valid_until {
        console.line(&format!("the same until {time}, if nothing happens"))?;
    }
    let segments = snapshot.segments.iter().map(|(name, is_member)| (&**name, Json::from(*is_member)));
    table("attributes", customer.attributes.iter().map(|(name, value)| (*name, value.clone())), console)?;
    table("segments", segments, console)?;
    table("decisions", customer.decisions.iter().map(|(name, value)| (*name, value.clone())), console)?;
    Ok(Exit::Ok)
}

impl<'a> Customer<'a> {
    fn of(snapshot: &'a Snapshot) -> Customer<'a> {
        let attributes = snapshot.attributes.iter();
        let decisions = snapshot.decisions.iter();
        Customer {
            user: &snapshot.id,
            at: snapshot.at.to_string(),
            valid_until: unless_never(snapshot.valid_until),
            attributes: attributes
                .map(|(name, value)| (&**name, value.as_ref().map_or(Json::Null, Value::to_json)))
                .collect(),
            segments: &snapshot.segments,
            decisions: decisions.map(|(name, decided)| (&**name, decided.decision.to_json())).collect(),
        }
    }
}

/// Prints names and what they are, under a heading.
fn table<'a>(
    heading: &str,
    rows: impl Iterator<Item = (&'a str, Json)> + Clone,
    console: &mut Console,
) -> Result<(), Failure> {
    let width = rows.clone().map(|(name, _)| name.chars().count()).max();
    let Some(width) = width else { return Ok(()) };
    console.line(&format!("\n{heading}"))?;
    for (name, value) in rows {
        let value = match value {
            Json::Null => "-".to_owned(),
            Json::Bool(true) => "yes".to_owned(),
            Json::Bool(false) => "no".to_owned(),
            Json::String(text) => text,
            other => other.to_string(),
        };
        console.line(&format!("  {name:<width$}  {value}"))?;
    }
    Ok(())
}
