//! `habitue erase`, `habitue anonymise` and `habitue erasures`.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use habitue::{Anonymised, Erased, ErasureReceipt, OpenOptions};
use serde_json::json;

use crate::console::{Console, Output};
use crate::data::{Opening, Whole};
use crate::failure::{Exit, Failure, counted};

/// The arguments of `erase` and of `anonymise`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    opening: Opening,
    /// The customers' ids: users', visitors', or values of attributes that are identifiers
    #[arg(required_unless_present = "file")]
    ids: Vec<String>,
    /// A file with ids, one a line
    #[arg(long)]
    file: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

impl Arguments {
    fn ids(&self) -> Result<Vec<String>, Failure> {
        let mut ids = self.ids.clone();
        if let Some(path) = &self.file {
            let text = fs::read_to_string(path).map_err(|error| {
                Failure::NotFound(format!("cannot read the ids in `{}`: {error}", path.display()))
            })?;
            ids.extend(text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned));
        }
        Ok(ids)
    }
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let ids = arguments.ids()?;
    let database = arguments.opening.open_existing(OpenOptions::new(), console)?;
    let Erased { receipt, unknown, .. } = database.erase_all(&ids)?;
    match Output::of(arguments.json) {
        Output::Programs => console.json(&json!({ "receipt": receipt, "unknown": unknown }))?,
        Output::People => {
            console.line(&for_people(&receipt))?;
            say_unknown(&unknown, console)?;
        }
    }
    database.close()?;
    Ok(exit_of(&unknown))
}

pub(crate) fn anonymise(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let ids = arguments.ids()?;
    let database = arguments.opening.open_existing(OpenOptions::new(), console)?;
    let Anonymised { receipt, anonymous_ids, unknown, .. } = database.anonymise_all(&ids)?;
    match Output::of(arguments.json) {
        Output::Programs => console
            .json(&json!({ "receipt": receipt, "anonymous_ids": anonymous_ids, "unknown": unknown }))?,
        Output::People => {
            console.line(&for_people(&receipt))?;
            for id in &anonymous_ids {
                console.line(&format!("goes on as `{id}`"))?;
            }
            say_unknown(&unknown, console)?;
        }
    }
    database.close()?;
    Ok(exit_of(&unknown))
}

fn say_unknown(unknown: &[String], console: &mut Console) -> Result<(), Failure> {
    for id in unknown {
        console.line(&format!("nobody is known as `{id}`"))?;
    }
    Ok(())
}

fn exit_of(unknown: &[String]) -> Exit {
    if unknown.is_empty() { Exit::Ok } else { Exit::NotFound }
}

pub(crate) fn list(arguments: &Whole, console: &mut Console) -> Result<Exit, Failure> {
    let database = arguments.opening.open_existing(OpenOptions::new().questions_only(), console)?;
    for receipt in database.erasures() {
        match Output::of(arguments.json) {
            Output::Programs => console.json(&receipt)?,
            Output::People => console.line(&for_people(&receipt))?,
        }
    }
    Ok(Exit::Ok)
}

fn for_people(receipt: &ErasureReceipt) -> String {
    let ErasureReceipt { id, number, at, customers, messages, changed, identifiers, shared, .. } = receipt;
    let counted = |count: &u64, noun| counted(*count as usize, noun);
    let mut text = format!(
        "erasure {number} of {at}, receipt {id}: {}, {}, {}",
        counted(customers, "customer"),
        counted(messages, "message"),
        counted(identifiers, "identifier")
    );
    if receipt.anonymous > 0 {
        text.push_str(&format!("; {} anonymous now", counted(&receipt.anonymous, "message")));
    }
    if *changed > 0 {
        text.push_str(&format!("; {} of other customers changed", counted(changed, "message")));
    }
    if *shared > 0 {
        text.push_str(&format!("; {} shared with other customers", counted(shared, "identifier")));
    }
    if !receipt.finished {
        text.push_str("; not finished in the files");
    }
    text
}
