//! `habitue get`: everything that is known of a customer.

use std::collections::BTreeMap;

use clap::Args;
use habitue::{Consent, Database, Identity, Snapshot, Value};
use serde::Serialize;
use serde_json::Value as Json;

use crate::console::Console;
use crate::data::{Asking, known, unless_never};
use crate::failure::{Exit, Failure};
use crate::identity::{show_identity, worth_telling};

/// Show a customer: every attribute, segment and decision
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) asking: Asking,
    /// The customer's id: a user's, a visitor's, or a value of an attribute that is an identifier
    id: String,
}

/// The answer, for programs.
#[derive(Serialize)]
struct Customer<'a> {
    user: &'a str,
    at: String,
    valid_until: Option<String>,
    attributes: BTreeMap<&'a str, Json>,
    /// Where the catalog has purposes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    consents: BTreeMap<&'a str, Json>,
    segments: &'a BTreeMap<String, bool>,
    decisions: BTreeMap<&'a str, Json>,
    /// Where the catalog asks more than is kept of the history.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    complete_since: BTreeMap<&'a str, String>,
    /// Of a customer who has several identifiers, or had.
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<&'a Identity>,
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let database = arguments.asking.open(console)?;
    show(&database, &arguments.id, arguments.asking.json, console)
}

/// Shows a customer who must be known.
pub(crate) fn show(
    database: &Database,
    id: &str,
    json: bool,
    console: &mut Console,
) -> Result<Exit, Failure> {
    let snapshot = known(database, id)?;
    let identity = database.identity(id)?;
    let customer = Customer::of(&snapshot, &identity);
    if json {
        console.json(&customer)?;
        return Ok(Exit::Ok);
    }
    console.line(&format!("{}, at {}", customer.user, customer.at))?;
    if let Some(time) = &customer.valid_until {
        console.line(&format!("the same until {time}, if nothing happens"))?;
    }
    show_identity(&identity, console)?;
    let segments = snapshot.segments.iter().map(|(name, is_member)| (&**name, Json::from(*is_member)));
    table("attributes", customer.attributes.iter().map(|(name, value)| (*name, value.clone())), console)?;
    let consents = snapshot.consents.iter().map(|(name, consent)| (&**name, Json::from(said(consent))));
    table("consents", consents, console)?;
    table("segments", segments, console)?;
    table("decisions", customer.decisions.iter().map(|(name, value)| (*name, value.clone())), console)?;
    let since = customer.complete_since.iter().map(|(name, since)| (*name, Json::from(since.as_str())));
    table("complete only since", since, console)?;
    Ok(Exit::Ok)
}

impl<'a> Customer<'a> {
    fn of(snapshot: &'a Snapshot, identity: &'a Identity) -> Customer<'a> {
        let attributes = snapshot.attributes.iter();
        let consents = snapshot.consents.iter();
        let decisions = snapshot.decisions.iter();
        Customer {
            user: &snapshot.id,
            at: snapshot.at.to_string(),
            valid_until: unless_never(snapshot.valid_until),
            attributes: attributes
                .map(|(name, value)| (&**name, value.as_ref().map_or(Json::Null, Value::to_json)))
                .collect(),
            consents: consents.map(|(name, consent)| (&**name, consent.to_json())).collect(),
            segments: &snapshot.segments,
            decisions: decisions.map(|(name, decided)| (&**name, decided.decision.to_json())).collect(),
            complete_since: (snapshot.complete_since.iter())
                .map(|(name, since)| (&**name, since.to_string()))
                .collect(),
            identity: worth_telling(identity),
        }
    }
}

/// A consent in words.
fn said(consent: &Consent) -> String {
    let state = consent.state.as_str().replace('_', " ");
    consent.since.map_or(state.clone(), |since| format!("{state} since {since}"))
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
