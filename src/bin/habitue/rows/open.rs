//! Which reader a file needs: told by its first bytes.

use std::fs::{self, File};
use std::io::{self, BufRead};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::ValueEnum;

use super::csv_rows::CsvRows;
use super::json_rows::JsonRows;
use super::parquet_rows::ParquetRows;
use super::row::{Row, Rows};
use crate::ingest::source;

/// What begins and ends a Parquet file.
const PARQUET: &[u8] = b"PAR1";

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Csv,
    Jsonl,
    Parquet,
}

/// The rows of a file that is being read.
pub(crate) struct Reading<'a> {
    rows: Box<dyn Rows + 'a>,
    /// Bytes read of all files, which this one counts up to its own end.
    bytes: &'a AtomicU64,
    begun_at: u64,
    length: u64,
}

/// Opens a file, or standard input; `format` is asked for where the first bytes could mislead.
///
/// # Errors
/// Why it cannot be read.
pub(crate) fn open<'a>(
    path: &Path,
    format: Option<Format>,
    delimiter: Option<char>,
    bytes: &'a AtomicU64,
) -> Result<Reading<'a>, String> {
    let said = |error: io::Error| error.to_string();
    let (begun_at, length) = (bytes.load(Ordering::Relaxed), source::length(path));
    let mut reader = source::open(path, bytes).map_err(said)?;
    let head = reader.fill_buf().map_err(said)?;
    let format = match (format, head.trim_ascii_start()) {
        (Some(format), _) => format,
        (None, _) if head.starts_with(PARQUET) => Format::Parquet,
        // A file without anything in it has no rows.
        (None, [] | [b'{', ..]) => Format::Jsonl,
        (None, [b'[', b'{' | b'\n' | b'\r' | b' ', ..]) => {
            return Err("it is one list of JSON; write one object a line, without commas between".to_owned());
        }
        (None, _) => Format::Csv,
    };
    let rows: Box<dyn Rows + 'a> = match format {
        Format::Csv => Box::new(CsvRows::new(reader, delimiter)?),
        Format::Jsonl => Box::new(JsonRows::new(reader)),
        Format::Parquet => {
            let is_plain = source::is_plain_file(path).map_err(said)?;
            let file = if is_plain { File::open(path) } else { spooled(&mut reader) };
            drop(reader);
            Box::new(ParquetRows::new(file.map_err(said)?)?)
        }
    };
    Ok(Reading { rows, bytes, begun_at, length })
}

/// A file of its own with what a reader has: Parquet is read from its end. Nobody else finds it.
fn spooled(reader: &mut dyn BufRead) -> io::Result<File> {
    let path = std::env::temp_dir().join(format!("habitue-{}-{:p}.parquet", std::process::id(), reader));
    let mut file = File::options().read(true).write(true).create_new(true).open(&path)?;
    let copied = io::copy(reader, &mut file);
    // Where an open file cannot be removed, it stays until the system cleans up.
    let _stays_open = fs::remove_file(&path);
    copied.map(|_| file)
}

impl Reading<'_> {
    pub(crate) fn columns(&self) -> Option<&[String]> {
        self.rows.columns()
    }

    pub(crate) fn next_row(&mut self) -> Result<Option<Row>, String> {
        let row = self.rows.next_row()?;
        if let Some(part) = self.rows.part_read() {
            self.bytes.store(self.begun_at + (self.length as f64 * part) as u64, Ordering::Relaxed);
        }
        Ok(row)
    }

    pub(crate) fn pass_over(&mut self, rows: u64) -> Result<(), String> {
        self.rows.pass_over(rows)
    }
}
