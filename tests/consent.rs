//! Consent in a folder: with little memory, messages of the future, late ones and openings in between, every
//! answer is the reference's.

#![expect(clippy::unwrap_used, reason = "a test stops when it is wrong")]

use std::path::PathBuf;

use habitue::{
    Catalog, CatalogError, Clock, ConsentState, Database, Durability, ManualClock, Message, OpenOptions,
    Reference, RefusalReason, Time,
};
use serde_json::json;

const CATALOG: &str = r#"
    schema = 1
    [attributes]
    tier = "string"
    [events.View]
    category = "string"
    [events.Order]
    total = "float"
    [purposes.ads]
    attributes = ["tier"]
    events = ["View"]
    [purposes.mail]
    events = ["Order", "View"]
    [segments]
    viewer = 'events("View").within("10m").count() >= 2'
    asked = 'consent("ads") && !consent("mail")'
    steady = 'held(consent("ads"), "3m")'
    gold = 'tier == "gold"'
    favourite = 'events("View").top(category) == "x"'
    [personalizations.p]
    on = "View"
    fallback = { name = "none" }
    [[personalizations.p.offers]]
    name = "o"
    when = 'event.category == "x"'
"#;
const BEGIN_MS: i64 = 1_767_225_600_000;

fn catalog() -> Catalog {
    Catalog::from_toml(CATALOG).unwrap()
}

/// The same without `top` over all events, which keeps whole histories in memory.
fn forgetful() -> String {
    CATALOG.replace("favourite = 'events(\"View\").top(category) == \"x\"'", "")
}

/// A folder of one story, removed when it ends well.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("consent_{name}"));
        let _was_not_there = std::fs::remove_dir_all(&folder);
        Folder(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _may_stay = std::fs::remove_dir_all(&self.0);
        }
    }
}

fn time(millis: i64) -> Time {
    Time::from_millis(BEGIN_MS + millis).unwrap()
}

/// Numbers by the splitmix64 recipe.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn message(&mut self, number: u64, now_ms: i64) -> Message {
        let customer = format!("c{}", self.below(8));
        let message = match self.below(4) {
            0 => Message::identify(customer).with_trait("tier", ["gold", "tin"][self.below(2) as usize]),
            1 => Message::track(customer, "Order").with_property("total", 2.5),
            _ => {
                Message::track(customer, "View").with_property("category", ["x", "y"][self.below(2) as usize])
            }
        };
        let away = [0, 0, 0, 0, 30_000, 120_000, -1_000, -60_000, -600_000][self.below(9) as usize];
        let message =
            message.with_id(format!("m{}-{number}", self.below(10))).with_timestamp(time(now_ms + away));
        match self.below(5) {
            0 | 1 => message.with_consent(["ads", "mail"][self.below(2) as usize], self.below(3) > 0),
            _ => message,
        }
    }
}

fn compare(database: &Database, reference: &Reference, now: Time, seed: u64) {
    for number in 0..8 {
        let id = format!("c{number}");
        let (snapshot, answers) = (database.profile(&id).unwrap(), reference.answers(&id, now));
        assert_eq!(snapshot.consents, answers.consents, "seed {seed}: {id} at {now}");
        assert_eq!(snapshot.segments, answers.segments, "seed {seed}: {id} at {now}");
        assert_eq!(snapshot.attributes, answers.attributes, "seed {seed}: {id} at {now}");
        let shown = snapshot.decisions["p"].decision.name();
        assert_eq!(shown, Some(&*answers.decisions["p"].offers[0].0), "seed {seed}: {id} at {now}");
    }
}

/// An explanation has each view of the last ten minutes, either as one that counts or as one that does not.
fn explain(database: &Database, messages: &[Message], now: Time, seed: u64) {
    let from = Time::from_millis(now.millis() - 600_000).unwrap();
    for number in 0..8 {
        let id = format!("c{number}");
        let is_view = |message: &&Message| {
            let time = message.timestamp().unwrap();
            message.user_id() == Some(&id) && message.event() == Some("View") && time > from && time <= now
        };
        let part = database.explain_segment(&id, "viewer").unwrap().to_json();
        let part = &part["condition"]["parts"][0];
        assert_eq!(part["origin"]["events"][0]["count"], part["value"], "seed {seed}: {id} at {now}");
        let withheld = part["withheld"]["count"].as_u64().unwrap_or(0);
        let all = part["value"].as_u64().unwrap() + withheld;
        assert_eq!(all, messages.iter().filter(is_view).count() as u64, "seed {seed}: {id} at {now}");
    }
}

#[test]
fn a_folder_answers_as_the_reference_does() {
    for seed in 0..4 {
        let text = if seed % 2 == 0 { CATALOG.to_owned() } else { forgetful() };
        // The same, where views need one purpose only.
        let texts = [text.replace("events = [\"View\"]", ""), text];
        let catalog = |number: usize| Catalog::from_toml(&texts[number % 2]).unwrap();
        let mut swaps = 1;
        let folder = Folder::new(&seed.to_string());
        let (clock, mut chance) = (ManualClock::new(time(0)), Chance(seed));
        let open = |swaps| {
            let options = OpenOptions::new().catalog(catalog(swaps)).clock(Clock::Manual(clock.clone()));
            let options = options.durability(Durability::Memory);
            options.memory_budget(6_000).journal_segment_bytes(256 * 1024).open(&folder.0).unwrap()
        };
        let mut messages = Vec::new();
        let (mut database, mut reference, mut now_ms) = (open(swaps), Reference::new(catalog(swaps)), 0);
        for number in 0..220 {
            now_ms += [0, 1, 1_000, 20_000][chance.below(4) as usize];
            clock.set(time(now_ms));
            let message = chance.message(number, now_ms);
            database.apply(message.clone()).unwrap();
            reference.apply(message.clone(), time(now_ms)).unwrap();
            messages.push(message);
            match chance.below(40) {
                0 => {
                    drop(database);
                    database = open(swaps);
                }
                9 => {
                    swaps += 1;
                    database.replace_catalog(catalog(swaps)).unwrap();
                    reference.replace_catalog(catalog(swaps));
                }
                1..=6 => database.checkpoint().unwrap(),
                7 | 8 => database.advance().unwrap(),
                _ => {}
            }
            if chance.below(6) == 0 {
                compare(&database, &reference, time(now_ms), seed);
                explain(&database, &messages, time(now_ms), seed);
            }
        }
        database.checkpoint().unwrap();
        now_ms += 200_000;
        clock.set(time(now_ms));
        compare(&database, &reference, time(now_ms), seed);
        assert_eq!(database.verify().unwrap().flaws, [], "seed {seed}");
    }
}

#[test]
fn a_catalog_that_comes_to_need_a_purpose_asks_the_history() {
    let plain = Catalog::from_toml(&CATALOG.replace("events = [\"View\"]", "")).unwrap();
    let clock = ManualClock::new(time(0));
    let database = Database::in_memory_with_clock(plain, Clock::Manual(clock.clone()));
    let view = |id: &str, user: &str| {
        Message::track(user, "View").with_id(format!("{id}{user}")).with_property("category", "x")
    };
    for user in ["ana", "ben"] {
        let asked = Message::identify(user).with_id(format!("0{user}")).with_consent("mail", true);
        database.apply(asked.with_consent("ads", user == "ana")).unwrap();
        database.apply(view("1", user)).unwrap();
        database.apply(view("2", user)).unwrap();
    }
    assert_eq!(database.members("viewer").unwrap(), ["ana", "ben"]);
    database.take_transitions();
    database.replace_catalog(catalog()).unwrap();
    assert_eq!(database.members("viewer").unwrap(), ["ana"]);
    let left: Vec<String> = database.take_transitions().iter().map(|turn| turn.profile.to_string()).collect();
    assert_eq!(left, ["ben", "ben"]);
    assert_eq!(database.profile("ben").unwrap().consents["ads"].state, ConsentState::Denied);
}

#[test]
fn words_that_come_with_every_message_cost_no_retelling() {
    let timeless =
        Catalog::from_toml(&CATALOG.replace("steady = 'held(consent(\"ads\"), \"3m\")'", "")).unwrap();
    let clock = ManualClock::new(time(0));
    let database = Database::in_memory_with_clock(timeless, Clock::Manual(clock.clone()));
    for number in 0..100 {
        clock.set(time(number * 1_000));
        let view =
            Message::track("ana", "View").with_property("category", "x").with_id(format!("{number:03}"));
        // One in ten is late.
        let view = view.with_timestamp(time(number * 1_000 - if number % 10 == 5 { 2_500 } else { 0 }));
        database.apply(view.with_consent("ads", true).with_consent("mail", true)).unwrap();
    }
    assert_eq!(database.stats().work.rebuilds, 0);
    database.apply(Message::identify("ana").with_consent("ads", false)).unwrap();
    assert_eq!(database.stats().work.rebuilds, 1);
    assert!(!database.is_member("ana", "favourite").unwrap());
}

#[test]
fn only_events_that_count_trigger() {
    let database = Database::in_memory(catalog());
    let view = |id: &str| Message::track("ana", "View").with_id(id).with_property("category", "x");
    assert!(database.apply_and_decide(view("a")).unwrap().1.is_empty());
    let asked = view("b").with_consent("ads", true).with_consent("mail", true);
    assert_eq!(database.apply_and_decide(asked).unwrap().1[0].decision.name(), Some("o"));
    assert!(database.apply_and_decide(view("c").with_consent("mail", false)).unwrap().1.is_empty());
}

#[test]
fn of_one_instant_only_events_after_the_yes_trigger() {
    let database = Database::in_memory_with_clock(catalog(), Clock::Manual(ManualClock::new(time(0))));
    let at = |message: Message, id: &str| message.with_id(id).with_timestamp(time(0));
    let yes = Message::identify("ana").with_consent("ads", true).with_consent("mail", true);
    database.apply(at(yes, "m")).unwrap();
    let view = || Message::track("ana", "View").with_property("category", "x");
    assert!(database.apply_and_decide(at(view(), "a")).unwrap().1.is_empty());
    assert_eq!(database.apply_and_decide(at(view(), "z")).unwrap().1[0].decision.name(), Some("o"));
}

#[test]
fn what_does_not_count_is_explained() {
    let clock = ManualClock::new(time(0));
    let database = Database::in_memory_with_clock(catalog(), Clock::Manual(clock.clone()));
    let view = |id: &str| Message::track("ana", "View").with_id(id).with_property("category", "x");
    let asked = |id: &str, ads: bool| Message::identify("ana").with_id(id).with_consent("ads", ads);
    let messages = [
        view("before"),
        asked("yes", true).with_consent("mail", true).with_trait("tier", "gold"),
        view("between"),
        asked("no", false),
        Message::track("ana", "Order").with_id("order"),
    ];
    for (message, number) in messages.into_iter().zip(1..) {
        clock.set(time(number * 1_000));
        database.apply(message).unwrap();
    }
    let json = database.explain_segment("ana", "viewer").unwrap().to_json();
    let withheld = &json["condition"]["parts"][0]["withheld"];
    assert_eq!((&withheld["purposes"], &withheld["count"]), (&json!(["ads", "mail"]), &json!(2)));
    assert_eq!(withheld["latest"][0]["message"], "between");
    let text = database.explain_segment("ana", "viewer").unwrap().to_string();
    let said = "; 2 do not count without consent to `ads` and `mail`: between, before";
    assert!(text.contains(said), "{text}");
    let text = database.explain_segment("ana", "gold").unwrap().to_string();
    assert!(text.contains("missing: `tier` is not set with consent to `ads` (tier == \"gold\")"), "{text}");
    assert!(text.contains("1 does not count without consent to `ads`: yes"), "{text}");
    let trigger = database.explain_decision("ana", "p").unwrap().to_string();
    assert!(trigger.contains("2 do not count without consent to `ads` and `mail`"), "{trigger}");
    // Once it counts, nothing is said of it; what came before consent never counts.
    clock.set(time(6_000));
    database.apply(asked("again", true)).unwrap();
    let json = database.explain_segment("ana", "gold").unwrap().to_json();
    assert_eq!(json["condition"]["parts"][0].get("withheld"), None);
    let json = database.explain_segment("ana", "viewer").unwrap().to_json();
    assert_eq!(json["condition"]["parts"][0]["withheld"]["latest"][0]["message"], "before");
}

#[test]
fn a_word_that_waits_survives_a_live_store_made_anew() {
    let (folder, clock) = (Folder::new("waits"), ManualClock::new(time(0)));
    let open = || {
        let options = OpenOptions::new()
            .catalog(Catalog::from_toml(&forgetful()).unwrap())
            .clock(Clock::Manual(clock.clone()));
        options.durability(Durability::Memory).journal_segment_bytes(256 * 1024).open(&folder.0).unwrap()
    };
    let database = open();
    let asked = Message::identify("ana").with_consent("ads", true).with_consent("mail", true);
    database.apply(asked).unwrap();
    for id in ["v1", "v2"] {
        database.apply(Message::track("ana", "View").with_id(id)).unwrap();
    }
    let waiting = Message::identify("ana").with_consent("ads", false).with_timestamp(time(60_000));
    database.apply(waiting).unwrap();
    for number in 0..600 {
        database.apply(Message::identify(format!("other-{number}"))).unwrap();
    }
    database.close().unwrap();
    let database = open();
    assert!(database.is_member("ana", "viewer").unwrap());
    // She is in memory as she was read; where she was read from is no more.
    for file in std::fs::read_dir(folder.0.join("live")).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            std::fs::write(&path, vec![0x5a; usize::try_from(path.metadata().unwrap().len()).unwrap()])
                .unwrap();
        }
    }
    for number in 0..600 {
        let _may_be_in_doubt = database.profile(&format!("other-{number}"));
    }
    assert!(!database.warnings().is_empty(), "the live store was made anew");
    database.checkpoint().unwrap();
    assert!(database.is_member("ana", "viewer").unwrap());
    clock.set(time(60_000));
    assert!(!database.is_member("ana", "viewer").unwrap());
    assert_eq!(database.profile("ana").unwrap().consents["ads"].state, ConsentState::Revoked);
    assert_eq!(database.verify().unwrap().flaws, []);
}

#[test]
fn a_purpose_has_any_name() {
    let text =
        CATALOG.replace("purposes.ads", "purposes.\"C0004 (ads)\"").replace("(\"ads\")", "(\"C0004 (ads)\")");
    let database = Database::in_memory(Catalog::from_toml(&text).unwrap());
    database.apply(Message::identify("ana").with_consent("C0004 (ads)", true)).unwrap();
    assert!(database.is_member("ana", "asked").unwrap());
    let text = database.explain_segment("ana", "asked").unwrap().to_string();
    assert!(text.contains("consent(\"C0004 (ads)\")"), "{text}");
}

#[test]
fn a_word_is_yes_or_no() {
    let database = Database::in_memory(catalog());
    let message = |preferences: &str| {
        let text = format!(
            r#"{{"type":"identify","userId":"ana","context":{{"consent":{{"categoryPreferences":{preferences}}}}}}}"#
        );
        Message::parse(&text).unwrap()
    };
    for (preferences, field) in [
        (r#"{"ads":"true"}"#, "context.consent.categoryPreferences.ads"),
        (r#"{"mail":1}"#, "context.consent.categoryPreferences.mail"),
        (r#"{"mail":null}"#, "context.consent.categoryPreferences.mail"),
        (r#"["ads"]"#, "context.consent.categoryPreferences"),
    ] {
        let refusal = database.apply(message(preferences)).unwrap_err();
        assert_eq!((refusal.reason, refusal.field.as_str()), (RefusalReason::Schema, field));
    }
    for accepted in [r#"{"weather":"yes"}"#, "{}", "null"] {
        database.apply(message(accepted)).unwrap();
    }
    assert!(database.profile("ana").unwrap().consents.values().all(|consent| consent.since.is_none()));
}

#[test]
fn misspelt_names_are_found() {
    let text = r#"schema = 1
[attributes]
tier = "string"
[events.View]
[purposes.marketing]
attributes = ["teir", "worth"]
events = ["Views"]
[computed]
worth = '1'
[segments]
a = 'tier == "gold" && consent("marketting")'
b = 'events("View").where(consent("marketing")).exists()'
c = 'consent(tier)'
"#;
    let Err(CatalogError::Invalid(report)) = Catalog::from_toml(text) else { panic!("it has mistakes") };
    let found: Vec<String> = report
        .located()
        .map(|at| format!("{}:{} {} | {}", at.line, at.column, at.message, at.help.unwrap_or("")))
        .collect();
    assert_eq!(
        found,
        [
            "6:15 there is no attribute `teir` | did you mean `tier`?",
            "6:23 there is no attribute `worth` | it is computed: name the attributes and events that it is made of",
            "7:11 there is no event `Views` | did you mean `View`?",
            "11:32 there is no purpose `marketting` | did you mean `\"marketing\"`?",
            "12:27 consent cannot be asked of an event | ask for it outside: `consent(…) && events(…)…`",
            "13:14 `consent` needs a text that is known when the catalog is checked | write it in quotes: `consent(\"marketing\")`",
        ]
    );
}
