//! `habitue persona`: what a customer who lives in a file would be shown, without a database.

use std::path::PathBuf;

use clap::Args;
use habitue::simulate::Persona;
use habitue::{Catalog, Clock, Database, ManualClock, Time};
use serde_json::Value as Json;

use crate::calling::Calling;
use crate::console::Console;
use crate::data::known;
use crate::failure::{Exit, Failure};
use crate::{decide, explain, get};

/// Decide what to show a persona: a customer who is a file, as scripts know them
#[derive(Debug, Args)]
#[command(after_help = "The file is one written for scripts, or what `habitue export` wrote of a customer.")]
pub(crate) struct Arguments {
    /// The catalog: a TOML or JSON file, or a folder of them
    catalog: PathBuf,
    /// The persona's file
    persona: PathBuf,
    /// The name of a personalization; to explain, also of a segment [default: all personalizations]
    #[arg(value_name = "PERSONALIZATION")]
    name: Option<String>,
    /// Another value of an attribute, such as `tier=gold`, `points=700` or `tier=null`; may be given again
    #[arg(long, value_name = "NAME=VALUE", value_parser = read_override)]
    with: Vec<(String, Json)>,
    #[command(flatten)]
    calling: Calling,
    /// When it is, such as `2026-01-01T09:00:00Z` [default: now]
    #[arg(long, value_name = "TIME", value_parser = Time::parse)]
    at: Option<Time>,
    /// Explain instead: why she is shown that, or why she is in the segment or not
    #[arg(long, conflicts_with = "profile")]
    explain: bool,
    /// Show her instead: every attribute, segment and decision
    #[arg(long, conflicts_with = "name")]
    profile: bool,
    /// Print one JSON object per line
    #[arg(long)]
    pub(crate) json: bool,
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let catalog = Catalog::load(&arguments.catalog)?;
    let persona = Persona::read(&arguments.persona)?;
    let persona = arguments
        .with
        .iter()
        .fold(persona, |persona, (attribute, value)| persona.with(attribute, value.clone()));
    let at = arguments.at.unwrap_or_else(|| Clock::System.now());
    let database = Database::in_memory_with_clock(catalog, Clock::Manual(ManualClock::new(at)));
    persona.enter(&database)?;
    let (id, call, json) = (persona.id(), arguments.calling.call(), arguments.json);
    if arguments.profile {
        return get::show(&database, id, json, console);
    }
    let snapshot = known(&database, id)?;
    match (&arguments.name, arguments.explain) {
        (Some(name), true) => explain::show(&database, (id, name), &call, json, console),
        (Some(name), false) => {
            let decided = database.decide_with(id, name, &call)?;
            decide::show(id, &decided.decision, json, console).map(|()| Exit::Ok)
        }
        (None, explains) => {
            for name in snapshot.decisions.keys() {
                match explains {
                    true => drop(explain::show(&database, (id, name), &call, json, console)?),
                    false => {
                        let decided = database.decide_with(id, name, &call)?;
                        decide::show(id, &decided.decision, json, console)?;
                    }
                }
            }
            Ok(Exit::Ok)
        }
    }
}

/// `name=value`: a value that is JSON is taken as that, any other as text.
fn read_override(text: &str) -> Result<(String, Json), String> {
    let Some((name, value)) = text.split_once('=').filter(|(name, _)| !name.is_empty()) else {
        return Err("it has the form NAME=VALUE, such as `tier=gold`".to_owned());
    };
    let value = serde_json::from_str(value).unwrap_or_else(|_| Json::from(value));
    Ok((name.to_owned(), value))
}
