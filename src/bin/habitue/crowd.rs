//! `habitue crowd`: what all customers together are drawn to.

use clap::Args;
use habitue::{CrowdItem, CrowdList, Value};
use serde::Serialize;

use crate::console::Console;
use crate::data::Asking;
use crate::failure::{Exit, Failure};

/// List what is popular or trending, or comes together with an item, in a crowd of the catalog
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) asking: Asking,
    /// The crowd's name in the catalog
    crowd: String,
    /// A property of the context and its value, such as `store=helsinki`; once for each
    #[arg(long, value_name = "NAME=VALUE", value_parser = part, conflicts_with = "together")]
    context: Vec<(String, Value)>,
    /// List what there is more of than usual
    #[arg(long, conflicts_with = "together")]
    trending: bool,
    /// List what comes together with this item
    #[arg(long, value_name = "ITEM")]
    together: Option<String>,
    /// How many items to list
    #[arg(short, default_value_t = 10)]
    n: usize,
}

/// The answer, for programs.
#[derive(Serialize)]
struct Asked<'a> {
    crowd: &'a str,
    #[serde(flatten)]
    list: &'a CrowdList,
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let database = arguments.asking.open(console)?;
    database.finish_crowds()?;
    let Arguments { crowd, n, .. } = arguments;
    let context: Vec<(&str, Value)> =
        arguments.context.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    let list = match &arguments.together {
        Some(item) => database.together(crowd, &Value::string(item), *n),
        None if arguments.trending => database.trending(crowd, &context, *n),
        None => database.popular(crowd, &context, *n),
    }?;
    if arguments.asking.json {
        console.json(&Asked { crowd, list: &list })?;
        return Ok(Exit::Ok);
    }
    print(&list, console)?;
    Ok(Exit::Ok)
}

fn print(list: &CrowdList, console: &mut Console) -> Result<(), Failure> {
    if !list.enough_people {
        console.say(&format!("nothing is shown of fewer than {} customers\n", list.people));
    }
    for CrowdItem { item, score, error } in &list.items {
        let item = match item {
            Value::String(text) => text.to_string(),
            other => other.to_string(),
        };
        let more = if *error > 0.0 { format!("  (up to {error:.3} more)") } else { String::new() };
        console.line(&format!("{score:>12.3}  {item}{more}"))?;
    }
    Ok(())
}

/// Reads `name=value`.
fn part(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("write it as `name=value`")?;
    Ok((name.to_owned(), Value::string(value)))
}
