//! Unleash's yggdrasil, which its clients evaluate feature toggles with: a toggle for each offer, a strategy
//! for each of its segments, and for each customer a context, whose properties are texts there.

use std::collections::HashMap;

use serde_json::{Value, json};
use unleash_yggdrasil::{Context, EngineState, UpdateMessage};

use super::decider::Decider;
use super::offers::{OFFERS, Offers, Segment};
use crate::Outcome;
use crate::customers::{id, key, values};

pub(crate) struct Yggdrasil {
    texts: Vec<String>,
    engine: EngineState,
    names: Vec<String>,
    contexts: HashMap<u128, Context, ahash::RandomState>,
}

fn strategy(segment: &Segment) -> Value {
    let constraint = |attribute: usize, operator: &str, value: f64| json!({ "contextName": format!("a{attribute}"), "operator": operator, "value": value.to_string() });
    let Segment { high, least, low, most } = *segment;
    json!({
        "name": "default",
        "constraints": [constraint(high, "NUM_GT", least), constraint(low, "NUM_LT", most)],
    })
}

impl Yggdrasil {
    pub(crate) fn new(offers: &Offers, customers: u64) -> Outcome<Yggdrasil> {
        let names: Vec<String> = (0..OFFERS).map(|offer| format!("o{offer}")).collect();
        let toggle = |(offer, name): (usize, &String)| {
            let strategies: Vec<Value> =
                offers.of(offer).map(|number| strategy(&offers.segments[number])).collect();
            json!({ "name": name, "enabled": true, "strategies": strategies })
        };
        let features: Vec<Value> = names.iter().enumerate().map(toggle).collect();
        let engine = EngineState::default();
        let state = serde_json::from_value(json!({ "version": 2, "features": features }))?;
        if let Some(warnings) = engine.take_state(UpdateMessage::FullResponse(state)) {
            return Err(format!("{} toggles could not be compiled", warnings.len()).into());
        }
        let context = |number| {
            let values = values(number).into_iter().enumerate();
            let properties: HashMap<String, String> =
                values.map(|(place, value)| (format!("a{place}"), value.to_string())).collect();
            (key(&id(number)), Context { properties: Some(properties), ..Context::default() })
        };
        let contexts = (0..customers).map(context).collect();
        Ok(Yggdrasil { texts: offers.texts.clone(), engine, names, contexts })
    }
}

impl Decider for Yggdrasil {
    fn decide(&mut self, id: &str) -> Outcome<&str> {
        let context = self.contexts.get(&key(id)).ok_or("there is no such customer")?;
        let won = self.names.iter().position(|name| self.engine.is_enabled(name, context, &None));
        Ok(&self.texts[won.unwrap_or(OFFERS)])
    }
}
