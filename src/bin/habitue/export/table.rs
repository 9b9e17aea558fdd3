//! A table of a file: columns with types, and rows one after the other.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use habitue::{Type, Value};

use super::csv_table::CsvTable;
use super::json_table::JsonTable;
use super::packed::{Packed, Packing};
use super::parquet_table::ParquetTable;
use crate::failure::Failure;

/// A column of a table.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) ty: Type,
}

/// Whoever writes rows.
pub(super) trait Table {
    /// Writes a row: as many cells as there are columns.
    fn row(&mut self, cells: &[Option<Value>]) -> io::Result<()>;

    /// Ends the table; gives the file.
    fn finish(self: Box<Self>) -> io::Result<File>;
}

/// A table that is being written beside the name that it will have.
pub(super) struct Writing {
    path: PathBuf,
    beside: PathBuf,
    table: Option<Box<dyn Table>>,
    pub(super) rows: u64,
}

impl Writing {
    /// Begins a table, written as its file's name says.
    pub(super) fn new(path: &Path, columns: &[Column]) -> Result<Writing, Failure> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let beside = path.with_file_name(format!("{name}.partial"));
        let (plain, packing) = match name.rsplit_once('.') {
            Some((plain, "gz")) => (plain, Packing::Gzip),
            Some((plain, "zst")) => (plain, Packing::Zstd),
            _ => (&*name, Packing::None),
        };
        let ending = plain.rsplit_once('.').map(|(_, ending)| ending.to_lowercase());
        let open = || File::create(&beside).map_err(|error| failed(path, &error));
        let table: Box<dyn Table> = match (ending.as_deref(), packing) {
            (Some("csv"), packing) => {
                let table = CsvTable::new(Packed::new(open()?, packing), columns);
                Box::new(table.map_err(|error| failed(path, &error))?)
            }
            (Some("jsonl" | "ndjson"), packing) => {
                Box::new(JsonTable::new(Packed::new(open()?, packing), columns))
            }
            (Some("parquet"), Packing::None) => {
                Box::new(ParquetTable::new(open()?, columns).map_err(|error| failed(path, &error))?)
            }
            (Some("parquet"), _) => {
                let message = format!("`{name}`: Parquet is packed inside; name the file `{plain}`");
                return Err(Failure::Usage(message));
            }
            _ => {
                return Err(Failure::Usage(format!(
                    "`{name}` does not say how to write it: end it in `.csv`, `.jsonl` or `.parquet`, the first two with \
                     `.gz` or `.zst` after that if it is to be packed"
                )));
            }
        };
        Ok(Writing { path: path.to_owned(), beside, table: Some(table), rows: 0 })
    }

    pub(super) fn row(&mut self, cells: &[Option<Value>]) -> Result<(), Failure> {
        self.rows += 1;
        let Some(table) = &mut self.table else { return Ok(()) };
        table.row(cells).map_err(|error| failed(&self.path, &error))
    }

    /// Ends the table and gives it its name.
    pub(super) fn finish(mut self) -> Result<u64, Failure> {
        let Some(table) = self.table.take() else { return Ok(self.rows) };
        let whole = table.finish().and_then(|file| file.sync_all());
        let named = whole.and_then(|()| fs::rename(&self.beside, &self.path));
        named.map_err(|error| failed(&self.path, &error))?;
        Ok(self.rows)
    }
}

/// Nothing is left of a table that was not finished.
impl Drop for Writing {
    fn drop(&mut self) {
        drop(self.table.take());
        let _has_its_name = fs::remove_file(&self.beside);
    }
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::Stopped(format!("cannot write `{}`: {error}", path.display()))
}
