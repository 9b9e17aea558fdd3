//! Which variant of an experiment a unit is given: a frozen hash of a salt and the unit's id.
//!
//! The same on every device, offline, for ever; nothing but the experiment's own definition has a part in
//! it. A unit has a position in `[0, 1)`, and each variant a range: from the sum of the weights before it, as
//! long as its own weight times the traffic. So more traffic takes nobody's variant away.
//!
//! Beside the default there are the algorithms of GrowthBook (the `hash` of versions 1 and 2,
//! `getBucketRanges`, `chooseVariation` and `inNamespace` of its SDKs) and Unleash (normalised murmur3), with
//! the same results as theirs, so that a shop that moves keeps its assignments. The test vectors that they
//! publish are in `tests/assignment/`.
//!
//! Invariants:
//! 1. With no traffic nobody is given a variant; with all of it everybody, where weights are relative.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::base::frozen_hash::{hash64, murmur3_32};
use crate::model::declaration::{Algorithm, ShareDeclaration};

/// An experiment, as far as it decides who is given what; equal to another that says the same.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    definition: Definition,
    /// Of each variant; of Unleash none.
    ranges: Vec<(f64, f64)>,
    /// What tells it from another.
    identity: String,
}

/// What an assignment is made of.
#[derive(Clone, Debug)]
pub(crate) struct Definition {
    /// Of the experiment or holdout.
    pub(crate) name: Arc<str>,
    pub(crate) algorithm: Algorithm,
    /// What is hashed with ids.
    pub(crate) salt: String,
    /// The same for whether a unit takes part, where that is hashed apart (Unleash).
    pub(crate) traffic_salt: String,
    /// Which part of the units takes part, in percent.
    pub(crate) traffic: f64,
    /// The share of an exclusive group that this one has.
    pub(crate) group: Option<ShareDeclaration>,
    /// Names and weights.
    pub(crate) variants: Vec<(Arc<str>, f64)>,
    /// Units that are given a variant whatever they hash to.
    pub(crate) forced: BTreeMap<Arc<str>, usize>,
}

/// The name of a holdout's only variant, which no experiment's has.
const HELD_OUT: &str = "";
/// The seed with which Unleash hashes for variants.
const UNLEASH_VARIANT_SEED: u32 = 86_028_157;
/// By how much the sum of GrowthBook's weights may differ from 1.
const NEARLY: f64 = 0.01;

impl Assignment {
    /// The assignment by a definition.
    pub(crate) fn new(definition: Definition) -> Assignment {
        let identity = format!("{definition:?}");
        let coverage = definition.traffic / 100.0;
        let weights: Vec<f64> = definition.variants.iter().map(|(_, weight)| *weight).collect();
        let ranges = match definition.algorithm {
            Algorithm::Habitue => ranges(coverage, &weights),
            Algorithm::GrowthBook1 | Algorithm::GrowthBook2 => {
                growthbook_ranges(weights.len(), coverage, &fractions(&weights))
            }
            Algorithm::Unleash => Vec::new(),
        };
        Assignment { definition, ranges, identity }
    }

    /// Who is in a holdout of `percent`: one variant, which nobody reads.
    pub(crate) fn holdout(name: &str, salt: String, percent: f64) -> Assignment {
        Assignment::new(Definition {
            name: name.into(),
            algorithm: Algorithm::Habitue,
            traffic_salt: salt.clone(),
            salt,
            traffic: percent,
            group: None,
            variants: vec![(HELD_OUT.into(), 1.0)],
            forced: BTreeMap::new(),
        })
    }

    /// Of which experiment or holdout.
    pub(crate) fn name(&self) -> &str {
        &self.definition.name
    }

    /// Whether it was made for a holdout.
    pub(crate) fn is_holdout(&self) -> bool {
        self.definition.variants.first().is_some_and(|(name, _)| &**name == HELD_OUT)
    }

    /// The variant that a unit is given by name, if it is.
    pub(crate) fn forced(&self, unit: &str) -> Option<&Arc<str>> {
        self.definition.forced.get(unit).map(|place| &self.definition.variants[*place].0)
    }

    /// The variant that a unit hashes to, if it takes part.
    pub(crate) fn variant(&self, unit: &str) -> Option<&Arc<str>> {
        let Definition { algorithm, salt, variants, .. } = &self.definition;
        if unit.is_empty() || !self.is_in_share(unit) {
            return None;
        }
        let place = match algorithm {
            Algorithm::Unleash => self.unleash(unit)?,
            _ => choose(algorithm.position(salt, unit), &self.ranges)?,
        };
        Some(&variants[place].0)
    }

    fn is_in_share(&self, unit: &str) -> bool {
        let Some(ShareDeclaration { group, from, until }) = &self.definition.group else { return true };
        // GrowthBook hashes for its namespaces by its first version, whatever the experiment's is.
        let position = match self.definition.algorithm {
            Algorithm::GrowthBook1 | Algorithm::GrowthBook2 => {
                Algorithm::GrowthBook1.position(&format!("__{group}"), unit)
            }
            Algorithm::Habitue | Algorithm::Unleash => Algorithm::Habitue.position(group, unit),
        };
        position >= from / 100.0 && position < until / 100.0
    }

    fn unleash(&self, unit: &str) -> Option<usize> {
        let Definition { salt, traffic_salt, traffic, variants, .. } = &self.definition;
        let normalised = |salt: &str, parts: u32, seed| {
            f64::from(murmur3_32(format!("{salt}:{unit}").as_bytes(), seed) % parts.max(1) + 1)
        };
        if normalised(traffic_salt, 100, 0) > *traffic {
            return None;
        }
        let total: f64 = variants.iter().map(|(_, weight)| weight).sum();
        let target = normalised(salt, total as u32, UNLEASH_VARIANT_SEED);
        let mut so_far = 0.0;
        variants.iter().position(|(_, weight)| {
            so_far += weight;
            *weight > 0.0 && so_far >= target
        })
    }
}

impl Algorithm {
    /// Where a unit stands, in `[0, 1)`; Unleash has no such positions of its own.
    fn position(self, salt: &str, unit: &str) -> f64 {
        match self {
            Algorithm::Habitue | Algorithm::Unleash => {
                let length = (salt.len() as u64).to_le_bytes();
                let hash = hash64(&[&length, salt.as_bytes(), unit.as_bytes()].concat());
                (hash >> 11) as f64 / (1_u64 << 53) as f64
            }
            Algorithm::GrowthBook1 => f64::from(fnv1a([unit, salt]) % 1_000) / 1_000.0,
            Algorithm::GrowthBook2 => {
                f64::from(fnv1a([&fnv1a([salt, unit]).to_string()]) % 10_000) / 10_000.0
            }
        }
    }
}

/// Which range a position is in.
fn choose(position: f64, ranges: &[(f64, f64)]) -> Option<usize> {
    ranges.iter().position(|(from, until)| position >= *from && position < *until)
}

/// Ranges that meet exactly, and with all traffic leave nobody out.
fn ranges(coverage: f64, weights: &[f64]) -> Vec<(f64, f64)> {
    let total: f64 = weights.iter().sum();
    let (mut so_far, mut from) = (0.0, 0.0);
    let range = |weight: &f64| {
        so_far += weight;
        let until = so_far / total;
        let range = (from, if coverage < 1.0 { from + coverage * (until - from) } else { until });
        from = until;
        range
    };
    weights.iter().map(range).collect()
}

/// Ranges as GrowthBook reckons them (`getBucketRanges`): weights that are not one for each, or do not add up to
/// nearly 1, are taken for equal.
fn growthbook_ranges(variants: usize, coverage: f64, weights: &[f64]) -> Vec<(f64, f64)> {
    let coverage = coverage.clamp(0.0, 1.0);
    let equal = vec![1.0 / variants as f64; variants];
    let weights = if weights.len() == variants && add_up(weights, 1.0) { weights } else { &equal };
    let mut from = 0.0;
    let range = |weight: &f64| {
        let range = (from, from + coverage * weight);
        from += weight;
        range
    };
    weights.iter().map(range).collect()
}

/// Weights in percent as parts of 1; others as they are.
fn fractions(weights: &[f64]) -> Vec<f64> {
    let in_percent = add_up(weights, 100.0);
    weights.iter().map(|weight| if in_percent { weight / 100.0 } else { *weight }).collect()
}

fn add_up(weights: &[f64], to: f64) -> bool {
    (weights.iter().sum::<f64>() / to - 1.0).abs() <= NEARLY
}

/// Whether GrowthBook can be told these weights: parts of 1, percent, or equal ones.
pub(crate) fn are_growthbook_weights(weights: &[f64]) -> bool {
    let are_equal = weights.windows(2).all(|pair| pair[0].total_cmp(&pair[1]).is_eq());
    are_equal || add_up(weights, 1.0) || add_up(weights, 100.0)
}

/// FNV-1a of 32 bits (Fowler, Noll, Vo) of texts after each other, over UTF-16 as GrowthBook's own SDK does it:
/// of ASCII, that is over bytes.
fn fnv1a<const N: usize>(texts: [&str; N]) -> u32 {
    let units = texts.into_iter().flat_map(str::encode_utf16);
    units.fold(0x811c_9dc5, |hash, unit| (hash ^ u32::from(unit)).wrapping_mul(0x0100_0193))
}

impl PartialEq for Assignment {
    fn eq(&self, other: &Assignment) -> bool {
        self.identity == other.identity
    }
}

impl Eq for Assignment {}

impl Hash for Assignment {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::*;

    const GROWTHBOOK: &str = include_str!("../../tests/assignment/growthbook.json");
    const UNLEASH: &str = include_str!("../../tests/assignment/unleash.json");

    fn experiment(algorithm: Algorithm, salt: &str, variants: Vec<(Arc<str>, f64)>) -> Definition {
        Definition {
            name: "x".into(),
            algorithm,
            salt: salt.to_owned(),
            traffic_salt: salt.to_owned(),
            traffic: 100.0,
            group: None,
            variants,
            forced: BTreeMap::new(),
        }
    }

    fn named(weights: &[f64]) -> Vec<(Arc<str>, f64)> {
        weights.iter().enumerate().map(|(place, weight)| (place.to_string().into(), *weight)).collect()
    }

    fn cases(text: &str, name: &str) -> Vec<Vec<Json>> {
        let all: Json = serde_json::from_str(text).unwrap();
        let cases = all[name].as_array().unwrap();
        assert!(cases.len() > 10, "{name}");
        cases.iter().map(|case| case.as_array().unwrap().clone()).collect()
    }

    fn numbers(json: &Json) -> Vec<f64> {
        json.as_array().map_or(Vec::new(), |all| all.iter().map(|number| number.as_f64().unwrap()).collect())
    }

    fn pairs(json: &Json) -> Vec<(f64, f64)> {
        let pair = |pair: &Json| (pair[0].as_f64().unwrap(), pair[1].as_f64().unwrap());
        json.as_array().unwrap().iter().map(pair).collect()
    }

    #[test]
    fn growthbooks_hashes_are_its_own() {
        for case in cases(GROWTHBOOK, "hash") {
            let algorithm = match case[2].as_i64().unwrap() {
                1 => Algorithm::GrowthBook1,
                2 => Algorithm::GrowthBook2,
                // There is no other version, and a catalog cannot name one.
                _ => continue,
            };
            let position = algorithm.position(case[0].as_str().unwrap(), case[1].as_str().unwrap());
            assert_eq!(Some(position), case[3].as_f64(), "{case:?}");
        }
    }

    /// To the digits in which they are published.
    #[test]
    fn growthbooks_ranges_are_its_own() {
        for case in cases(GROWTHBOOK, "getBucketRange") {
            let [variants, coverage, weights] = &case[1].as_array().unwrap()[..] else { panic!("{case:?}") };
            let (variants, coverage) = (variants.as_u64().unwrap() as usize, coverage.as_f64().unwrap());
            let ranges = growthbook_ranges(variants, coverage, &numbers(weights));
            let expected = pairs(&case[2]);
            assert_eq!(ranges.len(), expected.len(), "{case:?}");
            for (range, expected) in ranges.iter().zip(expected) {
                let differ = (range.0 - expected.0).abs().max((range.1 - expected.1).abs());
                assert!(differ < 1e-12, "{case:?}: {ranges:?}");
            }
        }
        for case in cases(GROWTHBOOK, "chooseVariation") {
            let place = choose(case[1].as_f64().unwrap(), &pairs(&case[2]));
            assert_eq!(place.map_or(-1, |place| place as i64), case[3].as_i64().unwrap(), "{case:?}");
        }
    }

    #[test]
    fn growthbooks_namespaces_are_groups() {
        for case in cases(GROWTHBOOK, "inNamespace") {
            let percent = |place: usize| case[2][place].as_f64().unwrap() * 100.0;
            let (group, from, until) = (case[2][0].as_str().unwrap().to_owned(), percent(1), percent(2));
            let group = Some(ShareDeclaration { group, from, until });
            for algorithm in [Algorithm::GrowthBook1, Algorithm::GrowthBook2] {
                let assignment = Assignment::new(Definition {
                    group: group.clone(),
                    ..experiment(algorithm, "x", named(&[1.0]))
                });
                let is_in = assignment.is_in_share(case[1].as_str().unwrap());
                assert_eq!(is_in, case[3].as_bool().unwrap(), "{case:?}");
            }
        }
    }

    #[test]
    fn growthbooks_experiments_give_its_variants() {
        for case in cases(GROWTHBOOK, "run") {
            let asked = &case[1];
            let algorithm = match asked["hashVersion"].as_u64() {
                Some(2) => Algorithm::GrowthBook2,
                _ => Algorithm::GrowthBook1,
            };
            let variants = asked["variations"].as_u64().unwrap() as usize;
            let weights = asked.get("weights").map_or(vec![1.0; variants], numbers);
            let salt = asked.get("seed").unwrap_or(&asked["key"]).as_str().unwrap();
            let group = asked.get("namespace").map(|share| ShareDeclaration {
                group: share[0].as_str().unwrap().to_owned(),
                from: share[1].as_f64().unwrap() * 100.0,
                until: share[2].as_f64().unwrap() * 100.0,
            });
            let traffic = asked.get("coverage").map_or(100.0, |coverage| coverage.as_f64().unwrap() * 100.0);
            let definition = experiment(algorithm, salt, named(&weights));
            let assignment = Assignment::new(Definition { group, traffic, ..definition });
            let given = case[2].as_str().and_then(|unit| assignment.variant(unit));
            assert_eq!(given.map(|name| name.parse().unwrap()), case[3].as_u64(), "{case:?}");
        }
    }

    #[test]
    fn unleashs_flags_give_its_variants() {
        for case in cases(UNLEASH, "cases") {
            let asked = &case[1];
            let text = |name: &str| asked[name].as_str().unwrap().to_owned();
            let variants = asked["variants"].as_array().unwrap().iter();
            let variants: Vec<(Arc<str>, f64)> = variants
                .map(|variant| (variant[0].as_str().unwrap().into(), variant[1].as_f64().unwrap()))
                .collect();
            let place = |name: &Json| variants.iter().position(|(known, _)| Some(&**known) == name.as_str());
            let forced = asked["forced"].as_object().unwrap().iter();
            let forced = forced.map(|(unit, name)| (unit.as_str().into(), place(name).unwrap())).collect();
            let assignment = Assignment::new(Definition {
                traffic_salt: text("traffic_salt"),
                traffic: asked["traffic"].as_f64().unwrap(),
                forced,
                ..experiment(Algorithm::Unleash, &text("salt"), variants)
            });
            let unit = case[2].as_str().unwrap_or_default();
            let given = assignment.forced(unit).or_else(|| assignment.variant(unit));
            assert_eq!(given.map(|name| &**name), case[3].as_str(), "{case:?}");
        }
    }

    /// The default's positions are written down: a change of them would move customers between variants.
    #[test]
    fn the_default_is_frozen() {
        for (salt, unit, position) in FROZEN {
            assert_eq!(Algorithm::Habitue.position(salt, unit), position, "{salt} {unit}");
        }
    }

    /// As another implementation of XXH3 has them.
    const FROZEN: [(&str, &str, f64); 4] = [
        ("", "", 0.779_224_081_764_850_7),
        ("x", "ana", 0.898_721_214_150_177_7),
        ("xa", "na", 0.415_139_896_184_744_56),
        ("\u{e4}", "\u{1f600}", 0.576_954_867_694_855_5),
    ];

    /// Of ten million ids, each variant has as many as chance allows: within 3.29 standard deviations of the
    /// binomial, which one of a thousand samples is not.
    #[test]
    fn ids_are_split_by_weights() {
        const IDS: u32 = 10_000_000;
        let weights = [50.0, 30.0, 15.0, 5.0];
        let definition = Definition { traffic: 80.0, ..experiment(Algorithm::Habitue, "x", named(&weights)) };
        let assignment = Assignment::new(definition);
        let mut given = [0_u32; 5];
        for number in 0..IDS {
            let place = assignment.variant(&number.to_string()).map(|name| name.parse::<usize>().unwrap());
            given[place.unwrap_or(4)] += 1;
        }
        for (given, part) in given.into_iter().zip([0.40, 0.24, 0.12, 0.04, 0.20]) {
            let expected = f64::from(IDS) * part;
            let deviation = (expected * (1.0 - part)).sqrt();
            assert!((f64::from(given) - expected).abs() < 3.29 * deviation, "{given} of {expected}");
        }
    }

    #[test]
    fn more_traffic_takes_no_variant_away() {
        let units: Vec<String> = (0..2_000).map(|number| format!("u{number}")).collect();
        for algorithm in
            [Algorithm::Habitue, Algorithm::GrowthBook1, Algorithm::GrowthBook2, Algorithm::Unleash]
        {
            let of = |traffic: f64| {
                let definition = experiment(algorithm, "x", named(&[50.0, 30.0, 20.0]));
                Assignment::new(Definition { traffic, ..definition })
            };
            let (none, some, most, all) = (of(0.0), of(10.0), of(60.0), of(100.0));
            for unit in &units {
                assert_eq!(none.variant(unit), None);
                let given = [some.variant(unit), most.variant(unit), all.variant(unit)];
                assert!(given[2].is_some(), "{algorithm:?} {unit}");
                assert!(given[1].is_none() || given[1] == given[2], "{algorithm:?} {unit}");
                assert!(given[0].is_none() || given[0] == given[1], "{algorithm:?} {unit}");
            }
        }
    }

    #[test]
    fn shares_of_a_group_exclude_each_other() {
        let share = |from, until| {
            let group = Some(ShareDeclaration { group: "g".to_owned(), from, until });
            Assignment::new(Definition { group, ..experiment(Algorithm::Habitue, "x", named(&[1.0])) })
        };
        let shares = [share(0.0, 30.0), share(30.0, 70.0), share(70.0, 100.0)];
        for number in 0..2_000 {
            let unit = number.to_string();
            let takes_part = shares.iter().filter(|share| share.variant(&unit).is_some());
            assert_eq!(takes_part.count(), 1, "{unit}");
        }
    }
}
