//! The comparison from first to last: read both catalogs, rehearse, print.

use habitue::diff::{
    CatalogDiff, Change, DecisionDiff, Intake, OfferDiff, PersonalizationDiff, Rehearsal, VariantDiff,
};
use habitue::{Catalog, Clock};
use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::arguments::Arguments;

use crate::console::{Console, Output};
use crate::failure::{Exit, Failure};
use crate::log;

/// A decision that changes, for programs.
#[derive(Serialize)]
struct Changed<'a> {
    personalization: &'a str,
    change: Change,
    #[serde(flatten)]
    decision: &'a DecisionDiff,
}

/// How many are shown an offer, for programs.
#[derive(Serialize)]
struct Offered<'a> {
    personalization: &'a str,
    #[serde(flatten)]
    offer: &'a OfferDiff,
}

/// How many are given a variant, for programs.
#[derive(Serialize)]
struct Given<'a> {
    personalization: &'a str,
    #[serde(flatten)]
    variant: &'a VariantDiff,
}

/// The last line for programs.
#[derive(Serialize)]
struct Summary<'a> {
    summary: Figures<'a>,
}

#[derive(Serialize)]
struct Figures<'a> {
    at: String,
    profiles: u64,
    later: u64,
    old: &'a Intake,
    new: &'a Intake,
    differs: bool,
    segments: Map<String, Json>,
    personalizations: Map<String, Json>,
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let (old, new) = catalogs(arguments, console)?;
    let rehearsal = Rehearsal::new(old, new).examples(arguments.examples);
    let rehearsal = match arguments.at {
        Some(at) => rehearsal.at(at),
        None => rehearsal,
    };
    let is_folder = arguments.data.is_dir();
    let diff = if is_folder {
        rehearsal.of_folder(&arguments.data)?
    } else {
        log::reading(&arguments.data, |messages| rehearsal.of_messages(messages))??
    };
    if arguments.at.is_none() && !is_folder && diff.at > Clock::System.now() {
        let at = diff.at;
        console
            .say(&format!("warning: the log's latest message is of {at}, which is yet to come; see --at\n"));
    }
    if arguments.json {
        print_lines(&diff, console)?;
    } else {
        console.line(&diff.to_string())?;
    }
    Ok(Exit::Ok)
}

/// Both catalogs, or what is wrong with either.
fn catalogs(arguments: &Arguments, console: &mut Console) -> Result<(Catalog, Catalog), Failure> {
    match (Catalog::load(&arguments.old), Catalog::load(&arguments.new)) {
        (Ok(old), Ok(new)) => Ok((old, new)),
        (Ok(_), Err(error)) | (Err(error), Ok(_)) => Err(error.into()),
        (Err(old), Err(new)) => {
            console.report(&new.into(), Output::of(arguments.json));
            Err(old.into())
        }
    }
}

fn print_lines(diff: &CatalogDiff, console: &mut Console) -> Result<(), Failure> {
    diff.segments.iter().try_for_each(|segment| console.json(segment))?;
    for PersonalizationDiff { personalization, change, decisions, .. } in &diff.personalizations {
        for decision in decisions {
            console.json(&Changed { personalization, change: *change, decision })?;
        }
    }
    for PersonalizationDiff { personalization, offers, variants, .. } in &diff.personalizations {
        offers.iter().try_for_each(|offer| console.json(&Offered { personalization, offer }))?;
        variants.iter().try_for_each(|variant| console.json(&Given { personalization, variant }))?;
    }
    console.json(&Summary {
        summary: Figures {
            at: diff.at.to_string(),
            profiles: diff.profiles,
            later: diff.later,
            old: &diff.old,
            new: &diff.new,
            differs: diff.differs(),
            segments: by_change(diff.segments.iter().map(|segment| segment.change)),
            personalizations: by_change(diff.personalizations.iter().map(|decided| decided.change)),
        },
    })
}

/// How often each change occurs, by its name.
fn by_change(changes: impl Iterator<Item = Change> + Clone) -> Map<String, Json> {
    let named = [
        ("same", Change::Same),
        ("changed", Change::Changed),
        ("new", Change::New),
        ("removed", Change::Removed),
    ];
    let counted = named.map(|(name, change)| {
        let count = changes.clone().filter(|other| *other == change).count();
        (name.to_owned(), Json::from(count))
    });
    counted.into_iter().collect()
}
