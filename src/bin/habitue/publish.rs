//! `habitue publish`: publishes the members of a list, or cut-points, beside the catalog of a data folder.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::PathBuf;

use clap::Args;
use habitue::{OpenOptions, Value};
use serde::Serialize;
use serde_json::Value as Json;

use crate::console::Console;
use crate::data::Asking;
use crate::failure::{Exit, Failure, counted};

/// Publish beside the catalog of a data folder: where its quantiles cut the population, or a list's members
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) asking: Asking,
    /// Publish the members of this list instead
    #[arg(long, requires = "members")]
    list: Option<String>,
    /// A file with the ids of the list's members, one in a line
    #[arg(requires = "list")]
    members: Option<PathBuf>,
}

/// A quantile, for programs.
#[derive(Serialize)]
struct Cut {
    quantile: String,
    counted: u64,
    cuts: Vec<Json>,
    moved: usize,
}

/// A list, for programs.
#[derive(Serialize)]
struct List<'a> {
    list: &'a str,
    members: usize,
    revision: u64,
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let database = arguments.asking.open_for(OpenOptions::new(), console)?;
    if let (Some(list), Some(path)) = (&arguments.list, &arguments.members) {
        let text = std::fs::read_to_string(path).map_err(|error| {
            let (name, kind) = (path.display(), error.kind());
            match kind {
                ErrorKind::NotFound => Failure::NotFound(format!("there is no file `{name}`")),
                _ => Failure::Usage(format!("cannot read `{name}`: {error}")),
            }
        })?;
        // An id that is there twice is one member.
        let ids: BTreeSet<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let revision = database.replace_list(list, ids.iter().copied())?;
        let members = ids.len();
        database.close()?;
        if arguments.asking.json {
            console.json(&List { list, members, revision })?;
        } else {
            let ids = counted(members, "id");
            console.line(&format!("published {ids} as `{list}`; the catalog has revision {revision}"))?;
        }
        return Ok(Exit::Ok);
    }
    let published = database.publish_cut_points()?;
    database.close()?;
    for told in published {
        let cuts: Vec<Json> = told.cuts.iter().map(Value::to_json).collect();
        let cut = Cut { quantile: told.quantile, counted: told.counted, cuts, moved: told.moved };
        if arguments.asking.json {
            console.json(&cut)?;
            continue;
        }
        let cuts: Vec<String> = cut.cuts.iter().map(Json::to_string).collect();
        let Cut { quantile, counted, moved, .. } = cut;
        console.line(&format!("{quantile}: {counted} counted, {moved} moved, cut at {}", cuts.join(", ")))?;
    }
    Ok(Exit::Ok)
}
