//! The arguments of `habitue backtest`.

use std::path::PathBuf;

use clap::Args;
use habitue::Time;

/// Show who would have been offered what, and when, if a catalog had been there
#[derive(Debug, Args)]
#[command(
    after_help = "The catalog is asked at each message that triggers a personalization, and at each recorded\n\
    exposure. Nothing is changed: a data folder is only read, also while another process has it open."
)]
pub(crate) struct Arguments {
    /// The catalog to try: a TOML or JSON file, or a folder of them
    pub(super) catalog: PathBuf,
    /// The data folder, or a file of messages as `ingest` reads them; `-` is standard input
    #[arg(value_name = "DATA|LOG")]
    pub(super) data: PathBuf,
    /// Compare each decision with that of this catalog at the same moment
    #[arg(long, value_name = "CATALOG")]
    pub(super) old: Option<PathBuf>,
    /// Count as shown what the catalog decides, in the place of what is recorded as shown
    #[arg(long)]
    pub(super) expose: bool,
    /// Decide from this time on; what happened before is only heard
    #[arg(long, value_name = "TIME", value_parser = Time::parse)]
    pub(super) from: Option<Time>,
    /// End at this time; what happened later does not count [default: a folder's own time, a log's end]
    #[arg(long, value_name = "TIME", value_parser = Time::parse)]
    pub(super) until: Option<Time>,
    /// Also write every decision to a file, one JSON object per line
    #[arg(long, value_name = "FILE")]
    pub(super) decisions: Option<PathBuf>,
    /// How many examples to show of each change
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(super) examples: usize,
    /// Print one JSON object per offer, change and personalization, and one for the summary
    #[arg(long)]
    pub(crate) json: bool,
}
