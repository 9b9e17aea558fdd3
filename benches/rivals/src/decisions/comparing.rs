//! The rounds: everybody in turn, for each number of segments.

use std::hint::black_box;
use std::path::Path;

use super::closures::Closures;
use super::decider::Decider;
use super::habitue_memory::Habitue;
use super::maps_by_name::MapsByName;
use super::offers::Offers;
use super::redis_text::RedisText;
use super::stored_winner::StoredWinner;
use crate::arguments::Arguments;
use crate::customers::{chosen, id, nth, values};
use crate::table::Table;
use crate::times::{Summary, Times};
use crate::{Outcome, redis_server};

/// Who decides, and its name.
type Side = (&'static str, Box<dyn Decider>);

/// Nobody: what choosing a customer and reading the clock cost.
struct Nothing;

impl Decider for Nothing {
    fn decide(&mut self, _: &str) -> Outcome<&str> {
        Ok("")
    }
}

pub(crate) fn compare(arguments: &Arguments) -> Outcome<Vec<Table>> {
    let folder = arguments.folder.join(format!("decisions-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    // An offer has at least one segment.
    let sizes = arguments.segments.iter().filter(|segments| **segments >= super::offers::OFFERS);
    let tables = sizes.map(|segments| measure(*segments, arguments, &folder)).collect();
    std::fs::remove_dir_all(&folder)?;
    tables
}

fn sides(offers: &Offers, customers: u64, folder: &Path) -> Outcome<Vec<Side>> {
    let mut sides: Vec<Side> = vec![
        ("floor: the winner stored in a map", Box::new(StoredWinner::new(offers, customers))),
        ("closures over a row", Box::new(Closures::new(offers, customers))),
        ("closures over a map by name", Box::new(MapsByName::new(offers, customers))),
    ];
    #[cfg(feature = "rules")]
    sides.extend(rules(offers, customers)?);
    if redis_server::is_installed() {
        sides.push(("Redis, the text stored", Box::new(RedisText::new(offers, customers, folder)?)));
    }
    sides.push(("Habitue, decision", Box::new(Habitue::new(offers, customers)?)));
    Ok(sides)
}

#[cfg(feature = "rules")]
fn rules(offers: &Offers, customers: u64) -> Outcome<Vec<Side>> {
    Ok(vec![
        ("a-tree", Box::new(super::a_tree_index::ATreeIndex::new(offers, customers)?)),
        ("cel interpreter", Box::new(super::cel_interpreter::CelInterpreter::new(offers, customers)?)),
        ("GoRules zen-expression", Box::new(super::zen::Zen::new(offers, customers)?)),
        ("rhai", Box::new(super::rhai_script::RhaiScript::new(offers, customers)?)),
        ("Unleash yggdrasil", Box::new(super::yggdrasil::Yggdrasil::new(offers, customers)?)),
    ])
}

fn measure(segments: usize, arguments: &Arguments, folder: &Path) -> Outcome<Table> {
    let (offers, customers) = (Offers::new(segments), arguments.customers as u64);
    let mut sides = sides(&offers, customers, folder)?;
    let won = check(&mut sides, &offers, customers)?;
    sides.insert(0, ("nothing", Box::new(Nothing)));
    let mut times: Vec<Times> = sides.iter().map(|_| Times::default()).collect();
    // Interpreters take as long as there are segments.
    let calls = (2_000_000 / segments).min(arguments.calls);
    for round in 0..arguments.rounds {
        let [alone, together] = [0, 1].map(|part| chosen((round * 2 + part) as u64, calls, customers));
        for ((_, side), times) in sides.iter_mut().zip(&mut times) {
            let mut ask = |id: &str| {
                black_box(side.decide(id)?);
                Ok(())
            };
            times.alone(calls, |number| ask(nth(&alone, number)))?;
            times.together(calls, || (0..calls).try_for_each(|number| ask(nth(&together, number))))?;
        }
    }
    let mut table = Table::new(format!(
        "Which of 20 offers, text included: {segments} segments, {customers} customers by string id"
    ));
    let nothing = times[0].summary(Summary::default());
    for ((name, _), times) in sides.iter().zip(&mut times).skip(1) {
        table.rows.push(((*name).to_owned(), times.summary(nothing)));
    }
    table.notes.push(format!("All agree on the text of every customer; {:.0} % see an offer.", won * 100.0));
    Ok(table)
}

/// Asks everybody for every customer; what part of them sees an offer.
fn check(sides: &mut [Side], offers: &Offers, customers: u64) -> Outcome<f64> {
    let mut won = 0;
    for number in 0..customers {
        let winner = offers.winner(&values(number));
        won += u64::from(winner < super::offers::OFFERS);
        for (name, side) in &mut *sides {
            let (text, right) = (side.decide(&id(number))?, &offers.texts[winner]);
            if text != right {
                return Err(format!("{name} shows {} `{text}`, not `{right}`", id(number)).into());
            }
        }
    }
    Ok(won as f64 / customers as f64)
}
