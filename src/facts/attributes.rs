//! The attributes of one customer: of each, the value with the greatest stamp.
//!
//! Most values are numbers, so a slot has room for one and takes 24 bytes in all; texts, lists and maps lie
//! beside the slots. Rejected: slots with a [`Value`] in each (twice as large), and stamps in a list of their own,
//! though most attributes came with one message (a third less, but stamps that nobody names have to go).
//!
//! Invariants:
//! 1. Slots are sorted by attribute, each attribute once.
//! 2. A slot whose value is missing stays: its stamp still beats older values that arrive late.
//! 3. Each place in `large` is named by exactly one slot.

use crate::base::time::{Duration, Time};
use crate::facts::stamp::{HistoryPlace, MessageOrder, Stamp};
use crate::model::ids::AttributeId;
use crate::model::value::Value;

/// By how many slots more there is room, at least.
const MORE: usize = 4;

/// All attributes of one customer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attributes {
    slots: Vec<PackedSlot>,
    large: Option<Box<Large>>,
}

/// The values that are no numbers; many customers have none.
#[derive(Clone, Debug, Default)]
struct Large(Vec<Value>);

/// The winning message's word on one attribute.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Slot {
    pub(crate) attribute: AttributeId,
    pub(crate) stamp: Stamp,
    pub(crate) value: Option<Value>,
}

/// The same, packed.
#[derive(Clone, Copy, Debug)]
struct PackedSlot {
    /// The attribute's number, and in the lowest bits what the word is.
    attribute_and_kind: u32,
    place: HistoryPlace,
    time: Time,
    word: u64,
}

/// What a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
enum Kind {
    Missing,
    Bool,
    Int,
    Float,
    Time,
    Duration,
    /// A place among the large values.
    Large,
}

impl Kind {
    const ALL: [Kind; 7] =
        [Kind::Missing, Kind::Bool, Kind::Int, Kind::Float, Kind::Time, Kind::Duration, Kind::Large];
    const BITS: u32 = 3;
}

impl PackedSlot {
    fn attribute(&self) -> AttributeId {
        AttributeId(self.attribute_and_kind >> Kind::BITS)
    }

    fn kind(&self) -> Kind {
        Kind::ALL[(self.attribute_and_kind & ((1 << Kind::BITS) - 1)) as usize]
    }

    fn stamp(&self) -> Stamp {
        Stamp { time: self.time, place: self.place }
    }
}

impl Attributes {
    /// The slots, sorted by attribute.
    pub(crate) fn slots(&self) -> impl ExactSizeIterator<Item = Slot> {
        self.slots.iter().map(|slot| self.unpack(slot))
    }

    /// The attributes in these slots, which are sorted.
    pub(crate) fn from_slots(slots: impl ExactSizeIterator<Item = Slot>) -> Attributes {
        let mut attributes = Attributes { slots: Vec::with_capacity(slots.len()), large: None };
        for Slot { attribute, stamp, value } in slots {
            let packed = attributes.pack(attribute, stamp, value);
            attributes.slots.push(packed);
        }
        attributes
    }

    /// The slot of `attribute`, if a message ever set or removed it.
    pub(crate) fn slot(&self, attribute: AttributeId) -> Option<Slot> {
        Some(self.unpack(&self.slots[self.find(attribute).ok()?]))
    }

    /// The value of `attribute`, without its default.
    pub(crate) fn get(&self, attribute: AttributeId) -> Option<Value> {
        self.value(&self.slots[self.find(attribute).ok()?])
    }

    /// About how many bytes they take on the heap; texts are counted as if nobody shared them.
    pub(crate) fn bytes(&self) -> usize {
        let large = self.large().iter().map(|value| size_of::<Value>() + value.bytes());
        self.slots.capacity() * size_of::<PackedSlot>() + large.sum::<usize>()
    }

    /// Sets or, with no value, removes `attribute`, unless a later message did so already. Says
    /// whether the value is another one now.
    pub(crate) fn set(
        &mut self,
        attribute: AttributeId,
        stamp: Stamp,
        value: Option<Value>,
        order: &dyn MessageOrder,
    ) -> bool {
        match self.find(attribute) {
            Ok(place) => {
                let slot = self.slots[place];
                if !stamp.is_after(slot.stamp(), order) {
                    return false;
                }
                let changed = self.value(&slot) != value;
                self.free(&slot);
                self.slots[place] = self.pack(attribute, stamp, value);
                changed
            }
            Err(place) => {
                let changed = value.is_some();
                let slot = self.pack(attribute, stamp, value);
                if self.slots.len() == self.slots.capacity() {
                    self.slots.reserve_exact(MORE.max(self.slots.len() / 8));
                }
                self.slots.insert(place, slot);
                changed
            }
        }
    }

    fn large(&self) -> &[Value] {
        self.large.as_ref().map_or(&[], |large| &large.0)
    }

    fn find(&self, attribute: AttributeId) -> Result<usize, usize> {
        self.slots.binary_search_by_key(&attribute, PackedSlot::attribute)
    }

    fn unpack(&self, slot: &PackedSlot) -> Slot {
        Slot { attribute: slot.attribute(), stamp: slot.stamp(), value: self.value(slot) }
    }

    fn value(&self, slot: &PackedSlot) -> Option<Value> {
        let word = slot.word;
        Some(match slot.kind() {
            Kind::Missing => return None,
            Kind::Bool => Value::Bool(word != 0),
            Kind::Int => Value::Int(word as i64),
            Kind::Float => Value::Float(f64::from_bits(word)),
            Kind::Time => Value::Time(Time::from_raw(word as i64)),
            Kind::Duration => Value::Duration(Duration::from_millis(word as i64)),
            Kind::Large => self.large()[word as usize].clone(),
        })
    }

    /// A value as a slot holds it.
    fn pack(&mut self, attribute: AttributeId, stamp: Stamp, value: Option<Value>) -> PackedSlot {
        let (kind, word) = match value {
            None => (Kind::Missing, 0),
            Some(Value::Bool(value)) => (Kind::Bool, u64::from(value)),
            Some(Value::Int(value)) => (Kind::Int, value as u64),
            Some(Value::Float(value)) => (Kind::Float, value.to_bits()),
            Some(Value::Time(value)) => (Kind::Time, value.millis() as u64),
            Some(Value::Duration(value)) => (Kind::Duration, value.millis() as u64),
            Some(large @ (Value::String(_) | Value::List(_) | Value::Map(_))) => {
                let Large(all) = &mut **self.large.get_or_insert_default();
                all.reserve_exact(1);
                all.push(large);
                (Kind::Large, all.len() as u64 - 1)
            }
        };
        let attribute_and_kind = attribute.0 << Kind::BITS | kind as u32;
        PackedSlot { attribute_and_kind, place: stamp.place, time: stamp.time, word }
    }

    /// Lets go of what a slot names that is about to be replaced.
    fn free(&mut self, slot: &PackedSlot) {
        let (Kind::Large, Some(large)) = (slot.kind(), &mut self.large) else { return };
        let Large(all) = &mut **large;
        let (gone, moved) = (slot.word, all.len() as u64 - 1);
        all.swap_remove(gone as usize);
        let last = self.slots.iter_mut().find(|slot| slot.kind() == Kind::Large && slot.word == moved);
        if let Some(last) = last {
            last.word = gone;
        }
    }
}

/// Equal if they say the same, wherever the large values lie.
impl PartialEq for Attributes {
    fn eq(&self, other: &Attributes) -> bool {
        self.slots().eq(other.slots())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::base::frozen_hash::hash64;
    use crate::facts::stamp::NoMessages;

    /// Sets values of all kinds at random and compares with a map of them.
    #[test]
    fn packed_values_are_those_that_were_set() {
        for seed in 0..50_u64 {
            let random = |step: u64| hash64(&(seed << 32 | step).to_le_bytes());
            let (mut attributes, mut right) = (Attributes::default(), BTreeMap::new());
            for step in 0..300 {
                let value = match random(4 * step) % 9 {
                    0 => None,
                    1 => Some(Value::Bool(step % 2 == 0)),
                    2 => Some(Value::Int(i64::MIN + step as i64)),
                    3 => Some(Value::Float(-0.5 * step as f64)),
                    4 => Some(Value::Time(Time::from_raw(-(step as i64)))),
                    5 => Some(Value::Duration(Duration::from_millis(step as i64))),
                    6 => Some(Value::List([Value::Int(1), Value::string("x")].into())),
                    _ => Some(Value::string(&format!("text {step}"))),
                };
                let attribute = AttributeId((random(4 * step + 1) % 12) as u32 * 1_000_000);
                let time = Time::from_raw((random(4 * step + 2) % 400) as i64);
                let stamp = Stamp { time, place: HistoryPlace(step as u32) };
                let slot = Slot { attribute, stamp, value };
                let known: Option<&Slot> = right.get(&attribute);
                let wins = known.is_none_or(|known| stamp.is_after(known.stamp, &NoMessages));
                let differs = known.and_then(|known| known.value.as_ref()) != slot.value.as_ref();
                let changed = attributes.set(attribute, stamp, slot.value.clone(), &NoMessages);
                assert_eq!(changed, wins && differs, "seed {seed} step {step}");
                if wins {
                    right.insert(attribute, slot);
                }
                assert_eq!(attributes.slot(attribute).as_ref(), right.get(&attribute));
            }
            assert!(attributes.slots().eq(right.values().cloned()), "seed {seed}");
            assert_eq!(
                Attributes::from_slots(right.into_values().collect::<Vec<_>>().into_iter()),
                attributes
            );
            let named = attributes.slots().filter(|slot| slot.value.as_ref().is_some_and(|v| v.bytes() > 0));
            assert_eq!(attributes.large().len(), named.count(), "nothing is kept that nobody names");
        }
    }
}
