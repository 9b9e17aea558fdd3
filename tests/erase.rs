//! Erasing people: nothing of them is left in any answer or file, nothing brings them back, and everybody
//! else is as before.
//!
//! `HABITUE_ERASE_PEOPLE` says how many people are in the shop of the byte search (default 1,000); one in a
//! hundred is erased.

#![expect(clippy::unwrap_used, reason = "a test stops when it is wrong")]
#![expect(clippy::print_stderr, reason = "how long an erasure took is what a run of the full number is for")]

#[path = "erase/anonymous.rs"]
mod anonymous;
#[path = "crash/folder.rs"]
mod folder;
#[path = "erase/people.rs"]
mod people;

use folder::Folder;
use habitue::{
    Catalog, Clock, Database, ErrorKind, ManualClock, Message, MessageKind, OpenOptions, RefusalReason, Time,
};
use people::{Person, answers, catalog, find_in_files, options, time};

/// That answers are the expected ones.
fn same(found: &[String], expected: &[String]) {
    let differing = found.iter().zip(expected).find(|(found, expected)| found != expected);
    assert_eq!((differing, found.len()), (None, expected.len()));
}

/// The message ids of what is held about a customer.
fn messages_of(database: &Database, id: &str) -> Vec<String> {
    let exported = database.export(id).unwrap();
    exported.messages.into_iter().map(|message| message.message_id).collect()
}

fn shop() -> (Database, ManualClock) {
    let clock = ManualClock::new(time(0));
    (Database::in_memory_with_clock(catalog(), Clock::Manual(clock.clone())), clock)
}

fn page(visitor: &str, id: &str, seconds: i64) -> Message {
    Message::page(visitor, "Home").anonymous().with_id(id).with_timestamp(time(seconds))
}

fn login(user: &str, visitor: &str, id: &str, seconds: i64) -> Message {
    Message::identify(user).with_anonymous_id(visitor).with_id(id).with_timestamp(time(seconds))
}

#[test]
fn a_person_is_gone_under_every_identifier() {
    let (database, clock) = shop();
    database.apply(page("v1", "m1", 0)).unwrap();
    database.apply(login("ana", "v1", "m2", 0).with_trait("email", "Ana@X.test")).unwrap();
    database.apply(Message::identify("ben").with_id("m3").with_trait("tier", "gold")).unwrap();
    clock.set(time(60));
    database.take_transitions();
    let erased = database.erase(" ana@x.TEST").unwrap();
    assert_eq!(erased.receipt.number, 1);
    let receipt = &erased.receipt;
    assert_eq!((receipt.customers, receipt.messages, receipt.identifiers), (1, 2, 3));
    assert_eq!((receipt.changed, receipt.shared, receipt.finished, receipt.at), (0, 0, true, time(60)));
    assert!(erased.transitions.iter().all(|left| &*left.profile == "ana" && !left.entered));
    assert!(!erased.transitions.is_empty() && database.take_transitions().is_empty());
    for id in ["ana", "v1", "ana@x.test"] {
        assert!(!database.profile(id).unwrap().known, "{id}");
        assert_eq!(database.export(id).unwrap_err().kind(), ErrorKind::NotFound);
        assert!(
            !database.is_member(id, "everybody").unwrap() && database.explain_segment(id, "gold").is_ok()
        );
    }
    assert_eq!(database.members("everybody").unwrap(), ["ben"]);
    assert_eq!((database.stats().profiles, database.stats().accepted), (1, 1));
    assert_eq!(database.erasures(), [erased.receipt]);
}

#[test]
fn late_messages_are_refused_and_later_ones_begin_anew() {
    let (database, clock) = shop();
    database.apply(login("ana", "v1", "m1", 0).with_trait("email", "a@x.test")).unwrap();
    clock.set(time(100));
    database.erase("ana").unwrap();
    clock.set(time(200));
    let at = |message: Message, seconds| message.with_timestamp(time(seconds));
    for (late, field) in [
        (at(Message::track("ana", "Order Completed"), 100), "userId"),
        (page("v1", "m1", 99), "anonymousId"),
        (login("new", "v1", "m9", 50), "anonymousId"),
        (at(Message::identify("new").with_trait("email", "A@x.test"), 3), "traits.email"),
        (at(Message::alias("new", "ana"), 4), "previousId"),
        (at(Message::alias("new", "v1"), 4), "previousId"),
    ] {
        let refusal = database.apply(late).unwrap_err();
        assert_eq!((refusal.reason, refusal.field.as_str()), (RefusalReason::Erased, field));
    }
    assert_eq!(database.stats().profiles, 0);
    database.apply(at(Message::track("ana", "Order Completed").with_id("m1"), 101)).unwrap();
    let profile = database.profile("ana").unwrap();
    assert!(profile.known && profile.attributes["email"].is_none());
    assert_eq!(messages_of(&database, "ana"), ["m1"]);
    assert!(!database.profile("v1").unwrap().known);
    // Who came back can be erased again.
    assert_eq!(database.erase("ana").unwrap().receipt.number, 2);
    assert!(database.apply(at(Message::track("ana", "Order Completed"), 150)).is_err());
}

#[test]
fn a_device_that_changed_hands_stays_with_the_others() {
    let (database, clock) = shop();
    database.apply(login("ana", "tablet", "m1", 1)).unwrap();
    database.apply(page("tablet", "m2", 2)).unwrap();
    database.apply(login("ben", "tablet", "m3", 3)).unwrap();
    database.apply(page("tablet", "m4", 4)).unwrap();
    clock.set(time(100));
    let before = messages_of(&database, "ana");
    let erased = database.erase("ben").unwrap();
    assert_eq!((erased.receipt.messages, erased.receipt.shared), (2, 1));
    assert_eq!(messages_of(&database, "ana"), before);
    // What the tablet did while it was Ben's does not come back as Ana's; what it did before is hers.
    assert_eq!(database.apply(page("tablet", "m5", 4)).unwrap_err().reason, RefusalReason::Erased);
    database.apply(page("tablet", "m6", 2)).unwrap();
    assert_eq!(messages_of(&database, "ana"), ["m1", "m2", "m6"]);
}

#[test]
fn the_first_owner_of_a_device_leaves_the_second_alone() {
    let (database, clock) = shop();
    database.apply(login("ana", "tablet", "m1", 1)).unwrap();
    database.apply(page("tablet", "m2", 2)).unwrap();
    database.apply(login("ben", "tablet", "m3", 3)).unwrap();
    clock.set(time(100));
    database.erase("ana").unwrap();
    assert_eq!(messages_of(&database, "tablet"), ["m3"]);
    assert_eq!(database.apply(page("tablet", "m4", 2)).unwrap_err().reason, RefusalReason::Erased);
    database.apply(page("tablet", "m5", 3)).unwrap();
    assert_eq!(messages_of(&database, "ben"), ["m3", "m5"]);
}

#[test]
fn ties_that_were_taken_back_leave_no_name_behind() {
    let (database, clock) = shop();
    database.apply(Message::identify("ana").with_id("m1").with_timestamp(time(1))).unwrap();
    database.apply(Message::identify("ben").with_id("m2").with_timestamp(time(1))).unwrap();
    database.apply(Message::alias("ana", "ben").with_id("m3").with_timestamp(time(2))).unwrap();
    let tied = login("ana", "phone", "m4", 3).with_trait("tier", "gold");
    database.apply(tied).unwrap();
    database.apply(Message::unmerge("ben").with_id("m5").with_timestamp(time(4))).unwrap();
    let part = Message::unmerge("phone").anonymous().with_id("m6").with_timestamp(time(5));
    database.apply(part).unwrap();
    database.apply(login("ben", "phone", "m7", 6)).unwrap();
    clock.set(time(100));
    let erased = database.erase("ben").unwrap();
    assert_eq!((erased.receipt.messages, erased.receipt.changed), (4, 2));
    let exported = database.export("ana").unwrap();
    let left = exported.to_json().to_string();
    assert!(!left.contains("ben") && !left.contains("phone"), "{left}");
    assert_eq!(messages_of(&database, "ana"), ["m1", "m4"]);
    assert_eq!(database.attribute("ana", "tier").unwrap(), Some("gold".to_owned().into()));
    assert!(!database.profile("phone").unwrap().known);
}

#[test]
fn messages_of_the_future_go_too() {
    let (database, clock) = shop();
    database.apply(Message::identify("ana").with_id("m1").with_timestamp(time(0))).unwrap();
    database.apply(login("ana", "v1", "m2", 60)).unwrap();
    database.apply(login("ben", "v2", "m3", 60)).unwrap();
    database.apply(Message::track("ana", "Order Completed").with_id("m4").with_timestamp(time(70))).unwrap();
    let erased = database.erase("ana").unwrap();
    assert_eq!(erased.receipt.messages, 3);
    clock.set(time(100));
    assert!(!database.profile("ana").unwrap().known && !database.profile("v1").unwrap().known);
    assert_eq!(messages_of(&database, "v2"), ["m3"]);
    assert!(database.apply(Message::page("ana", "Home").with_timestamp(time(70))).is_err());
    assert!(database.apply(Message::page("ana", "Home").with_timestamp(time(71))).is_ok());
}

#[test]
fn several_are_erased_at_once_and_the_unknown_are_named() {
    let (database, _) = shop();
    for user in ["ana", "ben", "cleo"] {
        database.apply(Message::identify(user)).unwrap();
    }
    let erased = database.erase_all(["ana", "nobody", "cleo", "ana"]).unwrap();
    assert_eq!((erased.receipt.customers, erased.unknown), (2, vec!["nobody".to_owned()]));
    assert_eq!(database.members("everybody").unwrap(), ["ben"]);
    assert_eq!(database.erase_all(["x", "y"]).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn another_reading_of_ids_brings_nobody_back() {
    let (database, clock) = shop();
    let text = |case: &str| format!("{}\n[identifiers.userId]\ncase = \"{case}\"\n", people::CATALOG);
    database.apply(Message::identify("Ana").with_timestamp(time(0))).unwrap();
    clock.set(time(10));
    database.erase("Ana").unwrap();
    database.replace_catalog(Catalog::from_toml(&text("ignore")).unwrap()).unwrap();
    let say = |id: &str| database.apply(Message::page(id, "Home").with_timestamp(time(1)));
    assert_eq!(say("Ana").unwrap_err().reason, RefusalReason::Erased);
    // That was somebody else's id when Ana was erased.
    say("ANA").unwrap();
    database.erase("ana").unwrap();
    database.replace_catalog(Catalog::from_toml(&text("keep")).unwrap()).unwrap();
    assert_eq!(say("aNa").unwrap_err().reason, RefusalReason::Erased);
}

#[test]
fn nothing_of_the_erased_is_in_any_file() {
    let people: u64 =
        std::env::var("HABITUE_ERASE_PEOPLE").map_or(1_000, |text| text.replace('_', "").parse().unwrap());
    let folder = Folder::new("erase-bytes");
    let clock = ManualClock::new(time(people::END));
    let database = options(&clock).open(folder.path()).unwrap();
    let reference = Database::in_memory_with_clock(catalog(), Clock::Manual(clock.clone()));
    let erased: Vec<Person> = (0..people).map(Person).filter(Person::is_erased).collect();
    let filling = std::time::Instant::now();
    for message in (0..people).flat_map(|number| Person(number).messages()) {
        database.apply(message).unwrap();
    }
    database.compact().unwrap();
    for message in (0..people).flat_map(|number| Person(number).later_messages()) {
        database.apply(message).unwrap();
    }
    database.checkpoint().unwrap();
    eprintln!("filled in {:?}", filling.elapsed());
    let everybody = (0..people).map(Person);
    for message in
        everybody.clone().flat_map(|person| person.messages().into_iter().chain(person.later_messages()))
    {
        reference.apply(message).unwrap();
    }
    assert!(!find_in_files(folder.path(), &erased).is_empty(), "the search finds what is there");
    let begun = std::time::Instant::now();
    let done = database.erase_all(erased.iter().map(Person::user)).unwrap();
    let took = begun.elapsed();
    eprintln!("{people} people, {} erased in {took:?}: {:?}", erased.len(), done.receipt);
    assert_eq!(done.receipt.customers, erased.len() as u64);
    let searching = std::time::Instant::now();
    assert_eq!(find_in_files(folder.path(), &erased), Vec::<String>::new());
    eprintln!("all bytes searched in {:?}", searching.elapsed());
    reference.erase_all(erased.iter().map(Person::user)).unwrap();
    // Those who shared a device with somebody, and some others.
    let is_asked = |person: &Person| person.0.is_multiple_of(37) || (6..=8).contains(&(person.0 % 100));
    let living: Vec<Person> = everybody.filter(|person| is_asked(person) && !person.is_erased()).collect();
    let expected = answers(&reference, &living);
    same(&answers(&database, &living), &expected);
    let verified = database.verify().unwrap();
    assert!(verified.flaws.is_empty(), "{:?}", verified.flaws);
    database.close().unwrap();
    assert_eq!(find_in_files(folder.path(), &erased), Vec::<String>::new());
    let database = options(&clock).open(folder.path()).unwrap();
    assert_eq!(database.warnings(), Vec::<String>::new());
    same(&answers(&database, &living), &expected);
    assert_eq!(database.erasures().len(), 1);
    for message in erased.iter().flat_map(Person::messages) {
        assert_eq!(database.apply(message).unwrap_err().reason, RefusalReason::Erased);
    }
    drop(database);
    let read_only = options(&clock).open_read_only(folder.path()).unwrap();
    same(&answers(&read_only, &living), &expected);
    assert_eq!(find_in_files(folder.path(), &erased), Vec::<String>::new());
}

#[test]
fn people_are_erased_while_others_write() {
    const PEOPLE: u64 = 60;
    let folder = Folder::new("erase-beside");
    let clock = ManualClock::new(time(people::END));
    let database = options(&clock).memory_budget(100_000).open(folder.path()).unwrap();
    for message in (0..PEOPLE).flat_map(|number| Person(number).messages()) {
        database.apply(message).unwrap();
    }
    let write = |writer: u64| {
        for number in 0..1_500 {
            let person = Person((number * 7 + writer) % PEOPLE);
            let message = person.later_messages().remove((number % 2) as usize);
            match database.apply(message.with_id(format!("message-{:07}-{writer}-{number}", person.0))) {
                Ok(_) => {}
                Err(refusal) => assert_eq!(refusal.reason, RefusalReason::Erased, "{refusal}"),
            }
        }
    };
    let erased: Vec<Person> = [3, 17, 30, 31, 44].map(Person).to_vec();
    std::thread::scope(|scope| {
        scope.spawn(|| write(0));
        scope.spawn(|| write(1));
        scope.spawn(|| {
            (0..10).for_each(|_| {
                database.compact().unwrap();
            });
        });
        for person in &erased {
            database.erase(&person.user()).unwrap();
        }
    });
    for person in &erased {
        assert!(!database.profile(&person.user()).unwrap().known);
        let late = person.later_messages().remove(0);
        assert_eq!(database.apply(late).unwrap_err().reason, RefusalReason::Erased);
    }
    assert_eq!(database.verify().unwrap().flaws, []);
    let expected = PEOPLE - erased.len() as u64;
    assert_eq!(database.members("everybody").unwrap().len() as u64, expected);
    database.close().unwrap();
    assert_eq!(find_in_files(folder.path(), &erased), Vec::<String>::new());
    let database = options(&clock).open(folder.path()).unwrap();
    assert_eq!(database.members("everybody").unwrap().len() as u64, expected);
    assert_eq!(database.stats().profiles, expected);
}

#[test]
fn an_old_backup_comes_without_the_erased() {
    let folder = Folder::new("erase-backup");
    let path = |name: &str| folder.path().join(name);
    let clock = ManualClock::new(time(people::END));
    let database = options(&clock).open(path("shop")).unwrap();
    for message in (0..300).flat_map(|number| Person(number).messages()) {
        database.apply(message).unwrap();
    }
    database.backup(path("before")).unwrap();
    let erased: Vec<Person> = (0..300).map(Person).filter(Person::is_erased).collect();
    let living: Vec<Person> = (0..300).map(Person).filter(|person| !person.is_erased()).collect();
    database.erase_all(erased.iter().map(Person::user)).unwrap();
    database.backup(path("after")).unwrap();
    let expected = answers(&database, &living);
    Database::restore(path("after"), path("a")).unwrap();
    Database::restore_without_erased(path("before"), path("b"), path("shop")).unwrap();
    for name in ["a", "b"] {
        let restored = options(&clock).open(path(name)).unwrap();
        same(&answers(&restored, &living), &expected);
        assert_eq!(find_in_files(&path(name), &erased), Vec::<String>::new(), "{name}");
        assert!(restored.verify().unwrap().flaws.is_empty());
        assert_eq!(restored.erasures().len(), 1);
        let late = erased[0].messages().remove(0);
        assert_eq!(restored.apply(late).unwrap_err().reason, RefusalReason::Erased);
    }
    let other = options(&clock).open(path("other")).unwrap();
    other.apply(Message::identify("ana").with_timestamp(time(0))).unwrap();
    other.erase("ana").unwrap();
    let mixed = Database::restore_without_erased(path("after"), path("c"), path("other"));
    assert_eq!(mixed.unwrap_err().kind(), ErrorKind::InvalidCall);
    // The book may also be copied into a folder by hand.
    Database::restore(path("before"), path("d")).unwrap();
    assert!(options(&clock).open(path("d")).unwrap().profile(&erased[0].user()).unwrap().known);
    std::fs::copy(path("shop").join("habitue.erasures"), path("d").join("habitue.erasures")).unwrap();
    let read_only = options(&clock).open_read_only(path("d")).unwrap();
    assert!(!read_only.profile(&erased[0].user()).unwrap().known);
    same(&answers(&read_only, &living), &expected);
    let restored = options(&clock).open(path("d")).unwrap();
    same(&answers(&restored, &living), &expected);
    assert_eq!(find_in_files(&path("d"), &erased), Vec::<String>::new());
}

#[test]
fn a_folder_whose_book_is_gone_does_not_open() {
    let folder = Folder::new("erase-gone");
    let clock = ManualClock::new(time(10));
    let database = options(&clock).open(folder.path()).unwrap();
    database.apply(Message::identify("ana").with_timestamp(time(1))).unwrap();
    database.apply(Message::identify("ben").with_timestamp(time(1))).unwrap();
    database.erase("ana").unwrap();
    drop(database);
    let book = folder.path().join("habitue.erasures");
    let bytes = std::fs::read(&book).unwrap();
    for damage in [None, Some(&bytes[..bytes.len() - 1])] {
        std::fs::remove_file(&book).unwrap();
        damage.into_iter().for_each(|bytes| std::fs::write(&book, bytes).unwrap());
        assert_eq!(options(&clock).open(folder.path()).unwrap_err().kind(), ErrorKind::Damaged);
        assert_eq!(options(&clock).open_read_only(folder.path()).unwrap_err().kind(), ErrorKind::Damaged);
        std::fs::write(&book, &bytes).unwrap();
    }
    let database = options(&clock).open(folder.path()).unwrap();
    assert!(database.apply(Message::identify("ana").with_timestamp(time(2))).is_err());
    drop(database);
    std::fs::remove_file(&book).unwrap();
    let salvaged = OpenOptions::new().salvage().open(folder.path()).unwrap();
    salvaged
        .apply(Message::new(MessageKind::Identify, "ana").with_timestamp(Time::from_millis(0).unwrap()))
        .unwrap();
}
