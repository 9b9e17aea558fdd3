//! The `cel` interpreter: a program for each offer, and for each customer a scope with its variables below
//! one context with the functions.

use std::collections::HashMap;

use cel::{Context, Program, Value};

use super::decider::Decider;
use super::offers::{OFFERS, Offers};
use crate::Outcome;
use crate::customers::{id, key, values};

pub(crate) struct CelInterpreter {
    texts: Vec<String>,
    programs: Vec<Program>,
    scopes: HashMap<u128, Context<'static, 'static>, ahash::RandomState>,
}

impl CelInterpreter {
    pub(crate) fn new(offers: &Offers, customers: u64) -> Outcome<CelInterpreter> {
        // Scopes borrow it.
        let root: &'static Context<'static, 'static> = Box::leak(Box::default());
        let programs = (0..OFFERS).map(|offer| Program::compile(&offers.in_common_words(offer)));
        let scope = |number| {
            let mut scope = root.new_inner_scope();
            for (place, value) in values(number).into_iter().enumerate() {
                scope.add_variable_from_value(format!("a{place}"), value);
            }
            (key(&id(number)), scope)
        };
        Ok(CelInterpreter {
            texts: offers.texts.clone(),
            programs: programs.collect::<Result<_, _>>()?,
            scopes: (0..customers).map(scope).collect(),
        })
    }
}

impl Decider for CelInterpreter {
    fn decide(&mut self, id: &str) -> Outcome<&str> {
        let scope = self.scopes.get(&key(id)).ok_or("there is no such customer")?;
        for (offer, program) in self.programs.iter().enumerate() {
            if program.execute(scope)? == Value::Bool(true) {
                return Ok(&self.texts[offer]);
            }
        }
        Ok(&self.texts[OFFERS])
    }
}
