//! What does a message cost the engine, against recomputing all segments, and how does it grow?
//!
//! `cargo bench --features workbench --bench apply` prints one table: medians of rounds in which the
//! engine and the naive recompute take the same events in turn, their ratio, and the exponent of the
//! engine's growth. Before it measures, it checks that both have the same memberships.

#![expect(clippy::print_stdout, clippy::panic, reason = "a bench prints its table and stops when it is wrong")]

mod workload;

use std::time::{Duration, Instant};

use workload::naive::Naive;
use workload::{Stream, engine, segments};

const CUSTOMERS: usize = 20_000;
const ROUNDS: usize = 15;

struct Row {
    segments: usize,
    engine: Duration,
    naive: Duration,
    turned: f64,
    gates: f64,
}

fn main() {
    println!("{CUSTOMERS} customers, 40 attributes, 6 events, uniform; medians of {ROUNDS} rounds, one thread");
    println!("segments   engine/event   naive/event   ratio   turned/event   gates/event   subjects/event");
    let rows: Vec<Row> = [10, 100, 1_000, 10_000].into_iter().map(measure).collect();
    for pair in rows.windows(2) {
        let growth = pair[1].engine.as_secs_f64() / pair[0].engine.as_secs_f64();
        println!("{} to {} segments: exponent {:.2}", pair[0].segments, pair[1].segments, growth.log10());
    }
    let growth = rows[3].engine.as_secs_f64() / rows[0].engine.as_secs_f64();
    println!("10 to 10,000 segments: exponent {:.2}", growth.log10() / 3.0);
}

fn measure(count: usize) -> Row {
    let segments = segments(count);
    let (mut engine, events) = engine(&segments, CUSTOMERS);
    let mut naive = Naive::new(&segments, CUSTOMERS);
    let mut stream = Stream::new(CUSTOMERS);
    // A customer's ten events, so that windows are full and close while it measures.
    for _ in 0..CUSTOMERS * 10 {
        let event = stream.next();
        engine.apply(event.customer, &events[event.event][event.total], event.time);
        naive.take(event);
    }
    check(&mut engine, &mut naive, &mut stream);
    let before = engine.work();
    let per_round = (2_000_000 / (count + 100)).clamp(400, 20_000);
    let (mut by_engine, mut by_naive, mut turned) = (Vec::new(), Vec::new(), 0);
    for _ in 0..ROUNDS {
        let round: Vec<_> = (0..per_round).map(|_| stream.next()).collect();
        let start = Instant::now();
        for event in &round {
            turned += engine.apply(event.customer, &events[event.event][event.total], event.time);
        }
        by_engine.push(start.elapsed() / per_round as u32);
        let start = Instant::now();
        for event in &round {
            naive.apply(*event);
        }
        by_naive.push(start.elapsed() / per_round as u32);
    }
    let taken = (ROUNDS * per_round) as f64;
    let work = engine.work();
    let row = Row {
        segments: count,
        engine: median(by_engine),
        naive: median(by_naive),
        turned: turned as f64 / taken,
        gates: (work.gates - before.gates) as f64 / taken,
    };
    let subjects = (work.subjects - before.subjects) as f64 / taken;
    println!(
        "{:>8}   {:>9} ns   {:>8} ns   {:>5.1}   {:>12.1}   {:>11.1}   {subjects:>14.1}",
        row.segments,
        row.engine.as_nanos(),
        row.naive.as_nanos(),
        row.naive.as_secs_f64() / row.engine.as_secs_f64(),
        row.turned,
        row.gates,
    );
    row
}

fn check(engine: &mut habitue::workbench::Workbench, naive: &mut Naive, stream: &mut Stream) {
    let now = stream.next().time;
    for customer in (0..CUSTOMERS).step_by(37) {
        engine.advance(customer, now);
        naive.recompute(customer, now);
        let (left, right) = (engine.memberships(customer), naive.memberships(customer));
        assert_eq!(left, right, "customer {customer}");
        assert_eq!(left, engine.recompute(customer, now), "customer {customer}");
    }
}

fn median(mut rounds: Vec<Duration>) -> Duration {
    rounds.sort();
    rounds[rounds.len() / 2]
}
