//! Who is who: in whatever order messages come, and over restarts.

#![expect(clippy::unwrap_used, reason = "a test stops when it is wrong")]
#![expect(dead_code, reason = "the story has more than one teller")]

#[path = "crash/story.rs"]
mod story;

use std::path::Path;

use habitue::{Message, Reference};
use story::{Folder, How, answers, chance, difference, message, now};

/// The story of some writers, each message once.
fn story(seed: u64, writers: u64, length: u64) -> Vec<Message> {
    let writers = seed * 10 + 1..=seed * 10 + writers;
    writers.flat_map(|writer| (0..length).map(move |number| message(writer, number))).collect()
}

/// The same messages in another order.
fn shuffled(mut messages: Vec<Message>, seed: u64) -> Vec<Message> {
    for place in (1..messages.len()).rev() {
        messages.swap(place, chance(seed << 32 | place as u64) as usize % (place + 1));
    }
    messages
}

#[test]
fn the_order_in_which_ties_come_changes_no_answer() {
    for seed in 0..6 {
        let messages = story(seed, 3, 120);
        let mut reference = Reference::new(story::catalog());
        for message in &messages {
            reference.apply(message.clone(), now()).unwrap();
        }
        let mut in_time = messages.clone();
        in_time.sort_by_key(|message| (message.timestamp(), message.message_id().map(str::to_owned)));
        for (order, messages) in
            [("of time", in_time), ("by writers", messages.clone()), ("of chance", shuffled(messages, seed))]
        {
            let database = story::reference();
            for (place, message) in messages.iter().enumerate() {
                database.apply(message.clone()).unwrap();
                // Looking meanwhile changes nothing either.
                if place.is_multiple_of(50) {
                    database.advance().unwrap();
                }
            }
            for number in 0..=40 {
                let id = format!("c{number}");
                let (found, expected) = (database.profile(&id).unwrap(), reference.answers(&id, now()));
                assert_eq!(found.id, expected.id, "seed {seed}, in the order {order}, {id}");
                assert_eq!(found.segments, expected.segments, "seed {seed}, in the order {order}, {id}");
                assert_eq!(found.attributes, expected.attributes, "seed {seed}, in the order {order}, {id}");
            }
        }
    }
}

#[test]
fn a_folder_that_a_crash_left_knows_who_is_who() {
    for seed in 0..2 {
        let folder = Folder::new(&format!("identity-{seed}"));
        let how = How { sync: false, budget: (seed % 2 == 1).then_some(30_000), salvage: false };
        let data = folder.path().join("data");
        let database = story::open(&data, how).unwrap();
        for (place, message) in shuffled(story(seed, 3, 100), seed).into_iter().enumerate() {
            database.apply(message).unwrap();
            match chance(seed << 20 | place as u64) % 40 {
                0..=3 => database.checkpoint().unwrap(),
                4 => database.compact().unwrap(),
                5 => {
                    let left = folder.path().join(format!("left-{place}"));
                    copy(&data, &left);
                    let after = story::open(&left, how).unwrap();
                    let (found, expected) = (answers(&after).unwrap(), answers(&database).unwrap());
                    assert_eq!(difference(&expected, &found), None, "seed {seed}, after {place}");
                    after.checkpoint().unwrap();
                    assert_eq!(after.verify().unwrap().flaws, [], "seed {seed}, after {place}");
                    assert_eq!(
                        after.stats().profiles,
                        database.stats().profiles,
                        "seed {seed}, after {place}"
                    );
                    let reader = habitue::OpenOptions::new()
                        .clock(habitue::Clock::Manual(habitue::ManualClock::new(now())));
                    let reader = reader.open_read_only(&left).unwrap();
                    assert_eq!(
                        difference(&expected, &answers(&reader).unwrap()),
                        None,
                        "seed {seed}, {place}"
                    );
                    drop(after);
                    std::fs::remove_dir_all(left.join("live")).unwrap();
                    let anew = story::open(&left, how).unwrap();
                    assert_eq!(difference(&expected, &answers(&anew).unwrap()), None, "seed {seed}, {place}");
                }
                _ => {}
            }
        }
        database.close().unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        match path.is_dir() {
            true => copy(&path, &to),
            false => assert!(std::fs::copy(&path, &to).is_ok(), "{}", path.display()),
        }
    }
}
