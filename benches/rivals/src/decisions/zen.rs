//! GoRules' zen-expression: bytecode for each offer, run by one machine that keeps its memory, and for each
//! customer an object with its variables.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};
use zen_expression::Isolate;
use zen_expression::compiler::Opcode;
use zen_expression::variable::Variable;

use super::decider::Decider;
use super::offers::{OFFERS, Offers, Segment};
use crate::Outcome;
use crate::customers::{id, key, values};

pub(crate) struct Zen {
    texts: Vec<String>,
    isolate: Isolate,
    offers: Vec<Arc<[Opcode]>>,
    customers: HashMap<u128, Variable, ahash::RandomState>,
}

impl Zen {
    pub(crate) fn new(offers: &Offers, customers: u64) -> Outcome<Zen> {
        let mut isolate = Isolate::new();
        let write = |segment: &Segment| {
            let Segment { high, least, low, most } = segment;
            format!("(a{high} > {least:?} and a{low} < {most:?})")
        };
        let mut compiled = Vec::new();
        for offer in 0..OFFERS {
            let expression = isolate.compile_standard(&offers.condition(offer, write, " or "))?;
            compiled.push(Arc::clone(expression.bytecode()));
        }
        let variables = |number| {
            let values = values(number).into_iter().enumerate();
            let object: Map<String, Value> =
                values.map(|(place, value)| (format!("a{place}"), Value::from(value))).collect();
            (key(&id(number)), Variable::from(Value::Object(object)))
        };
        Ok(Zen {
            texts: offers.texts.clone(),
            isolate,
            offers: compiled,
            customers: (0..customers).map(variables).collect(),
        })
    }
}

impl Decider for Zen {
    fn decide(&mut self, id: &str) -> Outcome<&str> {
        let customer = self.customers.get(&key(id)).ok_or("there is no such customer")?;
        self.isolate.set_environment(customer.clone());
        for (offer, code) in self.offers.iter().enumerate() {
            if self.isolate.run_compiled(code)?.as_bool() == Some(true) {
                return Ok(&self.texts[offer]);
            }
        }
        Ok(&self.texts[OFFERS])
    }
}
