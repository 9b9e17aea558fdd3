//! Lists whose members are published: one step for everybody, exact, kept, and nobody's update is lost.

#![expect(clippy::unwrap_used, reason = "a test stops when it is wrong")]

#[path = "crash/copying.rs"]
mod copying;
#[path = "crash/folder.rs"]
mod folder;

use std::collections::BTreeMap;
use std::path::Path;

use copying::copy;
use folder::Folder;
use habitue::diff::Rehearsal;
use habitue::{
    Catalog, Cause, Clock, Database, ErrorKind, ManualClock, Message, OpenOptions, Reference, Time,
};

const CATALOG: &str = r#"
schema = 1

[attributes]
tier = "string"

[segments]
invited = { list = true, description = "kept by the events team" }
staff = { members = ["ana"] }
gold = 'tier == "gold"'
shown = '(invited || gold) && !staff'

[personalizations.home]
fallback = { name = "plain" }
[[personalizations.home.offers]]
name = "party"
when = "invited"
"#;

fn catalog() -> Catalog {
    Catalog::from_toml(CATALOG).unwrap()
}

fn time(seconds: i64) -> Time {
    Time::from_millis(1_767_225_600_000 + seconds * 1_000).unwrap()
}

/// Some customers; `ben` is known by a visitor's id too.
fn messages() -> Vec<Message> {
    let identify = |id: &str| Message::identify(id).with_id(format!("m-{id}")).with_timestamp(time(0));
    vec![
        identify("ana").with_trait("tier", "gold"),
        identify("ben").with_anonymous_id("device-7"),
        identify("cem").with_trait("tier", "gold"),
        identify("dora"),
    ]
}

fn told(database: &Database) {
    for message in messages() {
        database.apply(message).unwrap();
    }
}

/// Everything that is asked, of everybody.
fn answers(database: &Database) -> BTreeMap<String, String> {
    let of = |id: &str| {
        let snapshot = database.profile(id).unwrap();
        let shown = snapshot.decisions["home"].decision.name().map(str::to_owned);
        (id.to_owned(), format!("{:?} {shown:?}", snapshot.segments))
    };
    ["ana", "ben", "cem", "dora", "device-7"].into_iter().map(of).collect()
}

fn members(database: &Database, segment: &str) -> String {
    database.members(segment).unwrap().join(" ")
}

#[test]
fn a_list_is_replaced_for_everybody_at_once() {
    let clock = ManualClock::new(time(10));
    let database = Database::in_memory_with_clock(catalog(), Clock::Manual(clock.clone()));
    told(&database);
    assert_eq!(members(&database, "invited"), "");
    database.take_transitions();
    clock.set(time(20));
    assert_eq!(database.replace_list("invited", ["device-7", "dora", "nobody", "dora"]).unwrap(), 2);
    assert_eq!(members(&database, "invited"), "ben dora");
    assert_eq!(members(&database, "shown"), "ben cem dora");
    assert_eq!(database.decide("ben", "home").unwrap().decision.name(), Some("party"));
    let mut told: Vec<_> = database.take_transitions();
    told.sort_by(|a, b| (&a.profile, &a.segment).cmp(&(&b.profile, &b.segment)));
    let said: Vec<_> = told.iter().map(|t| (&*t.profile, &*t.segment, t.entered)).collect();
    let expected = [("ben", "invited"), ("ben", "shown"), ("dora", "invited"), ("dora", "shown")];
    assert_eq!(said, expected.map(|(profile, segment)| (profile, segment, true)));
    assert!(told.iter().all(|told| told.at == time(20) && told.cause == Cause::Catalog));

    assert_eq!(database.replace_list("invited", ["nobody", "dora", "device-7"]).unwrap(), 2, "the same list");
    assert_eq!(database.replace_list("staff", Vec::<String>::new()).unwrap(), 3);
    assert_eq!(members(&database, "shown"), "ana ben cem dora");
    let mut reference = Reference::new(database.catalog().unwrap());
    for message in messages() {
        reference.apply(message, time(20)).unwrap();
    }
    for id in ["ana", "ben", "cem", "dora"] {
        let expected = reference.answers(id, time(20)).segments;
        assert_eq!(database.profile(id).unwrap().segments, expected, "{id}");
    }
}

#[test]
fn what_cannot_be_published_is_refused_and_changes_nothing() {
    let database = Database::in_memory(catalog());
    told(&database);
    let refused = |list: &str, id: &str| {
        let error = database.replace_list(list, [id]).unwrap_err();
        (error.kind(), error.to_string())
    };
    let (kind, message) = refused("invitd", "ana");
    assert_eq!(
        (kind, &*message),
        (ErrorKind::NotFound, "the catalog has no list `invitd`; did you mean `invited`?")
    );
    let (kind, message) = refused("gold", "ana");
    assert_eq!(kind, ErrorKind::InvalidCall);
    assert!(message.contains("declare it as `gold = { list = true }`"), "{message}");
    assert_eq!(refused("invited", "").0, ErrorKind::InvalidCall);
    assert_eq!(refused("invited", &"x".repeat(257)).0, ErrorKind::InvalidCall);
    assert_eq!(database.stats().revision, 1);
}

#[test]
fn a_new_catalog_keeps_what_it_still_declares() {
    let database = Database::in_memory(catalog());
    told(&database);
    database.replace_list("invited", ["dora"]).unwrap();
    database.replace_list("staff", ["cem"]).unwrap();
    let replace = |text: &str| database.replace_catalog(Catalog::from_toml(text).unwrap()).unwrap();
    replace(&CATALOG.replace("!staff", "!staff && true"));
    assert_eq!((members(&database, "invited"), members(&database, "staff")), ("dora".into(), "cem".into()));
    let authors_word = CATALOG.replace(r#"["ana"]"#, r#"["ben"]"#);
    replace(&authors_word);
    assert_eq!((members(&database, "invited"), members(&database, "staff")), ("dora".into(), "ben".into()));
    replace(
        &CATALOG.replace("{ list = true, description = \"kept by the events team\" }", "'tier == \"tin\"'"),
    );
    assert_eq!((members(&database, "invited"), members(&database, "staff")), (String::new(), "ana".into()));
    replace(CATALOG);
    assert_eq!(members(&database, "invited"), "", "what was given up does not come back");
}

#[test]
fn nobody_loses_anothers_update() {
    let lists: String = (0..8).map(|number| format!("l{number} = {{ list = true }}\n")).collect();
    let text = format!("schema = 1\n[segments]\n{lists}");
    let database = Database::in_memory(Catalog::from_toml(&text).unwrap());
    let with_more = format!("{text}more = 'true'\n");
    std::thread::scope(|scope| {
        for number in 0..8 {
            let database = &database;
            scope.spawn(move || {
                for round in 0..6 {
                    database.replace_list(&format!("l{number}"), [format!("c{number}-{round}")]).unwrap();
                }
            });
        }
        for text in [&with_more, &text, &with_more] {
            database.replace_catalog(Catalog::from_toml(text).unwrap()).unwrap();
        }
    });
    assert_eq!(database.stats().revision, 1 + 8 * 6 + 3);
    for number in 0..8 {
        let last = format!("c{number}-5");
        database.apply(Message::identify(&*last)).unwrap();
        assert_eq!(members(&database, &format!("l{number}")), last);
    }
}

fn open(path: &Path, catalog: Option<Catalog>) -> Database {
    let options = OpenOptions::new().clock(Clock::Manual(ManualClock::new(time(10))));
    let database = catalog.into_iter().fold(options, OpenOptions::catalog).open(path).unwrap();
    assert_eq!(database.warnings(), Vec::<String>::new());
    database
}

#[test]
fn what_is_published_is_as_durable_as_messages() {
    let folder = Folder::new("publishing");
    let data = folder.path().join("data");
    let database = open(&data, Some(catalog()));
    database.sweep_only_when_asked();
    told(&database);
    database.checkpoint().unwrap();
    for round in 0..40 {
        database.replace_list("staff", [format!("s{round}")]).unwrap();
        if round % 3 == 0 {
            database.checkpoint().unwrap();
        }
    }
    database.replace_list("invited", ["device-7", "dora"]).unwrap();
    let left = folder.path().join("left");
    copy(&data, &left);
    let expected = answers(&database);
    assert_eq!(members(&database, "shown"), "ana ben cem dora");
    assert_eq!(answers(&open(&left, None)), expected, "after a crash");
    assert_eq!(answers(&open(&left, Some(catalog()))), expected, "given the same catalog");
    let rehearsal = Rehearsal::new(catalog(), catalog()).of_folder(&left).unwrap();
    assert!(rehearsal.segments.iter().all(|segment| segment.entered + segment.left == 0));
    assert_eq!(rehearsal.segments.iter().find(|of| of.segment == "invited").unwrap().before, Some(2));
    let reader = OpenOptions::new().clock(Clock::Manual(ManualClock::new(time(10))));
    let reader = reader.open_read_only(&left).unwrap();
    assert_eq!(answers(&reader), expected);
    assert_eq!(reader.replace_list("invited", ["ana"]).unwrap_err().kind(), ErrorKind::ReadOnly);

    database.compact().unwrap();
    database.backup(folder.path().join("backup")).unwrap();
    database.close().unwrap();
    Database::restore(folder.path().join("backup"), folder.path().join("restored")).unwrap();
    for path in [data, folder.path().join("restored")] {
        let opened = OpenOptions::new().clock(Clock::Manual(ManualClock::new(time(10))));
        let opened = opened.open(&path).unwrap();
        assert_eq!(answers(&opened), expected);
        assert_eq!(opened.verify().unwrap().flaws, []);
        opened.close().unwrap();
    }
}

#[test]
fn nobodys_messages_are_heard_again_for_what_is_published() {
    let folder = Folder::new("publishing-work");
    let text = format!("{CATALOG}\n[quantiles]\nlevel = {{ value = 'size(tier)', parts = 2 }}\n");
    let with_level = text.replace("(invited || gold)", "(invited || level == 2)");
    let database = open(folder.path(), Some(Catalog::from_toml(&with_level).unwrap()));
    told(&database);
    database.publish_cut_points().unwrap();
    database.close().unwrap();
    // All are on disk, and their messages in the archive.
    let database = open(folder.path(), None);
    let rebuilds = || database.stats().work.rebuilds;
    let before = rebuilds();
    database.replace_list("invited", ["device-7", "dora"]).unwrap();
    assert_eq!(members(&database, "shown"), "ben cem dora");
    database.apply(Message::identify("eva").with_trait("tier", "platinum").with_timestamp(time(9))).unwrap();
    assert_eq!(database.publish_cut_points().unwrap()[0].moved, 1);
    assert_eq!(members(&database, "shown"), "ben dora eva");
    // Nor for a catalog that concludes otherwise from the same facts, in however many steps.
    database.sweep_only_when_asked();
    database.replace_catalog(Catalog::from_toml(&with_level.replace("!staff", "true")).unwrap()).unwrap();
    database.replace_list("staff", ["cem"]).unwrap();
    assert_eq!(members(&database, "shown"), "ben dora eva");
    assert_eq!(rebuilds(), before);
    let mut reference = Reference::new(database.catalog().unwrap());
    for message in messages() {
        reference.apply(message, time(10)).unwrap();
    }
    for id in ["ana", "ben", "cem", "dora"] {
        assert_eq!(database.profile(id).unwrap().segments, reference.answers(id, time(10)).segments, "{id}");
    }
    assert_eq!(database.verify().unwrap().flaws, []);
    // What asks about the past is told from the messages.
    let held = with_level.replace("!staff", "!held(staff, \"1s\")");
    database.replace_catalog(Catalog::from_toml(&held).unwrap()).unwrap();
    database.advance().unwrap();
    assert_eq!(rebuilds(), before + 5);
}

#[test]
fn lists_that_were_replaced_are_let_go_of() {
    let folder = Folder::new("publishing-size");
    let database = open(folder.path(), Some(catalog()));
    told(&database);
    for round in 0..6 {
        database.replace_list("invited", (0..20_000).map(|number| format!("c{}", number + round))).unwrap();
        database.advance().unwrap();
        database.checkpoint().unwrap();
    }
    let replaced = std::fs::read_dir(folder.path().join("catalogs")).unwrap();
    let large = replaced.filter(|file| file.as_ref().unwrap().metadata().unwrap().len() > 100_000).count();
    assert!(large <= 1, "{large} catalogs have lists that nobody needs");
    assert_eq!(database.catalog_files(2).unwrap().unwrap()[0].text, CATALOG);
}
