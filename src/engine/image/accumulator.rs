//! Sources and their accumulators as they are archived.

use std::sync::Arc;

use rkyv::rend::f64_le;
use rkyv::vec::ArchivedVec;
use rkyv::{Archive, Serialize};

use crate::base::exact_sum::ExactSum;
use crate::base::time::Duration;
use crate::engine::image::value::{ArchivedValues, StampImage, ValueImage, read_each};
use crate::facts::accumulator::{Accumulator, Total};
use crate::facts::decayed_items::DecayedItems;
use crate::facts::decayed_sum::DecayedSum;
use crate::facts::event_log::EventLog;
use crate::facts::source_state::SourceState;

/// What is kept of one source's events.
#[derive(Archive, Serialize, Debug)]
pub(super) struct SourceImage {
    last: StampImage,
    stamps: Vec<StampImage>,
    values: Vec<Option<ValueImage>>,
    columns: u32,
    accumulators: Vec<AccumulatorImage>,
}

/// One accumulator; see [`Accumulator`] for what each is.
#[derive(Archive, Serialize, Debug)]
enum AccumulatorImage {
    Count(u64),
    Sum(TotalImage),
    Average { total: TotalImage, count: u64 },
    Minimum(Option<ValueImage>),
    Maximum(Option<ValueImage>),
    First(Option<(StampImage, Option<ValueImage>)>),
    Last(Option<(StampImage, Option<ValueImage>)>),
    LastTwo(Option<StampImage>, Option<StampImage>),
    Distinct(Vec<ValueImage>),
    Values { limit: u32, latest: Vec<(StampImage, ValueImage)> },
    Top(Vec<(ValueImage, u64, StampImage)>),
    Decayed { half_life: i64, landmark: i64, partials: Vec<f64> },
    DecayedItems { half_life: i64, items: Vec<ItemImage> },
}

/// An item with its decayed sum.
#[derive(Archive, Serialize, Debug)]
struct ItemImage {
    item: String,
    landmark: i64,
    partials: Vec<f64>,
}

#[derive(Archive, Serialize, Debug)]
enum TotalImage {
    Int(i128),
    Float(Vec<f64>),
}

impl SourceImage {
    pub(super) fn of(source: &SourceState) -> SourceImage {
        let (stamps, values, columns) = source.log.parts();
        SourceImage {
            last: StampImage::of(source.last),
            stamps: stamps.iter().copied().map(StampImage::of).collect(),
            values: ValueImage::of_each(values),
            columns: columns as u32,
            accumulators: source.accumulators.iter().map(AccumulatorImage::of).collect(),
        }
    }
}

impl ArchivedSourceImage {
    pub(super) fn read(&self) -> SourceState {
        let stamps = self.stamps.iter().map(super::value::ArchivedStampImage::read).collect();
        let values: &ArchivedValues = &self.values;
        let log =
            EventLog::from_parts(stamps, read_each(values).collect(), self.columns.to_native() as usize);
        let accumulators = self.accumulators.iter().map(ArchivedAccumulatorImage::read).collect();
        SourceState { last: self.last.read(), log, accumulators }
    }
}

impl AccumulatorImage {
    fn of(accumulator: &Accumulator) -> AccumulatorImage {
        let event =
            |(stamp, value): &(_, Option<_>)| (StampImage::of(*stamp), value.as_ref().map(ValueImage::of));
        match accumulator {
            Accumulator::Count(count) => AccumulatorImage::Count(*count),
            Accumulator::Sum(total) => AccumulatorImage::Sum(TotalImage::of(total)),
            Accumulator::Average { total, count } => {
                AccumulatorImage::Average { total: TotalImage::of(total), count: *count }
            }
            Accumulator::Minimum(value) => AccumulatorImage::Minimum(value.as_ref().map(ValueImage::of)),
            Accumulator::Maximum(value) => AccumulatorImage::Maximum(value.as_ref().map(ValueImage::of)),
            Accumulator::First(first) => AccumulatorImage::First(first.as_ref().map(event)),
            Accumulator::Last(last) => AccumulatorImage::Last(last.as_ref().map(event)),
            Accumulator::LastTwo(last, previous) => {
                AccumulatorImage::LastTwo(last.map(StampImage::of), previous.map(StampImage::of))
            }
            Accumulator::Distinct(values) => {
                AccumulatorImage::Distinct(values.iter().map(ValueImage::of).collect())
            }
            Accumulator::Values { limit, latest } => {
                let latest =
                    latest.iter().map(|(stamp, value)| (StampImage::of(*stamp), ValueImage::of(value)));
                AccumulatorImage::Values { limit: *limit, latest: latest.collect() }
            }
            Accumulator::Top(values) => {
                let values = values.iter();
                let values = values
                    .map(|(value, (count, last))| (ValueImage::of(value), *count, StampImage::of(*last)));
                AccumulatorImage::Top(values.collect())
            }
            Accumulator::Decayed(sum) => {
                let (half_life, landmark, total) = sum.parts();
                AccumulatorImage::Decayed {
                    half_life: half_life.millis(),
                    landmark,
                    partials: total.partials().to_vec(),
                }
            }
            Accumulator::DecayedItems(items) => AccumulatorImage::DecayedItems {
                half_life: items.half_life().millis(),
                items: items.sums().map(|(item, sum)| ItemImage::of(item, sum)).collect(),
            },
        }
    }
}

impl ItemImage {
    fn of(item: &str, sum: &DecayedSum) -> ItemImage {
        let (_, landmark, total) = sum.parts();
        ItemImage { item: item.to_owned(), landmark, partials: total.partials().to_vec() }
    }
}

impl ArchivedAccumulatorImage {
    fn read(&self) -> Accumulator {
        type Archived = ArchivedAccumulatorImage;
        match self {
            Archived::Count(count) => Accumulator::Count(count.to_native()),
            Archived::Sum(total) => Accumulator::Sum(total.read()),
            Archived::Average { total, count } => {
                Accumulator::Average { total: total.read(), count: count.to_native() }
            }
            Archived::Minimum(value) => {
                Accumulator::Minimum(value.as_ref().map(super::value::ArchivedValueImage::read))
            }
            Archived::Maximum(value) => {
                Accumulator::Maximum(value.as_ref().map(super::value::ArchivedValueImage::read))
            }
            Archived::First(event) => {
                Accumulator::First(event.as_ref().map(|event| {
                    (event.0.read(), event.1.as_ref().map(super::value::ArchivedValueImage::read))
                }))
            }
            Archived::Last(event) => {
                Accumulator::Last(event.as_ref().map(|event| {
                    (event.0.read(), event.1.as_ref().map(super::value::ArchivedValueImage::read))
                }))
            }
            Archived::LastTwo(last, previous) => Accumulator::LastTwo(
                last.as_ref().map(super::value::ArchivedStampImage::read),
                previous.as_ref().map(super::value::ArchivedStampImage::read),
            ),
            Archived::Distinct(values) => {
                Accumulator::Distinct(values.iter().map(super::value::ArchivedValueImage::read).collect())
            }
            Archived::Values { limit, latest } => Accumulator::Values {
                limit: limit.to_native(),
                latest: latest.iter().map(|entry| (entry.0.read(), entry.1.read())).collect(),
            },
            Archived::Top(values) => {
                let values = values.iter();
                let values = values.map(|entry| (entry.0.read(), (entry.1.to_native(), entry.2.read())));
                Accumulator::Top(values.collect())
            }
            Archived::Decayed { half_life, landmark, partials } => {
                let half_life = Duration::from_millis(half_life.to_native());
                Accumulator::Decayed(DecayedSum::from_parts(half_life, landmark.to_native(), sum(partials)))
            }
            Archived::DecayedItems { half_life, items } => {
                let half_life = Duration::from_millis(half_life.to_native());
                let sums = items.iter().map(|image| {
                    let (landmark, sum) = (image.landmark.to_native(), sum(&image.partials));
                    let sum = DecayedSum::from_parts(half_life, landmark, sum);
                    (Arc::from(image.item.as_str()), sum)
                });
                Accumulator::DecayedItems(DecayedItems::from_sums(half_life, sums))
            }
        }
    }
}

impl TotalImage {
    fn of(total: &Total) -> TotalImage {
        match total {
            Total::Int(total) => TotalImage::Int(*total),
            Total::Float(sum) => TotalImage::Float(sum.partials().to_vec()),
        }
    }
}

impl ArchivedTotalImage {
    fn read(&self) -> Total {
        match self {
            ArchivedTotalImage::Int(total) => Total::Int(total.to_native()),
            ArchivedTotalImage::Float(partials) => Total::Float(sum(partials)),
        }
    }
}

fn sum(partials: &ArchivedVec<f64_le>) -> ExactSum {
    ExactSum::from_partials(partials.iter().map(|partial| partial.to_native()))
}
