//! The attributes of one customer: of each, the value with the greatest stamp.
//!
//! Invariants:
//! 1. Slots are sorted by attribute, each attribute once.
//! 2. A slot whose value is missing stays: its stamp still beats older values that arrive late.

use crate::facts::stamp::{MessageOrder, Stamp};
use crate::model::ids::AttributeId;
use crate::model::value::Value;

/// All attributes of one customer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Attributes {
    slots: Vec<Slot>,
}

/// The winning message's word on one attribute.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Slot {
    pub(crate) attribute: AttributeId,
    pub(crate) stamp: Stamp,
    pub(crate) value: Option<Value>,
}

impl Attributes {
    /// The slots, sorted by attribute.
    pub(crate) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The attributes in these slots, which are sorted.
    pub(crate) fn from_slots(slots: Vec<Slot>) -> Attributes {
        Attributes { slots }
    }

    /// The slot of `attribute`, if a message ever set or removed it.
    pub(crate) fn slot(&self, attribute: AttributeId) -> Option<&Slot> {
        let place = self.slots.binary_search_by_key(&attribute, |slot| slot.attribute).ok()?;
        Some(&self.slots[place])
    }

    /// The value of `attribute`, without its default.
    pub(crate) fn get(&self, attribute: AttributeId) -> Option<&Value> {
        self.slot(attribute)?.value.as_ref()
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
        match self.slots.binary_search_by_key(&attribute, |slot| slot.attribute) {
            Ok(place) => {
                let slot = &mut self.slots[place];
                if !stamp.is_after(slot.stamp, order) {
                    return false;
                }
                let changed = slot.value != value;
                *slot = Slot { attribute, stamp, value };
                changed
            }
            Err(place) => {
                let changed = value.is_some();
                self.slots.insert(place, Slot { attribute, stamp, value });
                changed
            }
        }
    }
}
