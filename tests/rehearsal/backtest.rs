//! A catalog tried on a log: held against the naive reference, and what the command says.

use habitue::backtest::{Backtest, BacktestReport, DecisionPoint, TriedDecision};
use habitue::{Catalog, Clock, ManualClock, Message, OpenOptions, Reference, Time};
use serde_json::{Value as Json, json};

use crate::Folder;

const OLD: &str = r#"
schema = 1
[attributes]
tier = "string"
[events."Logged In"]
channel = "string"
[events."Product Viewed"]
category = "string"
[personalizations.home]
fallback = { name = "plain" }
[[personalizations.home.offers]]
name = "gold-offer"
when = 'tier == "gold"'
[personalizations.desk]
on = "Logged In"
[[personalizations.desk.offers]]
name = "app"
when = 'event.channel == "app"'
[personalizations.gone]
"#;

const NEW: &str = r#"
schema = 1
[attributes]
tier = "string"
[events."Logged In"]
channel = "string"
[events."Product Viewed"]
category = "string"
[personalizations.home]
fallback = { name = "plain" }
[[personalizations.home.offers]]
name = "gold-offer"
when = 'tier == "gold"'
cap = { most = 2, within = "6h" }
[[personalizations.home.offers]]
name = "hats"
when = 'events("Product Viewed").where(category == "hats").within("3h").count() >= 2'
[personalizations.desk]
strategy = "all"
on = "Logged In"
[[personalizations.desk.offers]]
name = "app"
when = 'event.channel == "app" && events("Logged In").count() >= 2'
[[personalizations.desk.offers]]
name = "gold-desk"
when = 'tier == "gold"'
[personalizations.shelf]
on = "Product Viewed"
[[personalizations.shelf.offers]]
name = "shelf"
when = 'event.category == "hats"'
cap = { most = 1, within = "1h" }
"#;

fn catalog(text: &str) -> Catalog {
    Catalog::from_toml(text).unwrap()
}

fn time(minutes: i64) -> Time {
    Time::from_millis(1_767_225_600_000 + minutes * 60_000).unwrap()
}

/// Message `number` of a log: some of one instant, some of visitors who become known.
fn message(number: u64) -> Message {
    let id = format!("c{}", number * 7 % 5);
    let message = match number % 7 {
        0 => Message::identify(&id)
            .with_trait("tier", if number.is_multiple_of(2) { "gold" } else { "silver" }),
        1 => Message::track(&id, "Logged In")
            .with_property("channel", if number.is_multiple_of(3) { "web" } else { "app" }),
        2 if number.is_multiple_of(4) => Message::identify(&id).with_anonymous_id(id.replace('c', "v")),
        2 | 3 => Message::track(id.replace('c', "v"), "Product Viewed")
            .anonymous()
            .with_property("category", "hats"),
        4 => Message::track(&id, "Product Viewed").with_property("category", "hats"),
        _ => Message::track(&id, "$exposure")
            .with_property("personalization", ["home", "desk", "other"][number as usize % 3])
            .with_property("offers", vec![["gold-offer", "plain", "app"][number as usize / 3 % 3]])
            .with_property("reason", "qualified"),
    };
    message.with_id(format!("m{:03}", number * 37 % 211)).with_timestamp(time((number / 2 * 17) as i64))
}

fn log() -> Vec<Message> {
    (0..211).map(message).collect()
}

/// The same messages in another order, some of them twice.
fn shuffled() -> Vec<Message> {
    let mut log: Vec<Message> = (0..211).map(|number| message(number * 101 % 211)).collect();
    log.extend((0..20).map(message));
    log
}

fn tried(backtest: Backtest, log: Vec<Message>) -> (Vec<TriedDecision>, BacktestReport) {
    let mut run = backtest.of_messages(log.into_iter().map(Ok));
    let decisions = run.by_ref().collect::<Result<_, _>>().unwrap();
    (decisions, run.finish().unwrap())
}

/// What the naive reference says that the personalizations show at a decision point.
fn reference(text: &str, log: &[Message], point: &TriedDecision) -> Option<Json> {
    let mut reference = Reference::new(catalog(text));
    let mut ordered: Vec<&Message> = log.iter().collect();
    ordered.sort_by_key(|message| (message.timestamp(), message.message_id()));
    let place = ordered.iter().position(|message| message.message_id() == Some(&point.message)).unwrap();
    let (before, itself) = (&ordered[..place], ordered[place]);
    for message in before {
        reference.apply((*message).clone(), point.at).unwrap();
    }
    let answers = match point.point {
        DecisionPoint::Trigger => {
            reference.apply(itself.clone(), point.at).unwrap();
            reference.answers_after(itself, point.at)
        }
        _ => reference.answers(&point.user, point.at),
    };
    let shown = answers.decisions.get(&*point.personalization)?;
    Some(shown.offers.iter().map(|(name, _)| json!(name)).collect())
}

fn names(decision: &Json) -> Json {
    match decision {
        Json::Null => json!([]),
        Json::Array(_) => decision.clone(),
        name => json!([name]),
    }
}

#[test]
fn decisions_are_those_of_the_naive_reference() {
    let (decisions, report) = tried(Backtest::new(catalog(NEW)).old(catalog(OLD)), shuffled());
    assert_eq!((report.messages, report.duplicates, report.new.messages), (211, 20, 211));
    let log = log();
    for tried in &decisions {
        assert_eq!(Some(names(&tried.decision)), reference(NEW, &log, tried), "{tried:?}");
        assert_eq!(tried.old.as_ref().map(names), reference(OLD, &log, tried), "{tried:?}");
    }
    // It was worth looking at: each kind of point, each offer, caps that hold back.
    let home = &report.personalizations[0];
    assert!(home.offers.iter().all(|offer| offer.offered > 0), "{home:?}");
    assert!(home.recorded.same > 0 && home.recorded.other > 0);
    assert!(home.old.as_ref().unwrap().other > 0);
    assert!(report.personalizations[1].triggers > 0 && report.personalizations[1].exposures > 0);
    assert!(report.personalizations[2].old.is_none(), "the old catalog has no shelf");
    assert!(report.unknown["other"] > 0);
    assert_eq!(
        report.personalizations.iter().map(|tried| tried.decisions).sum::<u64>(),
        decisions.len() as u64
    );
}

#[test]
fn the_order_of_the_log_changes_nothing() {
    for expose in [false, true] {
        let backtest = || {
            let backtest = Backtest::new(catalog(NEW)).old(catalog(OLD));
            if expose { backtest.expose() } else { backtest }
        };
        let (in_order, report) = tried(backtest(), log());
        let (shuffled, other) = tried(backtest(), shuffled());
        assert_eq!(in_order, shuffled);
        assert_eq!(report.personalizations, other.personalizations);
    }
}

#[test]
fn a_folder_gives_what_its_log_gives() {
    let folder = Folder::new("backtest_folder");
    let path = folder.0.join("shop");
    let clock = ManualClock::new(time(0));
    let shop =
        OpenOptions::new().catalog(catalog(OLD)).clock(Clock::Manual(clock.clone())).open(&path).unwrap();
    clock.set(time(100_000));
    log().into_iter().for_each(|message| drop(shop.apply(message).unwrap()));
    shop.close().unwrap();
    let (of_log, report) = tried(Backtest::new(catalog(NEW)).expose(), log());
    let mut run = Backtest::new(catalog(NEW)).expose().of_folder(&path).unwrap();
    let of_folder = run.by_ref().collect::<Result<Vec<_>, _>>().unwrap();
    assert_eq!(of_log, of_folder);
    let of_folder = run.finish().unwrap();
    assert_eq!(report.personalizations, of_folder.personalizations);
    // What does not fit is left out, where a log's message would be refused.
    let misfit =
        catalog(&NEW.replace("tier = \"string\"", "tier = \"int\"").replace("tier == \"gold\"", "tier == 1"));
    let report = Backtest::new(misfit).of_folder(&path).unwrap().finish().unwrap();
    assert_eq!((report.new.refused.len(), report.personalizations[0].offers[0].offered), (0, 0));
    assert_eq!(report.personalizations[0].decisions, of_folder.personalizations[0].decisions);
}

#[test]
fn caps_count_what_was_shown_or_what_would_have_been() {
    // Four pages, of which three really showed the gold offer, which is now capped at two within six hours.
    let mut log =
        vec![Message::identify("ana").with_trait("tier", "gold").with_id("a").with_timestamp(time(0))];
    for (number, shown) in
        ["plain", "gold-offer", "plain", "gold-offer", "gold-offer"].into_iter().enumerate()
    {
        log.push(
            Message::track("ana", "$exposure")
                .with_property("personalization", "home")
                .with_property("offers", json!([shown]))
                .with_property("reason", if shown == "plain" { "fallback" } else { "qualified" })
                .with_id(format!("x{number}"))
                .with_timestamp(time(10 + number as i64)),
        );
    }
    let said = |backtest: Backtest| {
        let (decisions, _) = tried(backtest, log.clone());
        decisions.iter().map(|tried| tried.decision.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let (gold, plain) = ("gold-offer", "plain");
    assert_eq!(said(Backtest::new(catalog(NEW))), [gold, gold, gold, gold, plain]);
    assert_eq!(said(Backtest::new(catalog(NEW)).expose()), [gold, gold, plain, plain, plain]);
    // From a time on, what was before is only heard; and an end.
    assert_eq!(said(Backtest::new(catalog(NEW)).from(time(13)).until(time(13))), [gold]);
    // Of what has no exposures, decisions at triggers count.
    let views = |expose: bool| {
        let backtest = Backtest::new(catalog(NEW));
        let view = |n: i64| {
            Message::track("ana", "Product Viewed").with_property("category", "hats").with_timestamp(time(n))
        };
        let (decisions, _) =
            tried(if expose { backtest.expose() } else { backtest }, (0..3).map(view).collect());
        decisions.iter().map(|tried| tried.decision.clone()).collect::<Vec<_>>()
    };
    assert_eq!(views(false), ["shelf", "shelf", "shelf"]);
    assert_eq!(views(true), [json!("shelf"), json!(null), json!(null)]);
}

#[test]
fn what_a_call_said_is_known_where_it_was_recorded() {
    let catalog = |page: &str| {
        catalog(&format!(
            r#"
            schema = 1
            [context]
            page = {page}
            [personalizations.home]
            fallback = {{ name = "plain" }}
            [[personalizations.home.offers]]
            name = "basket"
            when = 'context.page == "basket"'
            "#
        ))
    };
    let log = |known: bool| {
        let exposure = |number: i64, said: Json| {
            Message::track("ana", "$exposure")
                .with_property("personalization", "home")
                .with_property("offers", json!(["plain"]))
                .with_property("context", said)
                .with_timestamp(time(number))
        };
        let known = known.then(|| Message::identify("ana").with_timestamp(time(0)));
        let said = [json!({"page": "basket", "weather": 3}), json!({"page": 7}), json!({})];
        let exposures = said.into_iter().zip(1..).map(|(said, number)| exposure(number, said));
        known.into_iter().chain(exposures).collect::<Vec<_>>()
    };
    let declared = r#"{ type = "string", recorded = true }"#;
    for known in [true, false] {
        let (decisions, _) = tried(Backtest::new(catalog(declared)), log(known));
        let shown: Vec<&Json> = decisions.iter().map(|tried| &tried.decision).collect();
        assert_eq!(shown, ["basket", "plain", "plain"], "known: {known}");
    }
}

const LOG: &str = r#"{"type":"track","messageId":"v1","anonymousId":"v1","event":"Product Viewed","properties":{"category":"hats"},"timestamp":"2026-01-01T09:10:00Z"}
{"type":"identify","messageId":"m1","userId":"ana","traits":{"tier":"gold"},"timestamp":"2026-01-01T09:00:00Z"}
{"type":"track","messageId":"x1","userId":"ana","event":"$exposure","properties":{"personalization":"home","offers":["plain"],"reason":"fallback"},"timestamp":"2026-01-01T09:20:00Z"}
{"type":"identify","messageId":"m2","userId":"ana","anonymousId":"v1","timestamp":"2026-01-01T09:30:00Z"}
{"type":"track","messageId":"v2","userId":"ana","event":"Product Viewed","properties":{"category":"shoes"},"timestamp":"2026-01-01T09:40:00Z"}
{"type":"track","messageId":"x2","userId":"ben","event":"$exposure","properties":{"personalization":"home","offers":["plain"],"reason":"fallback"},"timestamp":"2026-01-01T09:50:00Z"}
{"type":"track","messageId":"x3","userId":"ben","event":"$exposure","properties":{"personalization":"gone","offers":["x"]},"timestamp":"2026-01-01T09:50:00Z"}
{"type":"track"
"#;

const TEXT: &str = "7 messages, from 2026-01-01T09:00:00Z to 2026-01-01T09:50:00Z
1 message refused under either catalog; the first: message refused (schema): line 8: not readable as JSON: EOF while parsing an object at line 1 column 15

home: 2 decisions for 2 profiles, at 2 exposures
  gold-offer            1 time to 1 profile, at 2026-01-01T09:20:00Z
  hats                  never
  plain (the fallback)  1 time to 1 profile, at 2026-01-01T09:50:00Z
  compared with what was shown: 1 the same, 1 other
    plain -> gold-offer  1 time, 1 profile: ana at 2026-01-01T09:20:00Z
  compared with the old catalog's: 2 the same, 0 other

desk: no decision point

shelf: 2 decisions for 1 profile, at 2 triggers
  shelf    1 time to 1 profile, at 2026-01-01T09:10:00Z
  nothing  1 time to 1 profile, at 2026-01-01T09:40:00Z

gone: not in the catalog, 1 exposure
";

const DECISIONS: &str = r#"{"at":"2026-01-01T09:10:00Z","user":"v1","personalization":"shelf","point":"trigger","message":"v1","decision":"shelf","reason":"qualified"}
{"at":"2026-01-01T09:20:00Z","user":"ana","personalization":"home","point":"exposure","message":"x1","decision":"gold-offer","reason":"qualified","recorded":"plain","old":"gold-offer"}
{"at":"2026-01-01T09:40:00Z","user":"ana","personalization":"shelf","point":"trigger","message":"v2","decision":null,"reason":"nothing"}
{"at":"2026-01-01T09:50:00Z","user":"ben","personalization":"home","point":"exposure","message":"x2","decision":"plain","reason":"fallback","recorded":"plain","old":"plain"}
"#;

const LINES: &str = r#"{"personalization":"home","offer":"gold-offer","fallback":false,"offered":1,"profiles":1,"first":"2026-01-01T09:20:00Z","last":"2026-01-01T09:20:00Z"}
{"personalization":"home","offer":"hats","fallback":false,"offered":0,"profiles":0,"first":null,"last":null}
{"personalization":"home","offer":"plain","fallback":true,"offered":1,"profiles":1,"first":"2026-01-01T09:50:00Z","last":"2026-01-01T09:50:00Z"}
{"personalization":"home","compared_with":"recorded","old":"plain","new":"gold-offer","decisions":1,"profiles":1,"examples":[{"user":"ana","at":"2026-01-01T09:20:00Z"}]}
{"personalization":"home","decisions":2,"profiles":2,"triggers":0,"exposures":2,"recorded":{"same":1,"other":1},"old":{"same":2,"other":0}}
{"personalization":"desk","offer":"app","fallback":false,"offered":0,"profiles":0,"first":null,"last":null}
{"personalization":"desk","offer":"gold-desk","fallback":false,"offered":0,"profiles":0,"first":null,"last":null}
{"personalization":"desk","decisions":0,"profiles":0,"triggers":0,"exposures":0,"recorded":{"same":0,"other":0},"old":null}
{"personalization":"shelf","offer":"shelf","fallback":false,"offered":1,"profiles":1,"first":"2026-01-01T09:10:00Z","last":"2026-01-01T09:10:00Z"}
{"personalization":"shelf","offer":null,"fallback":false,"offered":1,"profiles":1,"first":"2026-01-01T09:40:00Z","last":"2026-01-01T09:40:00Z"}
{"personalization":"shelf","decisions":2,"profiles":1,"triggers":2,"exposures":0,"recorded":{"same":0,"other":0},"old":null}
{"summary":{"duplicates":0,"first":"2026-01-01T09:00:00Z","last":"2026-01-01T09:50:00Z","later":0,"messages":7,"new":{"messages":7,"refused":[]},"old":{"messages":7,"refused":[]},"refused":[{"first":{"detail":"line 8: not readable as JSON: EOF while parsing an object at line 1 column 15","field":"","reason":"schema","value":null},"messages":1,"reason":"schema"}],"summaries":0,"unknown":{"gone":1}}}
"#;

#[test]
fn the_command_prints_for_people_and_for_programs() {
    let folder = Folder::new("backtest_command");
    folder.write("new.toml", NEW);
    folder.write("old.toml", OLD);
    folder.write("log.jsonl", LOG);
    let ended = folder.habitue("backtest new.toml log.jsonl --old old.toml --decisions out.jsonl");
    assert_eq!((ended.code, ended.words.as_str()), (Some(0), ""));
    assert_eq!(ended.results, TEXT);
    let decisions = folder.read("out.jsonl");
    assert_eq!(decisions, DECISIONS);
    let again = folder.habitue("backtest new.toml log.jsonl --old old.toml --decisions again.jsonl --json");
    assert_eq!(folder.read("again.jsonl"), decisions, "the same log, the same bytes");
    assert_eq!(again.results, LINES);
    for (arguments, code) in [
        ("new.toml nowhere.jsonl", 5),
        ("nowhere.toml log.jsonl", 5),
        ("new.toml log.jsonl --old log.jsonl", 3),
        ("new.toml log.jsonl --decisions nowhere/out.jsonl", 1),
        ("new.toml log.jsonl --from yesterday", 2),
        ("new.toml .", 5),
    ] {
        let ended = folder.habitue(&format!("backtest {arguments}"));
        assert_eq!(ended.code, Some(code), "{arguments}: {}", ended.words);
    }
}

#[test]
fn the_guide_says_what_the_commands_print() {
    let project = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let guide = std::fs::read_to_string(project.join("docs/guides/rehearsal.md")).unwrap();
    let mut commands = 0;
    for block in guide.split("```text\n$ habitue ").skip(1) {
        let (shown, _) = block.split_once("```").unwrap();
        let (arguments, expected) = shown.split_once('\n').unwrap();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_habitue"));
        command.args(arguments.split_whitespace()).current_dir(project.join("examples/guides/rehearsal"));
        let printed = String::from_utf8(command.output().unwrap().stdout).unwrap();
        assert_eq!(printed, expected, "{arguments}");
        commands += 1;
    }
    assert_eq!(commands, 3);
}
