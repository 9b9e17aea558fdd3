//! A table as lines of JSON, each with all columns in their order.

use std::fs::File;
use std::io::{self, Write};

use habitue::Value;
use serde::Serializer as _;
use serde::ser::SerializeMap;

use super::packed::Packed;
use super::table::{Column, Table};

pub(super) struct JsonTable {
    file: Packed,
    names: Vec<String>,
    line: Vec<u8>,
}

impl JsonTable {
    pub(super) fn new(file: Packed, columns: &[Column]) -> JsonTable {
        JsonTable {
            file,
            names: columns.iter().map(|column| column.name.clone()).collect(),
            line: Vec::new(),
        }
    }
}

impl Table for JsonTable {
    fn row(&mut self, cells: &[Option<Value>]) -> io::Result<()> {
        self.line.clear();
        let mut serializer = serde_json::Serializer::new(&mut self.line);
        let mut map = serializer.serialize_map(Some(cells.len()))?;
        for (name, cell) in self.names.iter().zip(cells) {
            map.serialize_entry(name, cell)?;
        }
        map.end()?;
        self.line.push(b'\n');
        self.file.write_all(&self.line)
    }

    fn finish(self: Box<JsonTable>) -> io::Result<File> {
        self.file.finish()
    }
}
