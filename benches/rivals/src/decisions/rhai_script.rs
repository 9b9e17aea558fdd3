//! rhai: a syntax tree for each offer, fully optimised, and for each customer a scope with its variables.

use std::collections::HashMap;

use rhai::{AST, Engine, OptimizationLevel, Scope};

use super::decider::Decider;
use super::offers::{OFFERS, Offers};
use crate::Outcome;
use crate::customers::{id, key, values};

pub(crate) struct RhaiScript {
    texts: Vec<String>,
    engine: Engine,
    offers: Vec<AST>,
    scopes: HashMap<u128, Scope<'static>, ahash::RandomState>,
}

impl RhaiScript {
    pub(crate) fn new(offers: &Offers, customers: u64) -> Outcome<RhaiScript> {
        let mut engine = Engine::new();
        engine.set_max_expr_depths(0, 0).set_optimization_level(OptimizationLevel::Full);
        let compiled = (0..OFFERS).map(|offer| engine.compile_expression(offers.in_common_words(offer)));
        let compiled = compiled.collect::<Result<_, _>>()?;
        let scope = |number| {
            let mut scope = Scope::new();
            for (place, value) in values(number).into_iter().enumerate() {
                scope.push_constant(format!("a{place}"), value);
            }
            (key(&id(number)), scope)
        };
        let scopes = (0..customers).map(scope).collect();
        Ok(RhaiScript { texts: offers.texts.clone(), engine, offers: compiled, scopes })
    }
}

impl Decider for RhaiScript {
    fn decide(&mut self, id: &str) -> Outcome<&str> {
        let scope = self.scopes.get_mut(&key(id)).ok_or("there is no such customer")?;
        for (offer, tree) in self.offers.iter().enumerate() {
            if self.engine.eval_ast_with_scope(scope, tree)? {
                return Ok(&self.texts[offer]);
            }
        }
        Ok(&self.texts[OFFERS])
    }
}
