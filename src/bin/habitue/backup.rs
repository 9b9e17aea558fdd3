//! `habitue backup` and `habitue restore`.

use std::path::PathBuf;

use clap::Args;
use habitue::{Database, OpenOptions};
use serde_json::json;

use crate::console::{Console, Output};
use crate::data::Opening;
use crate::failure::{Exit, Failure};

/// Copy the database in a data folder into a new folder, in one file and a manifest
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    opening: Opening,
    /// The folder to write, which must be new or empty
    to: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Make a data folder of a backup, after checking every byte of it
#[derive(Debug, Args)]
pub(crate) struct RestoreArguments {
    /// The folder of the backup
    from: PathBuf,
    /// The data folder to make, which must be new or empty
    data: PathBuf,
    /// Leave out whoever was erased since the backup from this data folder
    #[arg(long, value_name = "FOLDER")]
    tombstones: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let database = arguments.opening.open_existing(OpenOptions::new().questions_only(), console)?;
    database.backup(&arguments.to)?;
    let stats = database.stats();
    match Output::of(arguments.json) {
        Output::Programs => console.json(
            &json!({ "backup": arguments.to, "profiles": stats.profiles, "messages": stats.accepted }),
        )?,
        Output::People => console.line(&format!(
            "{} profiles with {} messages are in `{}`",
            stats.profiles,
            stats.accepted,
            arguments.to.display()
        ))?,
    }
    Ok(Exit::Ok)
}

pub(crate) fn restore(arguments: &RestoreArguments, console: &mut Console) -> Result<Exit, Failure> {
    let RestoreArguments { from, data, tombstones, json } = arguments;
    match tombstones {
        Some(current) => Database::restore_without_erased(from, data, current)?,
        None => Database::restore(from, data)?,
    }
    match Output::of(*json) {
        Output::Programs => console.json(&json!({ "restored": data }))?,
        Output::People => {
            console.line(&format!("`{}` is a copy of `{}`", data.display(), from.display()))?;
        }
    }
    Ok(Exit::Ok)
}
