//! Values as they are archived.

use std::sync::Arc;

use rkyv::{Archive, Serialize};

use crate::base::time::{Duration, Time};
use crate::facts::stamp::{HistoryPlace, Stamp};
use crate::model::value::Value;

/// A value that is there.
#[derive(Archive, Serialize, Debug)]
#[rkyv(
    serialize_bounds(
        __S: rkyv::ser::Writer + rkyv::ser::Allocator,
        __S::Error: rkyv::rancor::Source,
    ),
    bytecheck(bounds(
        __C: rkyv::validation::ArchiveContext,
        __C::Error: rkyv::rancor::Source,
    )),
)]
pub(super) enum ValueImage {
    Bool(bool),
    Int(i64),
    Float(f64),
    String(String),
    Time(i64),
    Duration(i64),
    List(#[rkyv(omit_bounds)] Vec<ValueImage>),
    Map(#[rkyv(omit_bounds)] Vec<(String, ValueImage)>),
}

/// A stamp.
#[derive(Archive, Serialize, Clone, Copy, Debug)]
pub(super) struct StampImage {
    time: i64,
    place: u32,
}

impl ValueImage {
    pub(super) fn of(value: &Value) -> ValueImage {
        match value {
            Value::Bool(value) => ValueImage::Bool(*value),
            Value::Int(value) => ValueImage::Int(*value),
            Value::Float(value) => ValueImage::Float(*value),
            Value::String(value) => ValueImage::String(value.to_string()),
            Value::Time(value) => ValueImage::Time(value.millis()),
            Value::Duration(value) => ValueImage::Duration(value.millis()),
            Value::List(items) => ValueImage::List(items.iter().map(ValueImage::of).collect()),
            Value::Map(entries) => {
                let entries = entries.iter().map(|(key, value)| (key.to_string(), ValueImage::of(value)));
                ValueImage::Map(entries.collect())
            }
        }
    }

    pub(super) fn of_each(values: &[Option<Value>]) -> Vec<Option<ValueImage>> {
        values.iter().map(|value| value.as_ref().map(ValueImage::of)).collect()
    }
}

impl ArchivedValueImage {
    pub(super) fn read(&self) -> Value {
        match self {
            ArchivedValueImage::Bool(value) => Value::Bool(*value),
            ArchivedValueImage::Int(value) => Value::Int(value.to_native()),
            ArchivedValueImage::Float(value) => Value::Float(value.to_native()),
            ArchivedValueImage::String(value) => Value::String(Arc::from(value.as_str())),
            ArchivedValueImage::Time(value) => Value::Time(Time::from_raw(value.to_native())),
            ArchivedValueImage::Duration(value) => Value::Duration(Duration::from_millis(value.to_native())),
            ArchivedValueImage::List(items) => Value::List(items.iter().map(Self::read).collect()),
            ArchivedValueImage::Map(entries) => Value::Map(
                entries.iter().map(|entry| (Arc::from(entry.0.as_str()), entry.1.read())).collect(),
            ),
        }
    }
}

/// Archived values that may be missing.
pub(super) type ArchivedValues = rkyv::vec::ArchivedVec<rkyv::option::ArchivedOption<ArchivedValueImage>>;

/// All of them.
pub(super) fn read_each(values: &ArchivedValues) -> impl ExactSizeIterator<Item = Option<Value>> {
    values.iter().map(|value| value.as_ref().map(ArchivedValueImage::read))
}

impl StampImage {
    pub(super) fn of(stamp: Stamp) -> StampImage {
        StampImage { time: stamp.time.millis(), place: stamp.place.0 }
    }
}

impl ArchivedStampImage {
    pub(super) fn read(&self) -> Stamp {
        Stamp { time: Time::from_raw(self.time.to_native()), place: HistoryPlace(self.place.to_native()) }
    }
}
