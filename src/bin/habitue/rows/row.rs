//! One row, and whoever gives one after the other.

use std::sync::Arc;

use csv::ByteRecord;
use serde_json::{Map, Value as Json};

use crate::ingest::rejects::{Place, said};

/// A row of a file.
pub(crate) struct Row {
    /// Its number among the rows, from 1.
    pub(crate) number: u64,
    /// The line at which it begins, from 1, in a file that has lines.
    pub(crate) line: Option<u64>,
    pub(crate) cells: Cells,
    /// Why it cannot be read as it is.
    pub(crate) flaw: Option<String>,
}

/// What is in a row.
pub(crate) enum Cells {
    /// Texts, by the places of the columns.
    Texts { columns: Arc<[String]>, texts: ByteRecord },
    /// Values by the names of the columns.
    Values(Map<String, Json>),
    /// What was there instead of a row.
    Other(Vec<u8>),
}

/// The rows of one file.
pub(crate) trait Rows {
    /// The columns, where all rows have the same.
    fn columns(&self) -> Option<&[String]>;

    /// The next row.
    ///
    /// # Errors
    /// Why the file cannot be read any further.
    fn next_row(&mut self) -> Result<Option<Row>, String>;

    /// Passes over so many rows, or all if there are fewer.
    ///
    /// # Errors
    /// As [`Rows::next_row`].
    fn pass_over(&mut self, rows: u64) -> Result<(), String> {
        for _ in 0..rows {
            if self.next_row()?.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// What part of the file was read, where only the reader knows.
    fn part_read(&self) -> Option<f64> {
        None
    }
}

impl Row {
    /// Where it is.
    pub(crate) fn place(&self) -> Place {
        Place { line: self.line, row: Some(self.number) }
    }

    /// The row as it was.
    pub(crate) fn to_json(&self) -> Json {
        match &self.cells {
            Cells::Texts { columns, texts } if columns.len() == texts.len() => {
                let cells = columns.iter().zip(texts);
                cells.map(|(name, text)| (name.clone(), Json::from(String::from_utf8_lossy(text)))).collect()
            }
            Cells::Texts { texts, .. } => {
                texts.iter().map(|text| Json::from(String::from_utf8_lossy(text))).collect()
            }
            Cells::Values(values) => Json::Object(values.clone()),
            Cells::Other(text) => said(text),
        }
    }
}
