//! What does a message cost the engine, against recomputing all segments, and how does it grow?
//!
//! `cargo bench --features workbench --bench apply` prints one table: medians of rounds in which the
//! engine, a recompute of every segment by the engine's own evaluator, and a recompute by hand-written
//! code take the same events in turn, the ratios, and the exponent of the engine's growth. Times are
//! the thread's own time on the processor, so that other load disturbs them less. Before it measures,
//! it checks that all three have the same memberships. Numbers given after `--` replace the sizes.

#![expect(
    clippy::print_stdout,
    clippy::panic,
    reason = "a bench prints its table and stops when it is wrong"
)]

#[path = "workload/processor_time.rs"]
mod processor_time;
mod workload;

use std::time::Duration;

use processor_time::processor_time;
use workload::naive::Naive;
use workload::{Stream, affinity, engine, segments};

const CUSTOMERS: usize = 20_000;
const ROUNDS: usize = 15;
const AFFINITY_EVENTS: usize = 20_000;

struct Row {
    segments: usize,
    engine: Duration,
}

fn main() {
    println!(
        "{CUSTOMERS} customers, 40 attributes, 6 events, uniform; medians of {ROUNDS} rounds, one thread"
    );
    println!("               time per event, ns          engine is faster   counts per event of the engine");
    println!("segments    engine  recompute  by hand   recompute  by hand   turned   gates  subjects");
    let chosen: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let sizes = if chosen.is_empty() { vec![10, 100, 1_000, 10_000] } else { chosen };
    let rows: Vec<Row> = sizes.into_iter().map(measure).collect();
    if let [first, .., last] = &rows[..] {
        let growth = last.engine.as_secs_f64() / first.engine.as_secs_f64();
        let sizes = last.segments as f64 / first.segments as f64;
        println!(
            "{} to {} segments: exponent {:.2}",
            first.segments,
            last.segments,
            growth.log10() / sizes.log10()
        );
    }
    println!("affinities: time per event, ns");
    for (name, catalog) in affinity::catalogs() {
        let mut shoppers = affinity::Shoppers::new(&catalog);
        let rounds = (0..ROUNDS).map(|_| {
            let start = processor_time();
            shoppers.go_on(AFFINITY_EVENTS);
            (processor_time() - start) / AFFINITY_EVENTS as u32
        });
        println!("{name:<26} {:>7}", median(rounds.collect()).as_nanos());
    }
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
    let (mut by_engine, mut by_recompute, mut by_hand, mut turned) = (Vec::new(), Vec::new(), Vec::new(), 0);
    let recomputed = per_round.div_ceil(10);
    for _ in 0..ROUNDS {
        let round: Vec<_> = (0..per_round).map(|_| stream.next()).collect();
        let start = processor_time();
        for event in &round {
            turned += engine.apply(event.customer, &events[event.event][event.total], event.time);
        }
        by_engine.push((processor_time() - start) / per_round as u32);
        let start = processor_time();
        for event in &round {
            naive.apply(*event);
        }
        by_hand.push((processor_time() - start) / per_round as u32);
        let start = processor_time();
        for event in &round[..recomputed] {
            std::hint::black_box(engine.recompute(event.customer, event.time));
        }
        by_recompute.push((processor_time() - start) / recomputed as u32);
    }
    let taken = (ROUNDS * per_round) as f64;
    let work = engine.work();
    let (engine, recompute, hand) = (median(by_engine), median(by_recompute), median(by_hand));
    println!(
        "{count:>8}   {:>7}  {:>9}  {:>7}   {:>9.1}  {:>7.1}   {:>6.1}  {:>6.1}  {:>8.1}",
        engine.as_nanos(),
        recompute.as_nanos(),
        hand.as_nanos(),
        recompute.as_secs_f64() / engine.as_secs_f64(),
        hand.as_secs_f64() / engine.as_secs_f64(),
        turned as f64 / taken,
        (work.gates - before.gates) as f64 / taken,
        (work.subjects - before.subjects) as f64 / taken,
    );
    Row { segments: count, engine }
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
