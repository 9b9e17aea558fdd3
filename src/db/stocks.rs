//! What is left of offers of which there are only so many.

use serde::Serialize;

use crate::db::database::Database;
use crate::rules::exposures::Exposures;

/// An offer of which there are only so many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct OfferStock {
    /// The personalization.
    pub personalization: String,
    /// The offer.
    pub offer: String,
    /// How many there are in all, by the catalog in force.
    pub stock: u64,
    /// How often it was shown, to all customers together. More than `stock` where exposures came from
    /// elsewhere, or the catalog's number became smaller.
    pub shown: u64,
    /// How many are left.
    pub left: u64,
}

impl Database {
    /// The offers with a `stock`, in the order of the catalog, and what is left of them. Counted are all
    /// exposures that were accepted, whatever became of them since.
    ///
    /// ```
    /// use habitue::{Catalog, Database, Message};
    ///
    /// let database = Database::in_memory(Catalog::from_toml(r#"
    ///     schema = 1
    ///     [personalizations.home]
    ///     offers = [{ name = "free-bag", stock = 100 }]
    /// "#)?);
    /// database.apply(Message::identify("ana"))?;
    /// database.decide_and_record("ana", "home")?;
    /// assert_eq!(database.stocks()[0].left, 99);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn stocks(&self) -> Vec<OfferStock> {
        let program = self.shards.program();
        let exposed = &*self.shards.exposed;
        let definitions = &program.definitions;
        let personalizations = definitions.personalization_names.iter().zip(&definitions.personalizations);
        let stocks = personalizations.flat_map(|(name, personalization)| {
            personalization.offers.iter().filter_map(move |offer| {
                let stock = offer.stock?;
                let shown = exposed.shown(name, &offer.name);
                Some(OfferStock {
                    personalization: name.to_owned(),
                    offer: offer.name.to_string(),
                    stock,
                    shown,
                    left: stock.saturating_sub(shown),
                })
            })
        });
        stocks.collect()
    }
}
