//! How does what a message costs grow with the customers? The same sides twice in one run, with few customers
//! and with many, in turn, with the most segments that were asked for.

use super::comparing::{Nothing, Side, check, fill, round};
use super::engine_step::EngineStep;
use super::habitue_database::HabitueDatabase;
use super::hand_made::HandMade;
use crate::Outcome;
use crate::arguments::Arguments;
use crate::table::Table;
use crate::times::{Summary, Times};
use crate::workload::{Segment, Stream, segments};

/// Events of each customer before it is measured, few or many.
const EVENTS_EACH: usize = 3;

/// So many customers, and all who keep them.
struct Crowd {
    customers: usize,
    sides: Vec<Side>,
    stream: Stream,
    times: Vec<Times>,
}

impl Crowd {
    fn new(segments: &[Segment], customers: usize) -> Outcome<Crowd> {
        let mut sides: Vec<Side> = vec![
            ("index by hand, exact expiry", Box::new(HandMade::new(segments, customers))),
            ("Habitue, engine's step only", Box::new(EngineStep::new(segments, customers))),
            ("Habitue in memory", Box::new(HabitueDatabase::in_memory(segments, customers)?)),
        ];
        let mut stream = Stream::new(customers);
        fill(&mut sides, &mut stream, customers * EVENTS_EACH)?;
        check(&mut sides, customers, &mut stream)?;
        sides.insert(0, ("nothing", Box::new(Nothing)));
        let times = sides.iter().map(|_| Times::default()).collect();
        Ok(Crowd { customers, sides, stream, times })
    }

    fn table(&mut self, segments: usize) -> Table {
        let customers = self.customers;
        let mut table = Table::new(format!("A message, {segments} segments, {customers} customers"));
        let nothing = self.times[0].summary(Summary::default());
        for ((name, _), times) in self.sides.iter().zip(&mut self.times).skip(1) {
            table.rows.push(((*name).to_owned(), times.summary(nothing)));
        }
        table
    }
}

pub(crate) fn grow(arguments: &Arguments) -> Outcome<Vec<Table>> {
    let count = arguments.segments.iter().copied().max().unwrap_or(1_000);
    let segments = segments(count);
    let sizes = [arguments.customers, arguments.profiles as usize];
    let [mut few, mut many] = [Crowd::new(&segments, sizes[0])?, Crowd::new(&segments, sizes[1])?];
    for _ in 0..arguments.rounds {
        for crowd in [&mut few, &mut many] {
            round(&mut crowd.sides, &mut crowd.times, &mut crowd.stream, arguments.calls)?;
        }
    }
    let (small, mut large) = (few.table(count), many.table(count));
    let times = (sizes[1] as f64 / sizes[0] as f64).ln();
    for ((name, small), (_, large_one)) in small.rows.iter().zip(large.rows.clone()) {
        let exponent = |from: f64, to: f64| (to / from).ln() / times;
        large.notes.push(format!(
            "{name}, from {} to {} customers: exponent {:.2} of the median, {:.2} of the processor's time.",
            sizes[0],
            sizes[1],
            exponent(small.median, large_one.median),
            exponent(small.processor, large_one.processor)
        ));
    }
    Ok(vec![small, large])
}
