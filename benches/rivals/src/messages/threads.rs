//! The same messages by one thread and by two, to the same database in memory, in turn. Each of the two has
//! half of the customers. What counts is the time on the wall, so it takes two processors that nobody else
//! uses.

use std::time::Instant;

use habitue::{Message, Time};

use super::habitue_database::HabitueDatabase;
use super::keeper::Keeper as _;
use crate::Outcome;
use crate::table::time;
use crate::times::part;
use crate::workload::{Event, Segment, Stream};

/// Events of each customer before it is measured.
const EVENTS_EACH: usize = 2;

/// Measures; what is to be said of it.
pub(crate) fn compare(
    segments: &[Segment],
    customers: usize,
    rounds: usize,
    calls: usize,
) -> Outcome<String> {
    let mut database = HabitueDatabase::in_memory(segments, customers)?;
    let mut stream = Stream::new(customers);
    let before: Vec<Event> = (0..customers * EVENTS_EACH).map(|_| stream.next()).collect();
    database.prepare(&before)?;
    (0..before.len()).try_for_each(|place| database.apply(place))?;
    let (mut one, mut two) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        for (threads, times) in [(1, &mut one), (2, &mut two)] {
            times.push(by(threads, &mut database, &mut stream, calls)? / calls as f64);
        }
    }
    let (one, two) = (part(&mut one, 0.5), part(&mut two, 0.5));
    Ok(format!(
        "Habitue in memory, by the clock: {} a message by one thread, {} by two, {:.2} times as many.",
        time(one),
        time(two),
        one / two
    ))
}

/// How many nanoseconds so many threads take for all messages together.
fn by(threads: usize, database: &mut HabitueDatabase, stream: &mut Stream, calls: usize) -> Outcome<f64> {
    let mut shares: Vec<Vec<(Time, Message)>> = (0..threads).map(|_| Vec::new()).collect();
    let mut now = Time::MIN;
    for _ in 0..calls {
        let event = stream.next();
        now = event.time;
        shares[event.customer % threads].push((event.time, database.message(event)));
    }
    let shared = &*database;
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let apply = |share: Vec<(Time, Message)>| {
            for (time, message) in share {
                shared.clock.set(time);
                shared.database.apply(message).map_err(|refusal| refusal.to_string())?;
            }
            Ok::<(), String>(())
        };
        let running: Vec<_> = shares.into_iter().map(|share| scope.spawn(move || apply(share))).collect();
        running.into_iter().try_for_each(|thread| thread.join().unwrap_or(Err("a thread panicked".into())))
    })?;
    let took = begun.elapsed().as_nanos() as f64;
    database.settle(now)?;
    Ok(took)
}
