//! Rows of a Parquet file, page by page.

use std::fs::File;
use std::sync::Arc;

use parquet::basic::{LogicalType, TimeUnit};
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::SerializedFileReader;
use parquet::record::Field;
use parquet::record::reader::RowIter;
use serde_json::{Map, Value as Json};

use super::parquet_values::{json, of_nanoseconds};
use super::row::{Cells, Row, Rows};
use super::zstd_pages::AnyPages;

/// The rows of a Parquet file.
pub(super) struct ParquetRows {
    file: Arc<File>,
    rows: RowIter<'static>,
    columns: Vec<String>,
    /// Of each column, whether it counts nanoseconds since 1970.
    nanoseconds: Vec<bool>,
    /// How many rows each row group has.
    groups: Vec<u64>,
    number: u64,
    all: u64,
}

impl ParquetRows {
    pub(super) fn new(file: File) -> Result<ParquetRows, String> {
        let wrong = |error: &dyn std::fmt::Display| format!("it is no whole Parquet file: {error}");
        let file = Arc::new(file);
        let reader = read(&file, 0).map_err(|error| wrong(&error))?;
        let metadata = reader.metadata();
        let fields = metadata.file_metadata().schema().get_fields();
        let columns = fields.iter().map(|field| field.name().to_owned()).collect();
        let is_nanos = |logical: Option<&LogicalType>| matches!(logical, Some(LogicalType::Timestamp(timestamp)) if timestamp.unit == TimeUnit::NANOS);
        let nanoseconds =
            fields.iter().map(|field| is_nanos(field.get_basic_info().logical_type_ref())).collect();
        let rows = |group: &parquet::file::metadata::RowGroupMetaData| {
            u64::try_from(group.num_rows()).unwrap_or_default()
        };
        let groups: Vec<u64> = metadata.row_groups().iter().map(rows).collect();
        let all = groups.iter().sum();
        let rows = RowIter::from_file_into(Box::new(reader));
        Ok(ParquetRows { file, rows, columns, nanoseconds, groups, number: 0, all })
    }
}

fn read(file: &Arc<File>, first_group: usize) -> Result<AnyPages, String> {
    let own = file.try_clone().map_err(|error| error.to_string())?;
    let reader = SerializedFileReader::new(own).map_err(|error| error.to_string())?;
    Ok(AnyPages { reader, file: Arc::clone(file), first_group })
}

impl Rows for ParquetRows {
    fn columns(&self) -> Option<&[String]> {
        Some(&self.columns)
    }

    fn next_row(&mut self) -> Result<Option<Row>, String> {
        if self.number == self.all {
            return Ok(None);
        }
        self.number += 1;
        let row = match self.rows.next() {
            Some(Ok(row)) => row,
            Some(Err(error)) => return Err(format!("row {}: {error}", self.number)),
            None => return Err(format!("row {}: it is missing", self.number)),
        };
        let (mut values, mut flaw) = (Map::new(), None);
        for (place, (name, field)) in row.get_column_iter().enumerate() {
            let value = match field {
                Field::Long(nanos) if self.nanoseconds.get(place) == Some(&true) => of_nanoseconds(*nanos),
                field => json(field),
            };
            let value = value.unwrap_or_else(|problem| {
                flaw = Some(format!("column `{name}`: {problem}"));
                Json::Null
            });
            values.insert(name.clone(), value);
        }
        Ok(Some(Row { number: self.number, line: None, cells: Cells::Values(values), flaw }))
    }

    fn pass_over(&mut self, rows: u64) -> Result<(), String> {
        let goal = (self.number + rows).min(self.all);
        let (mut first_group, mut before) = (0, 0);
        while let Some(group) = self.groups.get(first_group).filter(|group| before + **group <= goal) {
            before += group;
            first_group += 1;
        }
        if before > self.number {
            self.rows = RowIter::from_file_into(Box::new(read(&self.file, first_group)?));
            self.number = before;
        }
        while self.number < goal {
            self.next_row()?;
        }
        Ok(())
    }

    fn part_read(&self) -> Option<f64> {
        Some(self.number as f64 / self.all.max(1) as f64)
    }
}
