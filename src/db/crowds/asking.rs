//! What all customers are drawn to: for those of whom nothing is known.

use serde::{Serialize, Serializer};
use smallvec::SmallVec;

use crate::base::error::{Error, ErrorKind};
use crate::base::names::nearest;
use crate::base::time::Time;
use crate::crowd::item::Item;
use crate::crowd::lists::{self, List, Listed};
use crate::crowd::tally::Crowd;
use crate::crowd::tally::context_of as context_of_item;
use crate::db::database::Database;
use crate::model::value::{Type, Value};
use crate::rules::crowds::{CrowdDefinition, PART_OF_DAY};
use crate::store::crowds::{Counted, Progress};

/// A list of what all customers together are drawn to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CrowdList {
    /// As of when.
    #[serde(serialize_with = "as_text")]
    pub at: Time,
    /// From how many different customers such a list has to come.
    pub people: usize,
    /// Whether it does; if not, it is empty.
    pub enough_people: bool,
    /// Whether everything that is kept is counted: not for a while after opening, and after a new catalog
    /// ([`Database::finish_crowds`]).
    pub complete: bool,
    /// The best first.
    pub items: Vec<CrowdItem>,
}

/// An item with its score.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CrowdItem {
    /// A text or an int.
    #[serde(serialize_with = "as_json")]
    pub item: Value,
    /// The score: the truth is at least that.
    pub score: f64,
    /// The truth is at most that much more; 0 where nothing had to give way to something else.
    pub error: f64,
}

impl Database {
    /// The `n` most popular items of a crowd in a context, which has a value for each property that the
    /// catalog names in `by`. The score is the number of events, each halved in every half-life.
    ///
    /// Where the catalog cuts the day into parts, the part of now is meant; another one can be asked for as
    /// `("hours", "06-11")`.
    ///
    /// ```
    /// use habitue::{Catalog, Database, Message, Value};
    ///
    /// let database = Database::in_memory(Catalog::from_toml(r#"
    ///     schema = 1
    ///     [events."Order Completed"]
    ///     store = "string"
    ///     product_id = "string"
    ///     [crowd.sellers]
    ///     event = "Order Completed"
    ///     item = "product_id"
    ///     by = ["store"]
    ///     half_life = "7d"
    /// "#)?);
    /// for customer in 0..20 {
    ///     let order = Message::track(format!("customer-{customer}"), "Order Completed");
    ///     database.apply(order.with_property("store", "oulu").with_property("product_id", "tea"))?;
    /// }
    /// let popular = database.popular("sellers", &[("store", Value::string("oulu"))], 10)?;
    /// assert_eq!(popular.items[0].item, Value::string("tea"));
    /// assert_eq!(popular.items[0].error, 0.0);
    /// assert!(popular.items[0].score > 19.9);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// `NotFound` if the catalog has no such crowd; `InvalidCall` if the context is not the one it names.
    pub fn popular(&self, crowd: &str, context: &[(&str, Value)], n: usize) -> Result<CrowdList, Error> {
        self.list_of(crowd, |definition, crowd, now| {
            let context = context_of(definition, context, now)?;
            Ok(lists::popular(definition, crowd.by_context.get(&context), n, now))
        })
    }

    /// The `n` items of a crowd in a context of which there is more than usual, as [`Database::popular`]
    /// otherwise. The score is `p ln(p / q)`, with `p` the item's part of what is counted under the half-life
    /// `trending`, and `q` its part under `half_life`.
    ///
    /// # Errors
    /// As there; `InvalidCall` if the crowd has no `trending`.
    pub fn trending(&self, crowd: &str, context: &[(&str, Value)], n: usize) -> Result<CrowdList, Error> {
        self.list_of(crowd, |definition, crowd, now| {
            if definition.trending.is_none() {
                return Err(not_declared(definition, "trending = \"1d\""));
            }
            let context = context_of(definition, context, now)?;
            Ok(lists::trending(definition, crowd.by_context.get(&context), n, now))
        })
    }

    /// The `n` items that came together with an item in one event most often, for how often they come at all:
    /// the score is `c_ij / sqrt(c_i c_j)` of the decayed counts.
    ///
    /// # Errors
    /// `NotFound` if the catalog has no such crowd; `InvalidCall` if the crowd has no `together`.
    pub fn together(&self, crowd: &str, item: &Value, n: usize) -> Result<CrowdList, Error> {
        let item = Item::of(item);
        let item = item.ok_or_else(|| Error::new(ErrorKind::InvalidCall, "an item is a text or an int"))?;
        self.list_of(crowd, |definition, crowd, now| {
            let by_item = crowd.by_item.as_ref();
            let by_item = by_item.ok_or_else(|| not_declared(definition, "together = true"))?;
            // A caller with text only, such as a command line, means the int of those digits.
            let number = match &item {
                Item::Text(text) if by_item.get(context_of_item(&item)).is_none() => text.parse().ok(),
                _ => None,
            };
            Ok(lists::together(definition, by_item, &number.map_or_else(|| item.clone(), Item::Int), n, now))
        })
    }

    fn list_of(
        &self,
        name: &str,
        ask: impl FnOnce(&CrowdDefinition, &Crowd, Time) -> Result<List, Error>,
    ) -> Result<CrowdList, Error> {
        let now = self.now();
        if self.upkeep.is_none() {
            self.recount_in_memory()?;
        }
        let in_force = self.crowds.in_force();
        let found = in_force.iter().find(|counted| *counted.definition.name == *name);
        let Counted { definition, table } = found.ok_or_else(|| unknown(&in_force, name))?;
        let table = table.read();
        let list = ask(definition, &table.crowd, now)?;
        let complete = table.progress == Progress::Complete;
        drop(table);
        let (items, enough_people) = match list {
            List::Published(listed) => (listed, true),
            List::TooFewPeople => (Vec::new(), false),
        };
        let items = items.into_iter().map(|Listed { item, score, error }| CrowdItem {
            item: item.value(),
            score,
            error,
        });
        let (items, people) = (items.collect(), definition.people);
        Ok(CrowdList { at: now, people, enough_people, complete, items })
    }
}

fn as_text<S: Serializer>(time: &Time, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}

fn as_json<S: Serializer>(value: &Value, serializer: S) -> Result<S::Ok, S::Error> {
    value.to_json().serialize(serializer)
}

fn unknown(in_force: &[Counted], name: &str) -> Error {
    let names = in_force.iter().map(|counted| &*counted.definition.name);
    let message = match nearest(name, names) {
        Some(near) => format!("there is no crowd `{name}`; did you mean `{near}`?"),
        None => format!("there is no crowd `{name}`: declare it under `[crowd.{name}]`"),
    };
    Error::new(ErrorKind::NotFound, message)
}

fn not_declared(definition: &CrowdDefinition, key: &str) -> Error {
    let message =
        format!("the crowd `{}` does not count that: write `{key}` in the catalog", definition.name);
    Error::new(ErrorKind::InvalidCall, message)
}

/// The values of a context in the order of the definition.
fn context_of(
    definition: &CrowdDefinition,
    context: &[(&str, Value)],
    now: Time,
) -> Result<SmallVec<[Item; 4]>, Error> {
    let wrong = |message: String| Error::new(ErrorKind::InvalidCall, message);
    let names =
        || definition.by.iter().map(|by| &*by.name).chain(definition.hours.as_ref().map(|_| PART_OF_DAY));
    if let Some((other, _)) = context.iter().find(|(name, _)| names().all(|known| known != *name)) {
        let known: Vec<String> = names().map(|name| format!("`{name}`")).collect();
        let known = if known.is_empty() { "nothing".to_owned() } else { known.join(", ") };
        return Err(wrong(format!(
            "`{other}` is no part of the context of `{}`: {known} is",
            definition.name
        )));
    }
    let given = |name: &str| context.iter().find(|(known, _)| *known == name).map(|(_, value)| value);
    let mut values: SmallVec<[Item; 4]> = SmallVec::new();
    for by in &definition.by {
        let Some(value) = given(&by.name) else {
            return Err(wrong(format!("the context of `{}` needs `{}`", definition.name, by.name)));
        };
        let read = match (value, &by.ty) {
            (Value::String(text), Type::Int) => text.parse().ok().map(Item::Int),
            (Value::Int(_), Type::String) => None,
            _ => Item::of(value),
        };
        let message = || wrong(format!("`{}` of `{}` is {}, not {value}", by.name, definition.name, by.ty));
        values.push(read.ok_or_else(message)?);
    }
    if let Some(hours) = &definition.hours {
        let part = match given(PART_OF_DAY) {
            None => hours.part(now),
            Some(Value::String(part)) if hours.names().any(|name| *name == **part) => part.clone(),
            Some(other) => {
                let names: Vec<String> = hours.names().map(|name| format!("`{name}`")).collect();
                return Err(wrong(format!("`{PART_OF_DAY}` is one of {}, not {other}", names.join(", "))));
            }
        };
        values.push(Item::Text(part));
    }
    Ok(values)
}
