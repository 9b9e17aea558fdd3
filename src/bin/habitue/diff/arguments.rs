//! The arguments of `habitue diff`.

use std::path::PathBuf;

use clap::Args;
use habitue::Time;

/// Show who would enter or leave each segment, and whose decision would change, under a new catalog
#[derive(Debug, Args)]
#[command(
    after_help = "Nothing is changed: a data folder is only read, also while another process has it open.\n\
    The exit code is 0 whether anything differs or not."
)]
pub(crate) struct Arguments {
    /// The catalog as it is: a TOML or JSON file, or a folder of them
    pub(super) old: PathBuf,
    /// The catalog as it is to be
    pub(super) new: PathBuf,
    /// The data folder, or a file of messages as `ingest` reads them; `-` is standard input
    #[arg(value_name = "DATA|LOG")]
    pub(super) data: PathBuf,
    /// When to compare, such as `2026-01-01T09:00:00Z`; what happened later does not count [default: the
    /// database's own time, or that of the log's latest message]
    #[arg(long, value_name = "TIME", value_parser = Time::parse)]
    pub(super) at: Option<Time>,
    /// How many ids to show of those who are concerned
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(super) examples: usize,
    /// Print one JSON object per segment, changed decision, and one for the summary
    #[arg(long)]
    pub(crate) json: bool,
}
