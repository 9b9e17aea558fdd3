//! What goals were reached after something was shown, counted over everybody.
//!
//! Nothing is kept for it: a report reads the exposures and the goal's events in the history of each customer,
//! one after the other. So a goal that is declared today is counted for what was shown before, as far as the
//! history is kept.

use serde::Serialize;

use crate::base::error::Error;
use crate::base::time::Time;
use crate::db::database::{Database, Writing};
use crate::db::questions::resolve;
use crate::engine::consents::Told as _;
use crate::engine::conversions::{Conversions, Converting, Shown};
use crate::engine::program::Program;
use crate::engine::retelling::heard_until;
use crate::model::identifier::OwnedIdentifier;
use crate::rules::definitions::Definitions;

/// What became of everything that was shown, by one goal.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GoalReport {
    /// The goal.
    pub goal: String,
    /// As of when.
    pub at: Time,
    /// Offers: those of the catalog in its order, then those that only the history knows.
    pub offers: Vec<OfferConversions>,
    /// Variants, in the same way.
    pub variants: Vec<VariantConversions>,
}

/// What became of one offer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OfferConversions {
    /// The personalization that showed it.
    pub personalization: String,
    /// Its name.
    pub offer: String,
    /// What became of it.
    #[serde(flatten)]
    pub conversions: Conversions,
}

/// What became of one variant.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VariantConversions {
    /// The experiment.
    pub experiment: String,
    /// Its variant.
    pub variant: String,
    /// What became of it.
    #[serde(flatten)]
    pub conversions: Conversions,
}

impl Database {
    /// What a goal says of everything that was shown: of each offer and each variant how often and to how many
    /// customers, and how many of them reached the goal in its time.
    ///
    /// It reads the history of everybody who is kept, so it takes its time; messages are taken and questions
    /// answered meanwhile. Each customer is counted as of one instant.
    ///
    /// ```
    /// use habitue::{Catalog, Database, Message};
    ///
    /// let database = Database::in_memory(Catalog::from_toml(r#"
    ///     schema = 1
    ///     [events."Order Completed"]
    ///     total = "float"
    ///     [goals.purchase]
    ///     event = "Order Completed"
    ///     within = "7d"
    ///     value = "total"
    ///     [personalizations.home]
    ///     offers = [{ name = "sale" }]
    /// "#)?);
    /// for id in ["ana", "ben"] {
    ///     database.apply(Message::identify(id))?;
    ///     database.decide_and_record(id, "home")?;
    /// }
    /// # std::thread::sleep(std::time::Duration::from_millis(2));
    /// database.apply(Message::track("ana", "Order Completed").with_property("total", 30.0))?;
    /// let sale = database.goal("purchase")?.offers[0].conversions;
    /// assert_eq!((sale.exposed, sale.converted, sale.value), (2, 1, 30.0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// `NotFound` if the catalog has no such goal; or if a history cannot be read from disk.
    pub fn goal(&self, name: &str) -> Result<GoalReport, Error> {
        let program = self.shards.program();
        let definitions = &program.definitions;
        let number = resolve(&definitions.goal_names, "goal", name)?;
        let mut converting = Converting::new(&definitions.goals[number as usize], definitions);
        let at = self.now();
        for identifier in self.with_messages(1)? {
            self.convert(&program, &identifier, at, &mut converting)?;
            self.relieve_if_over_budget()?;
        }
        let mut tallies = converting.finish();
        let known = shown_by(definitions).into_iter();
        let known: Vec<(Shown, Conversions)> =
            known.map(|shown| (shown.clone(), tallies.remove(&shown).unwrap_or_default())).collect();
        let mut report = GoalReport { goal: name.to_owned(), at, offers: Vec::new(), variants: Vec::new() };
        for (shown, conversions) in known.into_iter().chain(tallies) {
            match shown {
                Shown::Offer(personalization, offer) => report.offers.push(OfferConversions {
                    personalization: personalization.to_string(),
                    offer: offer.to_string(),
                    conversions,
                }),
                Shown::Variant(experiment, variant) => report.variants.push(VariantConversions {
                    experiment: experiment.to_string(),
                    variant: variant.to_string(),
                    conversions,
                }),
            }
        }
        Ok(report)
    }

    /// Adds one customer, who may be gone meanwhile.
    fn convert(
        &self,
        program: &Program,
        identifier: &OwnedIdentifier,
        at: Time,
        converting: &mut Converting<'_>,
    ) -> Result<(), Error> {
        let Some(Writing { mut shard, place }) = self.write_one(identifier.borrowed(), at)? else {
            return Ok(());
        };
        shard.complete(place)?;
        let definitions = &program.definitions;
        let told = shard.profile(place).history.told(definitions);
        drop(shard);
        converting.add(&heard_until(at, told, &definitions.purposes).0);
        Ok(())
    }
}

/// All that a catalog can show, in its order.
fn shown_by(definitions: &Definitions) -> Vec<Shown> {
    let personalizations = definitions.personalization_names.iter().zip(&definitions.personalizations);
    let offers = personalizations.flat_map(|(name, personalization)| {
        personalization.offers.iter().map(|offer| Shown::Offer(name.into(), offer.name.clone()))
    });
    let experiments = definitions.experiment_names.iter().zip(&definitions.experiment_variants);
    let variants = experiments.flat_map(|(name, variants)| {
        variants.iter().map(|variant| Shown::Variant(name.into(), variant.clone()))
    });
    offers.chain(variants).collect()
}
