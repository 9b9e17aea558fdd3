//! A table as CSV: the names in the first line, nothing where there is no value. So an empty text is written
//! like no value; JSONL and Parquet tell them apart.

use std::fs::File;
use std::io;

use csv::Writer;
use habitue::Value;

use super::packed::Packed;
use super::table::{Column, Table};

pub(super) struct CsvTable {
    writer: Writer<Packed>,
}

impl CsvTable {
    pub(super) fn new(file: Packed, columns: &[Column]) -> io::Result<CsvTable> {
        let mut writer = Writer::from_writer(file);
        writer.write_record(columns.iter().map(|column| &column.name))?;
        Ok(CsvTable { writer })
    }
}

impl Table for CsvTable {
    fn row(&mut self, cells: &[Option<Value>]) -> io::Result<()> {
        for cell in cells {
            match cell {
                None => self.writer.write_field("")?,
                Some(Value::String(text)) => self.writer.write_field(text.as_bytes())?,
                Some(Value::Time(time)) => self.writer.write_field(time.to_string())?,
                Some(other) => self.writer.write_field(other.to_json().to_string())?,
            }
        }
        Ok(self.writer.write_record(None::<&[u8]>)?)
    }

    fn finish(self: Box<CsvTable>) -> io::Result<File> {
        self.writer.into_inner().map_err(|error| io::Error::other(error.to_string()))?.finish()
    }
}
