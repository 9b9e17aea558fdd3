//! a-tree 0.6, an index of boolean expressions: the 20 offers inserted, the customer's event built beforehand.
//! It finds all that match; the first of them wins.

use std::collections::HashMap;

use a_tree::{ATree, AttributeDefinition, Event};

use super::decider::Decider;
use super::offers::{OFFERS, Offers, Segment};
use crate::Outcome;
use crate::customers::{ATTRIBUTES, id, key, values};

pub(crate) struct ATreeIndex {
    texts: Vec<String>,
    tree: ATree<usize>,
    events: HashMap<u128, Event, ahash::RandomState>,
}

impl ATreeIndex {
    pub(crate) fn new(offers: &Offers, customers: u64) -> Outcome<ATreeIndex> {
        let names: Vec<String> = (0..ATTRIBUTES).map(|number| format!("a{number}")).collect();
        let definitions: Vec<_> = names.iter().map(|name| AttributeDefinition::float(name)).collect();
        let mut tree = ATree::new(&definitions).map_err(|error| error.to_string())?;
        let write = |segment: &Segment| {
            let Segment { high, least, low, most } = segment;
            format!("(a{high} > {least:.3} and a{low} < {most:.3})")
        };
        for offer in 0..OFFERS {
            let condition = offers.condition(offer, write, " or ");
            tree.insert(&offer, &condition).map_err(|error| error.to_string())?;
        }
        let mut events = HashMap::default();
        for number in 0..customers {
            let mut event = tree.make_event();
            for (name, value) in names.iter().zip(values(number)) {
                event.with_float(name, (value * 1_000.0).round() as i64, 3)?;
            }
            events.insert(key(&id(number)), event.build()?);
        }
        Ok(ATreeIndex { texts: offers.texts.clone(), tree, events })
    }
}

impl Decider for ATreeIndex {
    fn decide(&mut self, id: &str) -> Outcome<&str> {
        let event = self.events.get(&key(id)).ok_or("there is no such customer")?;
        let report = self.tree.search(event).map_err(|error| error.to_string())?;
        let won = report.matches().iter().copied().copied().min();
        Ok(&self.texts[won.unwrap_or(OFFERS)])
    }
}
