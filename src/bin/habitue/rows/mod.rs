//! Rows of files: CSV, JSON lines and Parquet, plain or packed, one after the other.
//!
//! A row is read whole or said to be unreadable, with its place; a file that cannot be read any further is
//! said to be so, after the rows before. How much memory it takes does not depend on how long the file is.

mod csv_rows;
mod json_rows;
mod open;
mod parquet_rows;
mod parquet_values;
mod row;
mod zstd_pages;

pub(crate) use open::{Format, Reading, open};
pub(crate) use row::{Cells, Row};
