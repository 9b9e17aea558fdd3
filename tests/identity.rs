//! Who is who: in whatever order messages come, and over restarts.

#![expect(clippy::unwrap_used, reason = "a test stops when it is wrong")]
#![expect(dead_code, reason = "the story has more than one teller")]

#[path = "crash/copying.rs"]
mod copying;
#[path = "crash/story.rs"]
mod story;

use std::thread;
use std::time::Duration;

use copying::copy;
use habitue::{Catalog, Clock, Database, Durability, ManualClock, Message, OpenOptions, Reference, Time};
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
            assert_same(&database, &reference, &format!("seed {seed}, in the order {order}"));
        }
    }
}

fn assert_same(database: &Database, reference: &Reference, story: &str) {
    for number in 0..=40 {
        let id = format!("c{number}");
        let (found, expected) = (database.profile(&id).unwrap(), reference.answers(&id, now()));
        assert_eq!(found.id, expected.id, "{story}, {id}");
        assert_eq!(found.segments, expected.segments, "{story}, {id}");
        assert_eq!(found.attributes, expected.attributes, "{story}, {id}");
        // The second time from what is at hand.
        for (segment, is_member) in expected.segments.iter().cycle().take(2 * expected.segments.len()) {
            assert_eq!(database.is_member(&id, segment).unwrap(), *is_member, "{story}, {id}, {segment}");
        }
    }
}

/// Customers are joined, parted and written to by eight threads at once, which also ask.
#[test]
fn eight_threads_at_once_change_no_answer() {
    const THREADS: usize = 8;
    for seed in 20..26 {
        let messages = shuffled(story(seed, 4, 150), seed);
        let mut reference = Reference::new(story::catalog());
        for message in &messages {
            reference.apply(message.clone(), now()).unwrap();
        }
        let database = story::reference();
        let segments: Vec<String> = reference.answers("c0", now()).segments.into_keys().collect();
        let tell = |thread: usize| {
            for (place, message) in messages.iter().enumerate().skip(thread).step_by(THREADS) {
                database.apply(message.clone()).unwrap();
                let id = format!("c{}", chance((place as u64) << 32 | seed) % 41);
                for segment in &segments {
                    database.is_member(&id, segment).unwrap();
                }
                if place.is_multiple_of(50) {
                    database.advance().unwrap();
                }
            }
        };
        thread::scope(|scope| (0..THREADS).for_each(|thread| drop(scope.spawn(move || tell(thread)))));
        assert_same(&database, &reference, &format!("seed {seed}, by eight threads"));
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
                4 => {
                    database.compact().unwrap();
                }
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
                    let reader = OpenOptions::new().clock(Clock::Manual(ManualClock::new(now())));
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

/// A shop whose ties wait; the second asks for other things, the third reads identifiers otherwise.
fn shop(number: usize) -> Catalog {
    let text = r#"
        schema = 1
        [attributes]
        tier = "string"
        email = { type = "string", identifier = true }
        [identifiers]
        email = { blocked = ["nobody"] }
        anonymousId = { limit = 3 }
        [events.View]
        category = "string"
        [events.Order]
        total = "float"
        [segments]
        viewer = 'events("View").within("2m").count() >= 2'
        loyal = 'events("Order").count() >= 3'
        listed = { members = ["v1", "ana"] }
    "#;
    let text = match number % 3 {
        0 => text.to_owned(),
        1 => text.replace("listed =", "fresh = 'events(\"View\").within(\"30s\").exists()'\nlisted ="),
        _ => text.replace("nobody", "b@x"),
    };
    // With `held`, histories are whole in memory.
    let patient = "patient = 'held(tier == \"gold\", \"1m\")'\nlisted =";
    let text = if number.is_multiple_of(2) { text } else { text.replace("listed =", patient) };
    Catalog::from_toml(&text).unwrap()
}

/// A message of somebody who may be somebody else too; some are late, some of the future.
fn shopping(number: u64, now_ms: i64, mut below: impl FnMut(u64) -> usize) -> Message {
    let user = ["ana", "bob", "cleo", "dora"][below(4)];
    let visitor = ["v1", "v2", "v3", "v4", "v5"][below(5)];
    let message = match below(12) {
        0 | 1 => Message::identify(user).with_anonymous_id(visitor),
        2 => Message::identify(user).with_trait("email", ["a@x", "b@x", "A@X"][below(3)]),
        3 => Message::alias(user, [visitor, "ana", "bob"][below(3)]),
        4 if below(2) == 0 => Message::unmerge(user),
        4 | 5 => Message::identify(user).with_trait("tier", ["gold", "tin"][below(2)]),
        6 => Message::identify(visitor).with_trait("tier", ["gold", "tin"][below(2)]).anonymous(),
        7 => Message::track(user, "Order").with_property("total", 2.5),
        8 | 9 => Message::track(visitor, "View").with_property("category", "x").anonymous(),
        _ => Message::track(user, "View").with_property("category", "y"),
    };
    let away = [0, 0, 0, 0, 1_000, 30_000, 120_000, -1, -1_000, -60_000, -600_000][below(11)];
    message.with_id(format!("m{}-{number}", below(10))).with_timestamp(instant(now_ms + away))
}

fn instant(millis: i64) -> Time {
    Time::from_millis(1_767_225_600_000 + millis).unwrap()
}

#[test]
fn ties_that_wait_and_swaps_survive_a_crash() {
    thread::scope(|scope| {
        for seed in 0..8 {
            scope.spawn(move || wait_swap_and_crash(seed));
        }
    });
}

fn wait_swap_and_crash(seed: u64) {
    let folder = Folder::new(&format!("identity-waits-{seed}"));
    let clock = ManualClock::new(instant(0));
    let open = |swaps: usize, crashes: usize| {
        let options = OpenOptions::new().catalog(shop(swaps)).clock(Clock::Manual(clock.clone()));
        let options = options.durability(Durability::Group(Duration::from_millis(5)));
        let budget = if seed.is_multiple_of(2) { 20_000 } else { 10_000_000 };
        let options = options.memory_budget(budget).journal_segment_bytes(32 * 1024);
        let database = options.open(folder.path().join(crashes.to_string())).unwrap();
        #[cfg(feature = "workbench")]
        database.sweep_only_when_asked();
        database
    };
    let (mut swaps, mut crashes, mut now_ms, mut drawn) = (0, 0, 0, seed << 32);
    let mut below = |bound: u64| {
        drawn += 1;
        (chance(drawn) % bound) as usize
    };
    let (mut database, mut reference) = (open(swaps, crashes), Reference::new(shop(swaps)));
    for number in 0..300 {
        now_ms += [0, 1, 1_000, 20_000][below(4)];
        clock.set(instant(now_ms));
        let message = shopping(number, now_ms, &mut below);
        let expected = reference.apply(message.clone(), instant(now_ms)).map_err(|refusal| refusal.reason);
        let found = database.apply(message).map_err(|refusal| refusal.reason);
        assert_eq!(found.map(|applied| !applied.duplicate), expected, "seed {seed}, {number}");
        match below(40) {
            0 | 1 => {
                // No thread writes while the folder is copied: the copy is that of one instant.
                #[cfg(not(feature = "workbench"))]
                database.advance().unwrap();
                let before = folder.path().join(crashes.to_string());
                crashes += 1;
                copy(&before, &folder.path().join(crashes.to_string()));
                drop(database);
                database = open(swaps, crashes);
            }
            2 => {
                drop(database);
                database = open(swaps, crashes);
            }
            3 | 4 => {
                swaps += 1 + below(2);
                database.replace_catalog(shop(swaps)).unwrap();
                reference.replace_catalog(shop(swaps));
            }
            5..=8 => database.checkpoint().unwrap(),
            9 => database.advance().unwrap(),
            10 => {
                database.compact().unwrap();
            }
            _ => {}
        }
        if below(5) == 0 {
            agree(&database, &reference, instant(now_ms), seed);
        }
    }
    now_ms += 300_000;
    clock.set(instant(now_ms));
    agree(&database, &reference, instant(now_ms), seed);
    database.checkpoint().unwrap();
    assert_eq!(database.verify().unwrap().flaws, [], "seed {seed}");
}

fn waiting_shop(clock: &ManualClock) -> Database {
    let database = Database::in_memory_with_clock(shop(0), Clock::Manual(clock.clone()));
    #[cfg(feature = "workbench")]
    database.sweep_only_when_asked();
    database
}

fn view(user: &str, at_ms: i64) -> Message {
    Message::track(user, "View").with_timestamp(instant(at_ms))
}

#[test]
fn who_leaves_and_enters_by_a_tie_of_one_instant_does_neither() {
    let clock = ManualClock::new(instant(60_000));
    let database = waiting_shop(&clock);
    for message in [view("ana", 0), view("ana", 1), view("bob", 60_000)] {
        database.apply(message).unwrap();
    }
    assert_eq!(database.take_transitions().len(), 2, "ana is listed, and a viewer");
    clock.set(instant(120_000));
    database.apply(Message::alias("ana", "bob").with_timestamp(instant(120_000))).unwrap();
    assert_eq!(database.members("viewer").unwrap(), ["ana"]);
    assert_eq!(database.take_transitions(), []);
}

#[test]
fn a_user_and_a_visitor_of_one_name_leave_when_another_takes_both() {
    for is_users in [true, false] {
        let clock = ManualClock::new(instant(60_000));
        let database = waiting_shop(&clock);
        let views = [view("kiosk", 0), view("kiosk", 1)];
        let views = views.map(|view| if is_users { view } else { view.anonymous() });
        let other = Message::identify("kiosk").with_timestamp(instant(2));
        let other = if is_users { other.anonymous() } else { other };
        let ana = Message::identify("ana").with_timestamp(instant(-1));
        for message in views.into_iter().chain([other, ana]) {
            database.apply(message).unwrap();
        }
        database.apply(Message::alias("ana", "kiosk").with_timestamp(instant(60_000))).unwrap();
        let told = database.take_transitions().into_iter();
        let told = told.filter(|told| &*told.profile == "kiosk" && &*told.segment == "viewer");
        assert_eq!(told.map(|told| told.entered).collect::<Vec<_>>(), [true, false]);
        assert_eq!(database.members("viewer").unwrap(), ["ana"]);
    }
}

#[test]
fn a_claim_that_waited_is_told_of_its_time() {
    let clock = ManualClock::new(instant(10_000));
    let database = waiting_shop(&clock);
    let claim = Message::identify("ana").with_anonymous_id("v2").with_timestamp(instant(60_000));
    for message in [view("v2", 9_999).anonymous(), view("ana", 10_000), claim] {
        database.apply(message).unwrap();
    }
    clock.set(instant(100_000));
    database.advance().unwrap();
    let told = database.take_transitions().into_iter().filter(|told| &*told.segment == "viewer");
    let told: Vec<_> = told.map(|told| (told.profile.to_string(), told.entered, told.at)).collect();
    assert_eq!(told, [("ana".to_owned(), true, instant(60_000))]);
}

#[test]
fn what_time_does_is_told_of_its_time_before_and_after_swaps() {
    let (seen, late) = (10_000, 200_000);
    for (swaps, swapped) in
        [(&[1][..], late), (&[2], late), (&[1, 2], late), (&[1], seen), (&[2], seen), (&[1, 2], seen)]
    {
        let clock = ManualClock::new(instant(seen));
        let database = waiting_shop(&clock);
        for message in [view("bob", 0), view("bob", 1)] {
            database.apply(message).unwrap();
        }
        clock.set(instant(swapped));
        for swap in swaps {
            database.replace_catalog(shop(*swap)).unwrap();
        }
        assert!(database.members("listed").unwrap().is_empty());
        clock.set(instant(late));
        database.advance().unwrap();
        let told = database.take_transitions().into_iter().filter(|told| &*told.segment == "viewer");
        let told: Vec<_> = told.map(|told| (told.entered, told.at)).collect();
        let expected = [(true, instant(1)), (false, instant(120_000))];
        assert_eq!(told, expected, "{swaps:?} at {swapped}");
    }
}

#[test]
fn what_a_new_catalog_asks_of_time_is_told_without_a_question() {
    let clock = ManualClock::new(instant(10_000));
    let database = waiting_shop(&clock);
    database.apply(view("bob", 0)).unwrap();
    database.replace_catalog(shop(1)).unwrap();
    assert_eq!(database.members("fresh").unwrap(), ["bob"]);
    database.take_transitions();
    clock.set(instant(50_000));
    database.advance().unwrap();
    let told = database.take_transitions().into_iter();
    let told: Vec<_> = told.map(|told| (told.segment.to_string(), told.entered, told.at)).collect();
    assert_eq!(told, [("fresh".to_owned(), false, instant(30_000))]);
}

/// A shop in a folder, which closes and opens again, and one in memory; both hear the same.
struct Both {
    folder: Folder,
    clock: ManualClock,
    on_disk: Option<Database>,
    in_memory: Database,
}

impl Both {
    fn new(name: &str) -> Both {
        let clock = ManualClock::new(instant(600_000));
        let in_memory = Database::in_memory_with_clock(deciding_shop(), Clock::Manual(clock.clone()));
        let mut both = Both { folder: Folder::new(name), clock, on_disk: None, in_memory };
        both.reopen();
        both
    }

    fn reopen(&mut self) {
        drop(self.on_disk.take());
        let options = OpenOptions::new().catalog(deciding_shop()).clock(Clock::Manual(self.clock.clone()));
        self.on_disk = Some(options.open(self.folder.path().join("data")).unwrap());
    }

    fn on_disk(&self) -> &Database {
        self.on_disk.as_ref().unwrap()
    }

    fn hear(&self, id: &str, message: Message) {
        let message = message.with_id(id);
        for database in [self.on_disk(), &self.in_memory] {
            database.apply(message.clone()).unwrap();
        }
    }

    fn checkpoint(&self) {
        self.on_disk().checkpoint().unwrap();
        assert_eq!(self.on_disk().verify().unwrap().flaws, []);
    }

    /// Compares how many customers there are, and which messages their decisions name.
    fn agree(&self, when: &str) {
        let said = |database: &Database| {
            let cause = |id| database.decide(id, "home").unwrap().decision.cause.clone();
            (database.stats().profiles, ["ana", "bob", "v1", "v2", "v3"].map(cause))
        };
        assert_eq!(said(self.on_disk()), said(&self.in_memory), "{when}");
    }
}

fn deciding_shop() -> Catalog {
    let text = r#"
        schema = 1
        [events.View]
        [personalizations.home]
        fallback = { name = "none" }
    "#;
    Catalog::from_toml(text).unwrap()
}

#[test]
fn customers_on_disk_are_counted_and_name_their_last_message() {
    let mut both = Both::new("identity-counted");
    let claim = |user, visitor, at_ms| {
        Message::identify(user).with_anonymous_id(visitor).with_timestamp(instant(at_ms))
    };
    for (number, visitor) in ["v1", "v2", "v3"].into_iter().enumerate() {
        both.hear(visitor, view(visitor, number as i64).anonymous());
    }
    both.hear("ana", view("ana", 10));
    both.checkpoint();
    both.agree("apart");
    // Twice between two checkpoints: what was on disk of the first one goes too.
    both.hear("claim-1", claim("ana", "v1", 1_000));
    both.hear("claim-2", claim("ana", "v2", 2_000));
    both.agree("joined");
    both.checkpoint();
    both.agree("joined on disk");
    both.reopen();
    both.agree("joined, opened again");
    both.hear("later", view("ana", 3_000));
    both.checkpoint();
    both.reopen();
    both.agree("seen again");
    both.hear("claim-3", claim("bob", "v3", 4_000));
    both.hear("apart", Message::unmerge("ana").with_timestamp(instant(5_000)));
    both.agree("taken apart");
    both.hear("claim-4", claim("bob", "v1", 6_000));
    both.checkpoint();
    both.reopen();
    both.agree("taken apart on disk");
}

#[test]
fn reading_only_knows_who_waits_and_what_time_it_is() {
    let both = Both::new("identity-reading");
    let data = both.folder.path().join("data");
    let shown = |opened_ms| {
        let clock = ManualClock::new(instant(opened_ms));
        let options = OpenOptions::new().clock(Clock::Manual(clock.clone()));
        let reader = options.open_read_only(&data).unwrap();
        [opened_ms, 700_000].map(|now_ms| {
            clock.set(instant(now_ms));
            reader.profile("v1").unwrap().id
        })
    };
    both.hear("v1", view("v1", 600_000).anonymous());
    let claim = Message::identify("ana").with_anonymous_id("v1");
    both.hear("claim", claim.with_timestamp(instant(660_000)));
    both.on_disk().checkpoint().unwrap();
    assert_eq!(shown(600_000), ["v1", "ana"]);
    both.clock.set(instant(700_000));
    both.hear("later", view("bob", 700_000));
    both.checkpoint();
    // Time does not go back with the clock.
    assert_eq!(shown(0), ["ana", "ana"]);
}

#[test]
fn time_does_not_go_back_with_the_clock() {
    let mut both = Both::new("identity-clock");
    both.hear("ana", view("ana", 600_000));
    both.clock.set(instant(700_000));
    both.on_disk().advance().unwrap();
    both.on_disk().checkpoint().unwrap();
    both.clock = ManualClock::new(instant(600_000));
    both.reopen();
    both.on_disk().apply(Message::track("ana", "View")).unwrap();
    let exported = both.on_disk().export("ana").unwrap();
    assert_eq!(exported.messages.last().unwrap().time, instant(700_000));
}

fn agree(database: &Database, reference: &Reference, now: Time, seed: u64) {
    for id in ["ana", "bob", "cleo", "dora", "v1", "v2", "v3", "v4", "v5", "a@x", "b@x"] {
        let (found, expected) = (database.profile(id).unwrap(), reference.answers(id, now));
        assert_eq!(found.id, expected.id, "seed {seed}: {id} at {now}");
        assert_eq!(found.segments, expected.segments, "seed {seed}: {id} at {now}");
        assert_eq!(found.attributes, expected.attributes, "seed {seed}: {id} at {now}");
    }
}
