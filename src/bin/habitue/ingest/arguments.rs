//! The arguments of `habitue ingest`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use habitue::Durability;

use crate::data::Opening;

/// How much a power cut may take of a load under `group`.
const GROUP: Duration = Duration::from_secs(1);

/// Load messages, one JSON object per line, into a data folder
#[derive(Debug, Args)]
#[command(
    after_help = "A load that was stopped is started again with the same arguments: lines that were accepted\n\
    before are counted as duplicates. A message without `messageId` is known by its text."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(super) opening: Opening,
    /// The files, plain or packed with gzip; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// The catalog: needed the first time, then kept in the folder; another one replaces it
    #[arg(long, value_name = "FILE")]
    pub(super) catalog: Option<PathBuf>,
    /// Where to write the lines that are refused, as lines of JSON that say why
    #[arg(long, value_name = "FILE")]
    pub(super) rejects: Option<PathBuf>,
    /// Where the time comes from: the system, or the messages themselves, to replay a history: the greatest
    /// timestamp so far that is not later than the system's time
    #[arg(long, value_enum, default_value_t = ClockSource::System)]
    pub(super) clock: ClockSource,
    /// How safe each line is before the next is taken; at the end all are on stable storage
    #[arg(long, value_enum, default_value_t = Safety::Group)]
    pub(super) durability: Safety,
    /// About how much memory the database may take, such as `512M`
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub(super) memory_budget: Option<u64>,
    /// Print the summary as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Where the database's time comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ClockSource {
    System,
    Message,
}

/// [`Durability`], by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Safety {
    /// Every line waits for the disk
    Sync,
    /// Lines survive the end of the process at once, and a power cut after a second
    Group,
    /// Nothing is promised before the end
    Memory,
}

impl Safety {
    pub(crate) fn durability(self) -> Durability {
        match self {
            Safety::Sync => Durability::Sync,
            Safety::Group => Durability::Group(GROUP),
            Safety::Memory => Durability::Memory,
        }
    }
}

/// A number of bytes, with K, M or G for 1,024 and its powers.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let (digits, factor) = match text.char_indices().last() {
        Some((end, 'K' | 'k')) => (&text[..end], 1 << 10),
        Some((end, 'M' | 'm')) => (&text[..end], 1 << 20),
        Some((end, 'G' | 'g')) => (&text[..end], 1 << 30),
        _ => (text, 1),
    };
    let number: Option<u64> = digits.parse().ok();
    number
        .and_then(|number| number.checked_mul(factor))
        .ok_or_else(|| "write a number of bytes, or one with K, M or G, such as `512M`".to_owned())
}
