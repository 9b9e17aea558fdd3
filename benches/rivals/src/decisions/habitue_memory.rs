//! Habitue in memory; the clock stands still.

use habitue::{Catalog, Database, Decided};

use super::decider::Decider;
use super::offers::Offers;
use crate::Outcome;
use crate::habitue_words::{all_of, clock};

pub(crate) struct Habitue {
    database: Database,
    last: Option<Decided>,
}

impl Habitue {
    pub(crate) fn new(offers: &Offers, customers: u64) -> Outcome<Habitue> {
        let database = Database::in_memory_with_clock(Catalog::from_toml(&offers.catalog())?, clock()?.1);
        for number in 0..customers {
            database.apply(all_of(number))?;
        }
        Ok(Habitue { database, last: None })
    }
}

impl Decider for Habitue {
    fn decide(&mut self, id: &str) -> Outcome<&str> {
        let decided = self.last.insert(self.database.decide(id, "homepage")?);
        Ok(decided.decision.text().ok_or("a decision has no text")?)
    }
}
