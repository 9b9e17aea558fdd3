//! `habitue export`: everything that is held about one customer, or tables of all of them.
//!
//! A table is written row by row, beside its name, and renamed once it is whole and on stable storage.

mod arguments;
mod bulk;
mod csv_table;
mod json_table;
mod one;
mod packed;
mod parquet_table;
mod table;
mod transitions;

pub(crate) use arguments::{Arguments, run};
