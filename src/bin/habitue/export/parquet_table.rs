//! A table as Parquet, packed with Snappy: bools, ints, floats, texts and times (milliseconds, UTC) as what
//! they are, all else as JSON text.

use std::fs::File;
use std::io::{self, BufWriter};
use std::sync::Arc;

use habitue::{Type, Value};
use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::Result;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type as Schema;

use super::table::{Column, Table};

/// How many rows are kept in memory until they are written together.
const GROUP_ROWS: usize = 16 * 1024;

pub(super) struct ParquetTable {
    writer: SerializedFileWriter<BufWriter<File>>,
    columns: Vec<Kept>,
    rows: usize,
}

/// The cells of a column that are not written yet.
struct Kept {
    values: Values,
    /// Of each row, 1 if there is a value.
    is_there: Vec<i16>,
}

enum Values {
    Bools(Vec<bool>),
    Ints(Vec<i64>),
    Floats(Vec<f64>),
    Times(Vec<i64>),
    Texts(Vec<ByteArray>),
    Jsons(Vec<ByteArray>),
}

impl ParquetTable {
    pub(super) fn new(file: File, columns: &[Column]) -> io::Result<ParquetTable> {
        let (mut kept, mut fields) = (Vec::new(), Vec::new());
        for column in columns {
            let values = Values::of(&column.ty);
            fields.push(Arc::new(values.schema(&column.name)?));
            kept.push(Kept { values, is_there: Vec::new() });
        }
        let schema = Schema::group_type_builder("habitue").with_fields(fields).build()?;
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let writer = SerializedFileWriter::new(BufWriter::new(file), Arc::new(schema), Arc::new(properties))?;
        Ok(ParquetTable { writer, columns: kept, rows: 0 })
    }

    fn write_group(&mut self) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        for column in &mut self.columns {
            if let Some(mut writer) = group.next_column()? {
                column.values.write(&mut writer, &column.is_there)?;
                writer.close()?;
            }
            column.is_there.clear();
        }
        group.close()?;
        self.rows = 0;
        Ok(())
    }
}

impl Table for ParquetTable {
    fn row(&mut self, cells: &[Option<Value>]) -> io::Result<()> {
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            let is_taken = cell.as_ref().is_some_and(|value| column.values.take(value));
            column.is_there.push(i16::from(is_taken));
        }
        self.rows += 1;
        if self.rows == GROUP_ROWS {
            self.write_group()?;
        }
        Ok(())
    }

    fn finish(mut self: Box<ParquetTable>) -> io::Result<File> {
        self.write_group()?;
        let file = self.writer.into_inner()?;
        file.into_inner().map_err(io::IntoInnerError::into_error)
    }
}

impl Values {
    fn of(ty: &Type) -> Values {
        match ty {
            Type::Bool => Values::Bools(Vec::new()),
            Type::Int => Values::Ints(Vec::new()),
            Type::Float => Values::Floats(Vec::new()),
            Type::Time => Values::Times(Vec::new()),
            Type::String => Values::Texts(Vec::new()),
            Type::Duration | Type::List(_) | Type::Map(_) | Type::Record(_) | Type::Any => {
                Values::Jsons(Vec::new())
            }
        }
    }

    fn schema(&self, name: &str) -> Result<Schema> {
        let (physical, logical) = match self {
            Values::Bools(_) => (Physical::BOOLEAN, None),
            Values::Ints(_) => (Physical::INT64, None),
            Values::Floats(_) => (Physical::DOUBLE, None),
            Values::Times(_) => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MILLIS))),
            Values::Texts(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Values::Jsons(_) => (Physical::BYTE_ARRAY, Some(LogicalType::Json)),
        };
        let builder = Schema::primitive_type_builder(name, physical).with_logical_type(logical);
        builder.with_repetition(Repetition::OPTIONAL).build()
    }

    /// Takes a value; says whether it is one of these, as a declared type promises.
    fn take(&mut self, value: &Value) -> bool {
        match (self, value) {
            (Values::Bools(values), Value::Bool(value)) => values.push(*value),
            (Values::Ints(values), Value::Int(value)) => values.push(*value),
            (Values::Floats(values), Value::Float(value)) => values.push(*value),
            (Values::Floats(values), Value::Int(value)) => values.push(*value as f64),
            (Values::Times(values), Value::Time(value)) => values.push(value.millis()),
            (Values::Texts(values), Value::String(value)) => values.push(ByteArray::from(&**value)),
            (Values::Jsons(values), value) => {
                values.push(ByteArray::from(value.to_json().to_string().into_bytes()));
            }
            _ => return false,
        }
        true
    }

    /// Writes all values, and forgets them.
    fn write(&mut self, writer: &mut SerializedColumnWriter<'_>, is_there: &[i16]) -> Result<()> {
        match self {
            Values::Bools(values) => {
                writer.typed::<BoolType>().write_batch(values, Some(is_there), None)?;
                values.clear();
            }
            Values::Ints(values) | Values::Times(values) => {
                writer.typed::<Int64Type>().write_batch(values, Some(is_there), None)?;
                values.clear();
            }
            Values::Floats(values) => {
                writer.typed::<DoubleType>().write_batch(values, Some(is_there), None)?;
                values.clear();
            }
            Values::Texts(values) | Values::Jsons(values) => {
                writer.typed::<ByteArrayType>().write_batch(values, Some(is_there), None)?;
                values.clear();
            }
        }
        Ok(())
    }
}
