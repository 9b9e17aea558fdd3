//! What a catalog counts over all customers: the items of an event, by where and when it was.

use std::sync::Arc;

use crate::base::time::{Duration, Time, Zone};
use crate::model::ids::{EventId, PropertyId};
use crate::model::value::Type;

/// The name under which a context has the part of the day.
pub(crate) const PART_OF_DAY: &str = "hours";

/// A crowd: items of an event, counted over all customers.
#[derive(Debug, PartialEq)]
pub(crate) struct CrowdDefinition {
    pub(crate) name: Arc<str>,
    pub(crate) event: EventId,
    pub(crate) items: ItemsAt,
    /// The properties that make the context, with their names and types.
    pub(crate) by: Vec<ContextProperty>,
    /// The hours that are a part of the context.
    pub(crate) hours: Option<Hours>,
    pub(crate) half_life: Duration,
    /// The shorter half-life, if trends are asked for.
    pub(crate) trending: Option<Duration>,
    /// How many items a context keeps.
    pub(crate) keep: u32,
    /// How many contexts there are at most.
    pub(crate) contexts: u32,
    /// Of how many items it is kept what is bought together with them; nothing if that is not asked for.
    pub(crate) together: Option<u32>,
    /// From how many customers a list has to come.
    pub(crate) people: usize,
    /// The whole meaning as a text: what is equal here counts the same under another catalog.
    pub(crate) meaning: String,
}

/// From how many half-lives messages are counted anew: an older one has a millionth of its weight left.
const HALF_LIVES: i64 = 20;

impl CrowdDefinition {
    /// How far back messages are needed to count it anew.
    pub(crate) fn counted_anew(&self) -> Duration {
        Duration::from_millis(self.half_life.millis().saturating_mul(HALF_LIVES))
    }
}

/// Where in an event its items are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ItemsAt {
    /// A property is the item, or a list of them.
    Property(PropertyId),
    /// A property is a list of maps, and this field of each is one.
    Field(PropertyId, Arc<str>),
}

/// A property that makes a context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ContextProperty {
    pub(crate) name: Arc<str>,
    pub(crate) property: PropertyId,
    pub(crate) ty: Type,
}

/// The day of a zone, cut into parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hours {
    pub(crate) zone: Zone,
    /// The hours at which a part begins, ascending.
    pub(crate) from: Vec<u8>,
}

impl Hours {
    /// The part of the day that an instant is in.
    pub(crate) fn part(&self, time: Time) -> Arc<str> {
        let hour = self.zone.hour(time);
        let place = self.from.iter().rposition(|from| *from <= hour).unwrap_or(self.from.len() - 1);
        self.name(place).into()
    }

    /// The names of all parts.
    pub(crate) fn names(&self) -> impl Iterator<Item = String> {
        (0..self.from.len()).map(|place| self.name(place))
    }

    fn name(&self, place: usize) -> String {
        let until = self.from[(place + 1) % self.from.len()];
        format!("{:02}-{until:02}", self.from[place])
    }
}
