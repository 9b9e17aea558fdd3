//! Random streams, skewed and uniform, in any order, against counting everything.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::time::{Duration, Time};
use crate::crowd::contexts::Contexts;
use crate::crowd::item::Item;
use crate::crowd::lists::{List, Listed, SUPPORT, popular, together, trending};
use crate::crowd::occurrence::Occurrence;
use crate::crowd::tally::{Crowd, MOST_TOGETHER};
use crate::model::ids::{EventId, PropertyId};
use crate::rules::crowds::{CrowdDefinition, ItemsAt};

const HOUR: i64 = 3_600_000;
/// What rounding may cost, as a part of a score.
const ROUNDING: f64 = 1e-6;

/// Chance that is the same every time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % bound
    }

    /// A number below `bound`, small ones far more often.
    fn skewed(&mut self, bound: u64) -> u64 {
        let least = (0..3).map(|_| self.below(bound)).min();
        least.map_or(0, |least| least * self.below(bound) / bound)
    }
}

fn definition(keep: u32, contexts: u32, items: u32) -> CrowdDefinition {
    CrowdDefinition {
        name: "popular".into(),
        event: EventId(0),
        items: ItemsAt::Property(PropertyId(0)),
        by: Vec::new(),
        hours: None,
        half_life: Duration::from_millis(48 * HOUR),
        trending: Some(Duration::from_millis(6 * HOUR)),
        keep,
        contexts,
        together: Some(items),
        people: 20,
        meaning: String::new(),
    }
}

/// Everything that was counted, and what follows from it.
#[derive(Default)]
struct Everything(Vec<(u64, Occurrence)>);

impl Everything {
    fn sum(&self, at: (Time, Duration), weighs: impl Fn(&Occurrence) -> f64) -> f64 {
        let (now, half_life) = at;
        let age = |time: Time| now.since(time).millis() as f64 / half_life.millis() as f64;
        self.0.iter().map(|(_, occurrence)| weighs(occurrence) * (-age(occurrence.time)).exp2()).sum()
    }

    fn count(&self, context: &[Item], item: &Item, at: (Time, Duration)) -> f64 {
        self.sum(at, |one| f64::from(one.context[..] == *context && one.items.contains(item)))
    }

    fn total(&self, context: &[Item], at: (Time, Duration)) -> f64 {
        self.sum(at, |one| if one.context[..] == *context { one.items.len() as f64 } else { 0.0 })
    }

    fn both(&self, items: &[&Item], at: (Time, Duration)) -> f64 {
        let first = |one: &Occurrence| one.items[..one.items.len().min(MOST_TOGETHER)].to_vec();
        self.sum(at, |one| f64::from(items.iter().all(|item| first(one).contains(item))))
    }

    fn people(&self, has: impl Fn(&Occurrence) -> bool, since: Time) -> usize {
        let had = self.0.iter().filter(|(_, one)| one.time > since && has(one));
        had.map(|(who, _)| *who).collect::<BTreeSet<u64>>().len()
    }
}

fn is_within(listed: &Listed, truth: f64, what: &str) {
    let slack = ROUNDING * (truth.abs() + 1e-3);
    assert!(
        listed.score <= truth + slack && truth <= listed.score + listed.error + slack,
        "{what} {:?}: {} to {}, and in truth {truth}",
        listed.item,
        listed.score,
        listed.score + listed.error
    );
}

struct Stream {
    skewed: bool,
    events: u64,
    items: u64,
    contexts: u64,
}

fn stream(chance: &mut Chance, shape: &Stream, start: Time) -> Vec<(u64, Occurrence)> {
    let number = |chance: &mut Chance, bound| {
        if shape.skewed { chance.skewed(bound) } else { chance.below(bound) }
    };
    let mut events: Vec<(u64, Occurrence)> = Vec::new();
    for event in 0..shape.events {
        let wanted = 1 + chance.below(5);
        let mut items: Vec<Item> = Vec::new();
        for _ in 0..wanted {
            let item = Item::Text(format!("p{}", number(chance, shape.items)).into());
            if !items.contains(&item) {
                items.push(item);
            }
        }
        // Lately there is something new.
        let new = Item::Text("p5".into());
        if event * 3 > shape.events * 2 && chance.below(2) == 0 && !items.contains(&new) {
            items.push(new);
        }
        let context = Item::Int(number(chance, shape.contexts) as i64);
        let time = start + Duration::from_millis(event as i64 * HOUR / 8 + chance.below(1_000) as i64);
        let who = chance.below(60);
        events.push((who, Occurrence { context: [context].into_iter().collect(), items, time }));
    }
    // Some come late.
    for _ in 0..shape.events / 4 {
        let (one, other) = (chance.below(shape.events), chance.below(shape.events));
        events.swap(one as usize, other as usize);
    }
    events
}

/// Of each kind, how many scores were compared that are exact, and how many that are not.
#[derive(Default)]
struct Compared(BTreeMap<&'static str, [u32; 2]>);

impl Compared {
    fn note(&mut self, kind: &'static str, listed: &Listed, truth: f64) {
        is_within(listed, truth, kind);
        self.0.entry(kind).or_default()[usize::from(listed.error > 0.0)] += 1;
    }
}

fn compare(definition: &CrowdDefinition, crowd: &Crowd, all: &Everything, now: Time, found: &mut Compared) {
    crowd.by_context.validate();
    crowd.by_item.iter().for_each(Contexts::validate);
    let (long, short) = (definition.half_life, definition.trending.unwrap());
    let since = now - Duration::from_millis(10 * long.millis());
    for context in (0..40).map(Item::Int) {
        let key = std::slice::from_ref(&context);
        let table = crowd.by_context.get(key);
        let people = all.people(|one| one.context[..] == *key, since);
        match popular(definition, table, 10, now) {
            List::Published(listed) => {
                assert!(people >= 20, "{people} customers are behind a list");
                for one in &listed {
                    found.note("popular", one, all.count(key, &one.item, (now, long)));
                }
                assert!(listed.is_sorted_by(|a, b| a.score >= b.score));
            }
            List::TooFewPeople => assert!(people < 20 || definition.contexts < 40, "{people} are enough"),
        }
        if let List::Published(listed) = trending(definition, table, 10, now) {
            for one in &listed {
                let part = |half_life| {
                    all.count(key, &one.item, (now, half_life)) / all.total(key, (now, half_life))
                };
                let (p, q) = (part(short), part(long));
                found.note("trending", one, p * (p / q).ln());
                assert!(one.score > 0.0);
            }
        }
    }
    let by_item = crowd.by_item.as_ref().unwrap();
    for item in (0..30).map(|number| Item::Text(format!("p{number}").into())) {
        let List::Published(listed) = together(definition, by_item, &item, 10, now) else { continue };
        for one in &listed {
            let at = (now, long);
            let both = all.both(&[&item, &one.item], at);
            assert!(both >= SUPPORT - ROUNDING);
            let alone = all.both(&[&item], at) * all.both(&[&one.item], at);
            found.note("together", one, both / alone.sqrt());
        }
    }
}

#[test]
fn the_truth_is_within_what_every_list_says() {
    let start = Time::parse("2026-03-01T00:00:00Z").unwrap();
    // With room for all, and with far too little.
    for (keep, contexts, items) in [(64, 40, 64), (12, 40, 20), (20, 5, 64), (8, 3, 12)] {
        let definition = definition(keep, contexts, items);
        let mut found = Compared::default();
        for seed in 1..=8_u64 {
            let chance = &mut Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let shape = Stream { skewed: seed % 2 == 0, events: 1_500, items: 60, contexts: 12 };
            let (mut crowd, mut all) = (Crowd::new(&definition), Everything::default());
            for (number, (who, occurrence)) in stream(chance, &shape, start).into_iter().enumerate() {
                crowd.count(&definition, who, &occurrence);
                all.0.push((who, occurrence));
                if number % 500 == 499 {
                    let now = start + Duration::from_millis((number as i64 + 1) * HOUR / 8);
                    compare(&definition, &crowd, &all, now, &mut found);
                }
            }
        }
        for (kind, [exact, inexact]) in found.0 {
            let has_room = keep == 64;
            // Where there is little room, little trends for sure.
            let least = if has_room { 20 } else { 0 };
            assert!(exact + inexact > least, "{kind} with room for {keep}: {exact} and {inexact}");
            assert_eq!(inexact == 0, has_room, "{kind} with room for {keep}: {exact} and {inexact}");
        }
    }
}

#[test]
fn with_room_for_all_everything_is_exact_in_any_order() {
    let start = Time::parse("2026-03-01T00:00:00Z").unwrap();
    let definition = definition(64, 40, 64);
    let shape = Stream { skewed: true, events: 800, items: 30, contexts: 4 };
    let mut events = stream(&mut Chance(77), &shape, start);
    let lists = |events: &[(u64, Occurrence)]| {
        let mut crowd = Crowd::new(&definition);
        events.iter().for_each(|(who, one)| crowd.count(&definition, *who, one));
        let now = start + Duration::from_millis(100 * HOUR);
        let table = crowd.by_context.get(&[Item::Int(0)]);
        let by_item = crowd.by_item.as_ref().unwrap();
        let item = Item::Text("p0".into());
        let lists = [
            popular(&definition, table, 5, now),
            trending(&definition, table, 5, now),
            together(&definition, by_item, &item, 5, now),
        ];
        lists.map(|list| match list {
            List::Published(listed) => listed,
            List::TooFewPeople => Vec::new(),
        })
    };
    let forwards = lists(&events);
    events.reverse();
    let backwards = lists(&events);
    for (one, other) in forwards.iter().flatten().zip(backwards.iter().flatten()) {
        assert_eq!((&one.item, one.error, other.error), (&other.item, 0.0, 0.0));
        assert!((one.score - other.score).abs() < ROUNDING);
    }
    assert!(forwards.iter().all(|list| !list.is_empty()), "{forwards:?}");
    assert!(forwards.iter().zip(&backwards).all(|(one, other)| one.len() == other.len()));
}

#[test]
fn a_customer_who_is_forgotten_is_behind_no_list() {
    let definition = definition(8, 8, 8);
    let start = Time::parse("2026-03-01T00:00:00Z").unwrap();
    let mut crowd = Crowd::new(&definition);
    let context = [Item::Int(1)];
    for who in 0..20 {
        let items = vec![Item::Int(7)];
        let occurrence = Occurrence { context: context.iter().cloned().collect(), items, time: start };
        crowd.count(&definition, who, &occurrence);
        crowd.count(&definition, who, &occurrence);
        let list = popular(&definition, crowd.by_context.get(&context), 3, start);
        assert_eq!(list == List::TooFewPeople, who < 19, "after {} customers", who + 1);
    }
    crowd.forget(4);
    assert_eq!(popular(&definition, crowd.by_context.get(&context), 3, start), List::TooFewPeople);
}
