//! What a bench that prints its findings line by line says of times and memory.

#![allow(dead_code, reason = "each bench says a part of it")]

use std::time::Duration;

use habitue::Database;

/// Says how long calls took.
pub(crate) fn say(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |part: f64| times.get(((times.len() - 1) as f64 * part) as usize).copied().unwrap_or_default();
    println!(
        "{what}: {} calls, median {:?}, 99 of 100 within {:?}, 999 of 1,000 within {:?}, all within {:?}",
        times.len(),
        at(0.5),
        at(0.99),
        at(0.999),
        at(1.0)
    );
}

/// Says how many bytes a profile takes in memory, by part.
pub(crate) fn say_memory(database: &Database) {
    let used = database.memory_use();
    let each = |bytes: u64| bytes as f64 / used.profiles.max(1) as f64;
    let parts = [
        ("the profile itself", used.profile_bytes),
        ("attributes", used.attribute_bytes),
        ("events", used.event_bytes),
        ("conclusions", used.conclusion_bytes),
        ("decisions", used.decision_bytes),
        ("messages", used.message_bytes),
        ("identifiers", used.identifier_bytes),
        ("timers", used.timer_bytes),
        ("ids of messages", used.message_id_bytes),
        ("answers at hand", used.at_hand_bytes),
        ("all", used.total_bytes()),
    ];
    let parts: Vec<String> =
        parts.iter().map(|(part, bytes)| format!("{part} {:.0}", each(*bytes))).collect();
    println!("bytes of each of {} profiles: {}", used.profiles, parts.join(", "));
}

/// Says how long shards were held, and by whom.
pub(crate) fn say_holds(database: &Database) {
    for held in database.stats().holds {
        let [half, most] = [500, 990].map(|share| Duration::from_nanos(held.within_ns(share)));
        let longest = Duration::from_nanos(held.longest_ns);
        println!(
            "held by {}: {} times, half below {half:?}, 99 of 100 below {most:?}, longest {longest:?}",
            held.by, held.holds
        );
    }
}
