//! `habitue decide`: what to show a customer.

use std::collections::BTreeMap;

use clap::Args;
use habitue::{Chosen, Database, Decision, OpenOptions, Reason, Snapshot};
use serde::Serialize;

use crate::calling::Calling;
use crate::console::Console;
use crate::data::{Asking, known, unless_never};
use crate::failure::{Exit, Failure};

/// Decide what to show a customer
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) asking: Asking,
    /// The customer's id: a user's, or else a visitor's
    id: String,
    /// The personalization's name in the catalog [default: all of them]
    personalization: Option<String>,
    /// Decide a placement: all its personalizations, with no offer twice
    #[arg(long, value_name = "NAME", conflicts_with = "personalization")]
    placement: Option<String>,
    #[command(flatten)]
    calling: Calling,
    /// Also put on record that it is shown, so that caps count it
    #[arg(long, conflicts_with = "at")]
    record: bool,
}

/// One decision, for programs.
#[derive(Serialize)]
struct Decided<'a> {
    user: &'a str,
    personalization: &'a str,
    decision: serde_json::Value,
    offers: &'a [Chosen],
    reason: Reason,
    /// Of the experiments that the offers ask for.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    variants: BTreeMap<&'a str, &'a str>,
    cause: Option<&'a str>,
    at: String,
    valid_until: Option<String>,
    /// Where the catalog asks more than is kept of the history.
    #[serde(skip_serializing_if = "Option::is_none")]
    complete_since: Option<String>,
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    if arguments.record && arguments.personalization.is_none() && arguments.placement.is_none() {
        let message =
            "--record needs a personalization or a placement: what is shown is put on record, not all";
        return Err(Failure::Usage(message.to_owned()));
    }
    let database = match arguments.record {
        true => arguments.asking.open_for(OpenOptions::new(), console)?,
        false => arguments.asking.open(console)?,
    };
    let snapshot = known(&database, &arguments.id)?;
    for decided in decide(arguments, &database, &snapshot)? {
        show(&snapshot.id, &decided.decision, arguments.asking.json, console)?;
    }
    if arguments.record {
        database.close()?;
    }
    Ok(Exit::Ok)
}

fn decide(
    arguments: &Arguments,
    database: &Database,
    snapshot: &Snapshot,
) -> Result<Vec<habitue::Decided>, Failure> {
    let (id, call) = (&*arguments.id, arguments.calling.call());
    let recorded = match (&arguments.personalization, &arguments.placement) {
        (Some(name), _) if arguments.record => vec![database.decide_and_record_with(id, name, &call)?],
        (_, Some(name)) if arguments.record => database.decide_and_record_placement(id, name, &call)?,
        (Some(name), _) => return Ok(vec![database.decide_with(id, name, &call)?]),
        (_, Some(name)) => return Ok(database.decide_placement(id, name, &call)?),
        (None, None) => {
            let names = snapshot.decisions.keys();
            return Ok(names.map(|name| database.decide_with(id, name, &call)).collect::<Result<_, _>>()?);
        }
    };
    Ok(recorded.into_iter().map(|recorded| recorded.decided).collect())
}

/// Shows one decision for a customer.
pub(crate) fn show(
    user: &str,
    decision: &Decision,
    json: bool,
    console: &mut Console,
) -> Result<(), Failure> {
    match json {
        true => console.json(&Decided::of(user, decision)),
        false => print(decision, console),
    }
}

impl<'a> Decided<'a> {
    fn of(user: &'a str, decision: &'a Decision) -> Decided<'a> {
        Decided {
            user,
            personalization: &decision.personalization,
            decision: decision.to_json(),
            offers: &decision.offers,
            reason: decision.reason,
            variants: decision.variants.iter().map(|(name, variant)| (&**name, &**variant)).collect(),
            cause: decision.cause.as_deref(),
            at: decision.at.to_string(),
            valid_until: unless_never(decision.valid_until),
            complete_since: decision.complete_since.map(|time| time.to_string()),
        }
    }
}

/// A line for each offer: the personalization, the offer, its text.
fn print(decision: &Decision, console: &mut Console) -> Result<(), Failure> {
    let personalization = &decision.personalization;
    if decision.offers.is_empty() {
        return console.line(&format!("{personalization}: nothing"));
    }
    let note = if decision.is_fallback() { " (the fallback)" } else { "" };
    for offer in &decision.offers {
        let text = match (&offer.text, &offer.problem) {
            (Some(text), _) => format!(": {text}"),
            (None, Some(problem)) => format!("; its text could not be filled in: {problem}"),
            (None, None) => String::new(),
        };
        console.line(&format!("{personalization}: {}{note}{text}", offer.name))?;
    }
    Ok(())
}
