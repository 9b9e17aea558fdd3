//! Rows of a file with one JSON object a line.

use std::io::BufRead;

use serde_json::Value as Json;

use super::row::{Cells, Row, Rows};
use crate::ingest::lines::{MAX_LINE_BYTES, next_line};

/// The rows of a file with lines of JSON.
pub(super) struct JsonRows<'a> {
    reader: Box<dyn BufRead + 'a>,
    lines: u64,
    rows: u64,
}

impl<'a> JsonRows<'a> {
    pub(super) fn new(reader: Box<dyn BufRead + 'a>) -> JsonRows<'a> {
        JsonRows { reader, lines: 0, rows: 0 }
    }

    /// The next line that is not empty.
    fn next_text(&mut self) -> Result<Option<Vec<u8>>, String> {
        loop {
            let line = next_line(&mut self.reader);
            let line = line.map_err(|error| format!("line {}: {error}", self.lines + 1))?;
            self.lines += 1;
            match line {
                Some(text) if text.trim_ascii().is_empty() => {}
                Some(text) => {
                    self.rows += 1;
                    return Ok(Some(text));
                }
                None => return Ok(None),
            }
        }
    }
}

impl Rows for JsonRows<'_> {
    fn columns(&self) -> Option<&[String]> {
        None
    }

    fn next_row(&mut self) -> Result<Option<Row>, String> {
        let Some(text) = self.next_text()? else { return Ok(None) };
        let (cells, flaw) = match serde_json::from_slice(&text) {
            _ if text.len() > MAX_LINE_BYTES => {
                (Cells::Other(Vec::new()), Some("the line is longer than 1 MiB".to_owned()))
            }
            Ok(Json::Object(values)) => (Cells::Values(values), None),
            Ok(_) => (Cells::Other(text), Some("it is no JSON object".to_owned())),
            Err(error) => (Cells::Other(text), Some(format!("not readable as JSON: {error}"))),
        };
        Ok(Some(Row { number: self.rows, line: Some(self.lines), cells, flaw }))
    }

    fn pass_over(&mut self, rows: u64) -> Result<(), String> {
        for _ in 0..rows {
            if self.next_text()?.is_none() {
                break;
            }
        }
        Ok(())
    }
}
