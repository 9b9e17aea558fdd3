//! All that is counted under one definition: items by context, and items by items of the same event.
//!
//! What was bought together is counted as popularity is, with each item as a context of its own: how many
//! events had it (`total`), and the items that came with it.

use crate::base::time::Duration;
use crate::crowd::contexts::{Contexts, Room, Weights};
use crate::crowd::item::Item;
use crate::crowd::occurrence::Occurrence;
use crate::crowd::weight::Weight;
use crate::rules::crowds::CrowdDefinition;

/// How many items of one event are counted as together: of a longer list the first ones. An event of so many
/// is 380 pairs.
pub(crate) const MOST_TOGETHER: usize = 20;

/// What is counted under one definition.
#[derive(Clone, Debug)]
pub(crate) struct Crowd {
    pub(crate) by_context: Contexts,
    pub(crate) by_item: Option<Contexts>,
}

impl Crowd {
    /// A crowd in which nothing was counted.
    pub(crate) fn new(definition: &CrowdDefinition) -> Crowd {
        let rooms = Rooms::of(definition);
        Crowd {
            by_context: Contexts::new(rooms.by_context, definition.trending.is_some()),
            by_item: rooms.by_item.map(|room| Contexts::new(room, false)),
        }
    }

    /// Counts an event of a customer.
    pub(crate) fn count(&mut self, definition: &CrowdDefinition, who: u64, occurrence: &Occurrence) {
        let Occurrence { context, items, time } = occurrence;
        let weight = |half_life: Duration| Weight::of(*time, half_life);
        let each = Weights { long: weight(definition.half_life), short: definition.trending.map(weight) };
        let all = Weights {
            long: each.long.times(items.len()),
            short: each.short.map(|short| short.times(items.len())),
        };
        let table = self.by_context.grow(context, all);
        table.people.note(who, *time, definition.people);
        for item in items {
            table.long.items.add(item, each.long);
            if let (Some(short), Some(weight)) = (&mut table.short, each.short) {
                short.items.add(item, weight);
            }
        }
        let Some(by_item) = &mut self.by_item else { return };
        let together = &items[..items.len().min(MOST_TOGETHER)];
        for item in together {
            let table = by_item.grow(context_of(item), Weights { long: each.long, short: None });
            table.people.note(who, *time, definition.people);
            for other in together.iter().filter(|other| *other != item) {
                table.long.items.add(other, each.long);
            }
        }
    }

    /// Forgets that a customer is among those behind a list. What they did stays counted.
    pub(crate) fn forget(&mut self, who: u64) {
        self.by_context.forget(who);
        self.by_item.iter_mut().for_each(|by_item| by_item.forget(who));
    }

    /// Its bytes in memory.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Crowd>() + self.by_context.bytes() + self.by_item.as_ref().map_or(0, Contexts::bytes)
    }
}

/// How much a crowd keeps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rooms {
    pub(crate) by_context: Room,
    pub(crate) by_item: Option<Room>,
}

impl Rooms {
    /// As its definition says.
    pub(crate) fn of(definition: &CrowdDefinition) -> Rooms {
        Rooms {
            by_context: Room { contexts: definition.contexts, items: definition.keep },
            by_item: definition.together.map(|items| Room { contexts: items, items: definition.keep }),
        }
    }
}

/// The item alone, as the context that it is.
pub(crate) fn context_of(item: &Item) -> &[Item] {
    std::slice::from_ref(item)
}
