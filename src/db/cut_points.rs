//! Measuring the population, and publishing where it is cut.
//!
//! Everybody who is counted is measured as of one instant: those in memory, and those on disk in their images.
//! Of more than [`MOST_MEASURED`] customers, those with the least hashes of their keys stand for all: a sample
//! that is the same however customers are spread over shards, memory and disk. By the inequality of Dvoretzky,
//! Kiefer and Wolfowitz the share below a cut of such a sample is off by more than 0.4 % of the population once
//! in 10^14 times; of fewer customers it is exact.

use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use crate::base::error::Error;
use crate::base::frozen_hash::hash64;
use crate::base::quantiles::cuts;
use crate::base::time::Time;
use crate::db::database::{Database, Writing};
use crate::db::questions::view;
use crate::engine::program::Program;
use crate::model::identifier::Identifier;
use crate::model::published::Cuts;
use crate::model::value::Value;
use crate::rules::definitions::QuantileDefinition;
use crate::rules::evaluate::evaluate;
use crate::store::profile::{Body, Profile};

/// Most values of one quantile that are kept while a population is measured: 16 MiB.
const MOST_MEASURED: usize = 1 << 20;

/// A quantile with the cut-points that are published for it.
#[derive(Clone, Debug, PartialEq)]
pub struct CutPoints {
    /// The name of the quantile.
    pub quantile: String,
    /// How many customers were counted.
    pub counted: u64,
    /// The cut-points, ascending: one less than there are parts. A customer with the value of a cut-point is
    /// above it. None if nobody was ever counted.
    pub cuts: Vec<Value>,
    /// How many of them are others than before.
    pub moved: usize,
}

/// Values of a population.
#[derive(Debug, Default)]
struct Measured {
    counted: u64,
    /// Those with the least hashes, the greatest on top.
    sample: BinaryHeap<(u64, i64)>,
}

impl Measured {
    fn add(&mut self, hash: u64, rank: i64) {
        self.counted += 1;
        self.sample.push((hash, rank));
        if self.sample.len() > MOST_MEASURED {
            self.sample.pop();
        }
    }

    fn sorted(self) -> Vec<i64> {
        let mut ranks: Vec<i64> = self.sample.into_iter().map(|(_, rank)| rank).collect();
        ranks.sort_unstable();
        ranks
    }
}

impl Database {
    /// Measures everybody by the quantiles of the catalog, and publishes where the population is to be cut: as
    /// one step for all readers, like [`Database::replace_catalog`]. A cut-point stays that is good enough by
    /// the quantile's `tolerance`; if all do, nothing is published.
    ///
    /// Nobody else calls it: how often is up to you, such as every night. It takes the time of asking everybody
    /// once, those on disk included, and some 100 bytes of memory for each of them.
    ///
    /// ```
    /// use habitue::{Catalog, Database, Message, Value};
    /// let database = Database::in_memory(Catalog::from_toml(r#"
    ///     schema = 1
    ///     [attributes]
    ///     points = "int"
    ///     [quantiles]
    ///     level = { value = 'points', parts = 4 }
    /// "#)?);
    /// for (id, points) in [("ana", 10), ("ben", 20), ("cem", 30), ("dora", 40)] {
    ///     database.apply(Message::identify(id).with_trait("points", points))?;
    /// }
    /// assert_eq!(database.attribute("cem", "level")?, None);
    /// let published = database.publish_cut_points()?;
    /// assert_eq!((published[0].counted, published[0].moved), (4, 3));
    /// assert_eq!(database.attribute("cem", "level")?, Some(Value::Int(3)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// `ReadOnly`; or if a profile cannot be read from disk, or the cut-points cannot be written there.
    pub fn publish_cut_points(&self) -> Result<Vec<CutPoints>, Error> {
        self.check_changeable()?;
        loop {
            let (program, measured) = self.measured()?;
            let mut told = Vec::new();
            let mut measured = Some(measured);
            self.publish(|definitions, published| {
                // Nothing else is put in force meanwhile, but may have been before.
                if !std::ptr::eq(definitions, &raw const program.definitions) {
                    return Ok(());
                }
                for (quantile, measured) in
                    definitions.quantiles.iter().zip(measured.take().into_iter().flatten())
                {
                    let before = published.cuts.get(&*quantile.name);
                    let (after, counted) = moved(quantile, measured, before);
                    told.push(said(quantile, counted, before, after.as_ref()));
                    published.cuts.extend(after.map(|after| (quantile.name.to_string(), after)));
                }
                Ok(())
            })?;
            if measured.is_none() {
                return Ok(told);
            }
        }
    }

    /// The values of everybody, by quantile, under the program that is given with them.
    fn measured(&self) -> Result<(Arc<Program>, Vec<Measured>), Error> {
        self.of_everybody(|program| {
            let quantiles = &program.definitions.quantiles;
            let now = self.now();
            let reads_messages = program.compares_old_messages();
            let measure = |profile: &Profile| match profile.body {
                Body::Image(_) if reads_messages => Some(Ranks::default()),
                _ => Some(measure(program, profile, now)),
            };
            let Some(mut everybody) = self.pick(program, measure)? else { return Ok(None) };
            if reads_messages {
                everybody.extend(self.measured_one_by_one(program, now)?);
            }
            let mut all: Vec<Measured> = quantiles.iter().map(|_| Measured::default()).collect();
            for (key, ranks) in &everybody {
                let hash = hash64(key);
                for (measured, rank) in all.iter_mut().zip(ranks) {
                    rank.iter().for_each(|rank| measured.add(hash, *rank));
                }
            }
            Ok(Some((Arc::clone(program), all)))
        })
    }

    /// The ranks of those on disk, who come to memory for it: what they are asked reads messages that are not in
    /// their images.
    fn measured_one_by_one(&self, program: &Program, now: Time) -> Result<BTreeMap<Vec<u8>, Ranks>, Error> {
        let Some(upkeep) = &self.upkeep else { return Ok(BTreeMap::new()) };
        let mut ranks = BTreeMap::new();
        for key in self.trusting(|| upkeep.folder.keys())? {
            let Some(identifier) = Identifier::of_key(&key) else { continue };
            if let Some(Writing { shard, place }) = self.write_one(identifier, now)? {
                let profile = shard.profile(place);
                ranks.insert(profile.key().key(), measure(program, profile, now));
            }
        }
        Ok(ranks)
    }
}

/// The ranks of a customer's values, by quantile; nothing where they are not counted.
type Ranks = Box<[Option<i64>]>;

fn measure(program: &Program, profile: &Profile, now: Time) -> Ranks {
    let standing = profile.standing();
    let quantiles = program.definitions.quantiles.iter();
    if !standing.is_known() {
        return quantiles.map(|_| None).collect();
    }
    let view = view(program, standing, &profile.history, now.max(standing.as_of()));
    let of_one = |quantile: &QuantileDefinition| {
        let is_counted = evaluate(&quantile.of, &view).value == Some(Value::Bool(true));
        let value = is_counted.then(|| evaluate(&quantile.value, &view).value)??;
        quantile.kind.rank(&value)
    };
    quantiles.map(of_one).collect()
}

/// The cut-points of a population, and how many it was; none if nobody is counted.
fn moved(quantile: &QuantileDefinition, measured: Measured, before: Option<&Cuts>) -> (Option<Cuts>, u64) {
    let counted = measured.counted;
    let before = before.and_then(|before| before.ranks(quantile.kind, quantile.parts as usize - 1));
    let ranks = cuts(&measured.sorted(), quantile.parts, quantile.tolerance, before.as_deref());
    (ranks.map(|ranks| Cuts::of(quantile.kind, ranks)), counted)
}

fn said(
    quantile: &QuantileDefinition,
    counted: u64,
    before: Option<&Cuts>,
    after: Option<&Cuts>,
) -> CutPoints {
    let (was, is) = (before.map(Cuts::values).unwrap_or_default(), after.or(before).map(Cuts::values));
    let is = is.unwrap_or_default();
    let moved = is.iter().enumerate().filter(|(place, cut)| was.get(*place) != Some(cut)).count();
    CutPoints { quantile: quantile.name.to_string(), counted, cuts: is, moved }
}
