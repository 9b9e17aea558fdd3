//! The arguments of `habitue import`.

use std::path::PathBuf;

use clap::Args;
use habitue::{Declared, ImportKind, ImportMapping, Time};

use crate::data::Opening;
use crate::failure::Failure;
use crate::ingest::{Safety, bytes};
use crate::rows::Format;

/// Load rows of CSV, JSONL or Parquet files into a data folder, as attributes, events or members of a list
#[derive(Debug, Args)]
#[command(
    after_help = "What the columns mean is said by a mapping of the catalog (`[imports]`), or by arguments. A column\n\
    becomes the attribute or property of its name. A load that was stopped is started again with the same\n\
    arguments; rows that were accepted before are counted as duplicates. Members of a list are published at once, when all\n\
    files were read."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(super) opening: Opening,
    /// The files, plain or packed with gzip or zstd; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// The catalog: needed the first time, then kept in the folder; another one replaces it
    #[arg(long, value_name = "FILE")]
    pub(super) catalog: Option<PathBuf>,
    /// The mapping of the catalog that says what the columns mean
    #[arg(long, value_name = "NAME", conflicts_with = "Columns")]
    mapping: Option<String>,
    #[command(flatten)]
    columns: Columns,
    /// How the files are written [default: told by their first bytes]
    #[arg(long, value_enum)]
    pub(super) format: Option<Format>,
    /// The time of rows without one, such as `2026-01-01T09:00:00Z` [default for attributes: when the file was
    /// changed last]
    #[arg(long, value_name = "TIME", value_parser = Time::parse)]
    pub(super) at: Option<Time>,
    /// Say what would happen, and write nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Where to write the rows that are refused, as lines of JSON that say why
    #[arg(long, value_name = "FILE")]
    pub(super) rejects: Option<PathBuf>,
    /// How safe each row is before the next is taken; at the end all are on stable storage
    #[arg(long, value_enum, default_value_t = Safety::Group)]
    pub(super) durability: Safety,
    /// About how much memory the database may take, such as `512M`
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub(super) memory_budget: Option<u64>,
    /// Print the summary as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// What the columns mean.
#[derive(Debug, Args)]
#[group(id = "Columns", multiple = true)]
struct Columns {
    /// Each row is what is known of a customer: columns become attributes
    #[arg(long, conflicts_with_all = ["track", "event_column", "list"])]
    identify: bool,
    /// Each row is an event of this name: columns become properties
    #[arg(long, value_name = "EVENT", conflicts_with_all = ["event_column", "list"])]
    track: Option<String>,
    /// Each row is an event whose name is in this column
    #[arg(long, value_name = "COLUMN", conflicts_with = "list")]
    event_column: Option<String>,
    /// Each row has the id of a member of this list: all of them take the place of those it has
    #[arg(long, value_name = "LIST", conflicts_with_all = ["id", "time", "time_format", "zone", "map", "skip",
        "repeats", "at"])]
    list: Option<String>,
    /// The column with the user's id [default: `user_id`]
    #[arg(long, value_name = "COLUMN")]
    user: Option<String>,
    /// The column with the visitor's id [default: `anonymous_id`]
    #[arg(long, value_name = "COLUMN")]
    anonymous: Option<String>,
    /// The column with the time
    #[arg(long, value_name = "COLUMN")]
    time: Option<String>,
    /// How times are written: `s` or `ms` since 1970, or fields such as `%d.%m.%Y %H:%M` [default: RFC 3339]
    #[arg(long, value_name = "FORMAT")]
    time_format: Option<String>,
    /// The time zone of times without one, such as `Europe/Helsinki`
    #[arg(long)]
    zone: Option<String>,
    /// The column with the id of each row [default: made of what the row says]
    #[arg(long, value_name = "COLUMN")]
    id: Option<String>,
    /// What the attribute or property of a column is called
    #[arg(long, value_name = "COLUMN=NAME", value_parser = pair)]
    map: Vec<(String, String)>,
    /// A column that is left out
    #[arg(long, value_name = "COLUMN")]
    skip: Vec<String>,
    /// A text that means that there is no value [default: the empty text, in CSV]
    #[arg(long, value_name = "TEXT")]
    null: Vec<String>,
    /// What stands between the columns of CSV [default: what the first line has most of]
    #[arg(long, value_name = "CHARACTER", value_parser = ascii)]
    delimiter: Option<char>,
    /// Rows that are alike are different events
    #[arg(long)]
    repeats: bool,
}

impl Arguments {
    /// What the columns mean, by the catalog or the arguments.
    pub(super) fn mapping(&self, declared: &Declared) -> Result<ImportMapping, Failure> {
        match &self.mapping {
            None => self.columns.mapping(),
            Some(name) => declared.imports.get(name).cloned().ok_or_else(|| {
                let near = declared.near_import(name).map(|near| format!("; did you mean `{near}`?"));
                let near = near.unwrap_or_default();
                Failure::NotFound(format!("the catalog has no import `{name}`{near}"))
            }),
        }
    }
}

impl Columns {
    fn mapping(&self) -> Result<ImportMapping, Failure> {
        let kind = match (&self.track, &self.event_column, &self.list) {
            (Some(event), _, _) => ImportKind::Track(event.clone()),
            (None, Some(column), _) => ImportKind::TrackByColumn(column.clone()),
            (None, None, Some(list)) => ImportKind::List(list.clone()),
            (None, None, None) if self.identify => ImportKind::Identify,
            (None, None, None) => {
                return Err(Failure::Usage(
                    "what is a row? give --identify for attributes, --track EVENT for events, --list LIST for members \
                     of a list, or --mapping NAME for what the catalog says"
                        .to_owned(),
                ));
            }
        };
        Ok(ImportMapping {
            kind,
            user: self.user.clone(),
            anonymous: self.anonymous.clone(),
            id: self.id.clone(),
            time: self.time.clone(),
            time_format: self.time_format.clone(),
            zone: self.zone.clone(),
            columns: self.map.iter().cloned().collect(),
            skip: self.skip.clone(),
            null: (!self.null.is_empty()).then(|| self.null.clone()),
            delimiter: self.delimiter,
            repeats: self.repeats,
        })
    }
}

/// A column and a name.
fn pair(text: &str) -> Result<(String, String), String> {
    match text.rsplit_once('=') {
        Some((column, name)) if !column.is_empty() && !name.is_empty() => {
            Ok((column.to_owned(), name.to_owned()))
        }
        _ => Err("write a column and a name, such as `Loyalty level=tier`".to_owned()),
    }
}

fn ascii(text: &str) -> Result<char, String> {
    match text {
        "\\t" | "tab" => Ok('\t'),
        _ => {
            let mut letters = text.chars();
            let letter = letters.next().filter(|letter| letter.is_ascii() && letters.next().is_none());
            letter.ok_or_else(|| "write one ASCII character, or `tab`".to_owned())
        }
    }
}
