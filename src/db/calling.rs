//! Decisions for calls that say more than who asks, and decisions that are made together.

use std::sync::Arc;

use crate::base::error::{Error, ErrorKind};
use crate::base::time::Time;
use crate::db::database::{Database, Reading};
use crate::db::questions::{resolve, resolve_personalization};
use crate::derived::work::Work;
use crate::engine::called::Called;
use crate::engine::cell::Cell;
use crate::engine::decide::{Deciding, Decisions};
use crate::engine::decision::Decided;
use crate::engine::explain::segment::Explaining;
use crate::engine::explanation::Explanation;
use crate::engine::program::Program;
use crate::engine::standing::Standing;
use crate::facts::stamp::{MessageOrder, NoMessages};
use crate::model::call::Call;
use crate::model::ids::PersonalizationId;
use crate::rules::at_call::AlreadyShown;
use crate::rules::definitions::PlacementDefinition;
use crate::rules::exposures::Exposures;
use crate::store::profile::Profile;
use crate::store::shard::Shard;

/// A customer who is asked for, brought to now.
struct Asked<'a> {
    standing: Standing<'a>,
    decisions: &'a Decisions,
    order: &'a dyn MessageOrder,
    cause: Option<Arc<str>>,
    now: Time,
    exposures: &'a dyn Exposures,
}

impl Database {
    /// What to show the customer `id`, for a call that says more than who asks.
    ///
    /// Only what depends on the call is evaluated for it; of a personalization that asks for nothing that
    /// calls say, the answer is that of [`Database::decide`].
    ///
    /// # Errors
    /// If the catalog has no such personalization, experiment or variant, or what the call says does not fit
    /// the catalog.
    pub fn decide_with(&self, id: &str, personalization: &str, call: &Call) -> Result<Decided, Error> {
        let program = self.shards.program();
        let called = Called::of(call, &program.definitions)?;
        let place = resolve_personalization(&program, personalization)?;
        if called.says_nothing_to(&program.definitions.personalizations[place.index()]) {
            return self.decide(id, personalization);
        }
        self.decide_beside(id, personalization, call, &mut AlreadyShown::default(), &*self.shards.exposed)
    }

    /// What to show the customer `id` in a placement: the decisions of its personalizations, in their order. No
    /// offer is shown twice, nor beside one that excludes it, nor more than the placement has room for.
    ///
    /// ```
    /// use habitue::{Call, Catalog, Database};
    ///
    /// let database = Database::in_memory(Catalog::from_toml(r#"
    ///     schema = 1
    ///     [personalizations.hero]
    ///     offers = [{ name = "sale" }, { name = "news" }]
    ///     [personalizations.sidebar]
    ///     offers = [{ name = "sale" }, { name = "club" }]
    ///     [placements.home]
    ///     personalizations = ["hero", "sidebar"]
    /// "#)?);
    /// let decided = database.decide_placement("ana", "home", &Call::new())?;
    /// let names: Vec<_> = decided.iter().map(|decided| decided.decision.name()).collect();
    /// assert_eq!(names, [Some("sale"), Some("club")]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the catalog has no such placement, and as [`Database::decide_with`].
    pub fn decide_placement(&self, id: &str, placement: &str, call: &Call) -> Result<Vec<Decided>, Error> {
        let (decided, _) = self.decide_called(id, &*self.shards.exposed, |program| {
            let placement = resolve_placement(program, placement)?;
            let already = AlreadyShown::nothing_of(placement.most);
            Ok((placement.personalizations.clone(), Called::of(call, &program.definitions)?, already))
        })?;
        Ok(decided)
    }

    /// The decision for a call, beside what it has shown already; what it shows is added to that.
    pub(crate) fn decide_beside(
        &self,
        id: &str,
        personalization: &str,
        call: &Call,
        already: &mut AlreadyShown,
        exposures: &dyn Exposures,
    ) -> Result<Decided, Error> {
        let (mut decided, shown) = self.decide_called(id, exposures, |program| {
            let place = resolve_personalization(program, personalization)?;
            Ok((vec![place], Called::of(call, &program.definitions)?, already.clone()))
        })?;
        *already = shown;
        decided.pop().ok_or_else(|| Error::new(ErrorKind::NotFound, "nothing was asked for"))
    }

    /// Why the customer `id` is shown what a personalization decides for a call, as
    /// [`Database::explain_decision`] says it.
    ///
    /// # Errors
    /// As [`Database::decide_with`].
    pub fn explain_decision_with(
        &self,
        id: &str,
        personalization: &str,
        call: &Call,
    ) -> Result<Explanation, Error> {
        self.explain(id, |explaining| {
            let personalization = resolve_personalization(explaining.program, personalization)?;
            let called = Called::of(call, &explaining.program.definitions)?;
            Ok(Explaining { call: called.at_call(&[]), ..*explaining }.decision(personalization))
        })
    }

    /// The decisions that are asked of a customer for one call, each beside those before it, and all that the
    /// call has shown then.
    fn decide_called(
        &self,
        id: &str,
        exposures: &dyn Exposures,
        ask: impl Fn(&Program) -> Result<(Vec<PersonalizationId>, Called, AlreadyShown), Error>,
    ) -> Result<(Vec<Decided>, AlreadyShown), Error> {
        let now = self.now();
        let (decided, already) = match self.read(id, now)? {
            Some(Reading { shard, place }) => {
                let profile = shard.profile(place);
                let standing = profile.standing();
                let asked = Asked {
                    standing,
                    decisions: &profile.decisions,
                    order: &profile.history,
                    cause: profile.cause(),
                    now: now.max(standing.as_of()),
                    exposures,
                };
                self.decide_each(&shard.program, asked, &ask)?
            }
            None => {
                let (cell, decisions) = (Cell::new(), Decisions::default());
                let standing = Standing::Cell(&cell);
                let (decisions, order) = (&decisions, &NoMessages);
                let asked = Asked { standing, decisions, order, cause: None, now, exposures };
                self.decide_each(&self.shards.program(), asked, &ask)?
            }
        };
        Ok((decided.into_iter().map(|decided| self.until_ties(decided)).collect(), already))
    }

    fn decide_each(
        &self,
        program: &Program,
        asked: Asked<'_>,
        ask: &impl Fn(&Program) -> Result<(Vec<PersonalizationId>, Called, AlreadyShown), Error>,
    ) -> Result<(Vec<Decided>, AlreadyShown), Error> {
        let (personalizations, called, mut already) = ask(program)?;
        let Asked { standing, decisions, order, cause, now, exposures } = asked;
        let mut work = Work::default();
        let mut deciding = Deciding { program, exposures, order, cause, now, work: &mut work };
        let each = personalizations.into_iter();
        let decided =
            each.map(|id| deciding.beside(standing, decisions, id, &called, &mut already)).collect();
        self.counts.add(work);
        Ok((decided, already))
    }
}

/// The placement of a name.
pub(crate) fn resolve_placement<'p>(
    program: &'p Program,
    name: &str,
) -> Result<&'p PlacementDefinition, Error> {
    let number = resolve(&program.definitions.placement_names, "placement", name)?;
    Ok(&program.definitions.placements[number as usize])
}

/// The decision for a call, beside what it has shown already; what it shows is added to that.
pub(crate) fn decide_in(
    shard: &mut Shard,
    place: u32,
    personalization: PersonalizationId,
    now: Time,
    (called, already): (&Called, &mut AlreadyShown),
) -> Decided {
    let (program, exposures, profile, work) = shard.deciding(place);
    let now = now.max(profile.standing().as_of());
    let cause = profile.cause();
    let Profile { body, decisions, history, .. } = profile;
    let mut deciding = Deciding { program, exposures, order: history, cause, now, work };
    let definition = &program.definitions.personalizations[personalization.index()];
    if already.is_nothing() && called.says_nothing_to(definition) {
        let decided = deciding.decide(body.standing(), decisions, personalization);
        deciding.show(&decided.decision, personalization, already);
        return decided;
    }
    deciding.beside(body.standing(), decisions, personalization, called, already)
}
