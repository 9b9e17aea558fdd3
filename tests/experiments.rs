//! Experiments and holdouts: who keeps which variant, through merges, catalogs and restarts.

#![expect(clippy::unwrap_used, reason = "a test stops when it is wrong")]

use std::collections::BTreeMap;

use habitue::{
    Catalog, CatalogError, Clock, Database, Durability, Duration, ManualClock, Message, OpenOptions, Reason,
    Time,
};

const START: &str = "2026-01-10T09:00:00Z";

/// A catalog with one experiment, and whatever else.
fn catalog(more: &str) -> Catalog {
    Catalog::from_toml(&format!(
        r#"
        schema = 1
        [experiments.banner]
        variants = ["control", "blue", "red"]
        [computed]
        banner = 'variant("banner")'
        [segments]
        blue = 'variant("banner") == "blue"'
        {more}
        "#
    ))
    .unwrap()
}

fn clock() -> ManualClock {
    ManualClock::new(Time::parse(START).unwrap())
}

fn in_memory(catalog: Catalog) -> (Database, ManualClock) {
    let clock = clock();
    (Database::in_memory_with_clock(catalog, Clock::Manual(clock.clone())), clock)
}

fn variant(database: &Database, id: &str) -> Option<String> {
    let value = database.attribute(id, "banner").unwrap();
    value.map(|value| value.to_json().as_str().unwrap().to_owned())
}

fn visit(visitor: &str) -> Message {
    Message::page(visitor, "Home").anonymous()
}

fn seen(id: &str) -> Message {
    Message::identify(id)
}

#[test]
fn a_variant_never_changes_when_unrelated_definitions_do() {
    let (database, _) = in_memory(catalog(""));
    for number in 0..300 {
        database.apply(seen(&format!("u{number}"))).unwrap();
    }
    let all = || -> Vec<Option<String>> {
        (0..300).map(|number| variant(&database, &format!("u{number}"))).collect()
    };
    let before = all();
    let mut counted: BTreeMap<Option<String>, usize> = BTreeMap::new();
    before.iter().for_each(|variant| *counted.entry(variant.clone()).or_default() += 1);
    assert_eq!(counted.len(), 3, "everybody has one, and each is given: {counted:?}");
    for more in [
        "gold = 'true'\n[attributes]\ntier = \"string\"\n[experiments.another]\nvariants = [\"a\", \"b\"]",
        "[holdouts.none]\npercent = 100\npersonalizations = []",
        "[experiments.banner2]\nsalt = \"banner\"\nvariants = [\"control\", \"blue\", \"red\"]",
    ] {
        database.replace_catalog(catalog(more)).unwrap();
        assert_eq!(all(), before, "{more}");
    }
}

#[test]
fn of_two_who_are_joined_the_one_seen_first_keeps_the_variant() {
    let (mut kept_visits, mut kept_own) = (0, 0);
    for number in 0..40 {
        let (database, clock) = in_memory(catalog(""));
        let wait = || clock.set(clock.now() + Duration::from_millis(1_000));
        let (visitor, user) = (format!("v{number}"), format!("u{number}"));
        // Whoever was there first, whether the visit or the account.
        let user_first = number % 2 == 0;
        if user_first {
            database.apply(seen(&user)).unwrap();
            wait();
        }
        database.apply(visit(&visitor)).unwrap();
        let of_visit = variant(&database, &visitor);
        let of_user = user_first.then(|| variant(&database, &user)).flatten();
        wait();
        database.apply(seen(&user).with_anonymous_id(&visitor)).unwrap();
        let together = variant(&database, &user);
        assert_eq!(together, variant(&database, &visitor), "they are one");
        assert_eq!(together, if user_first { of_user.clone() } else { of_visit.clone() }, "{user}");
        let members = database.members("blue").unwrap();
        assert_eq!(!members.is_empty(), together.as_deref() == Some("blue"), "{user}");
        kept_own += usize::from(user_first && of_user != of_visit);
        kept_visits += usize::from(!user_first);
    }
    assert!(kept_own > 5 && kept_visits > 5, "the cases are there");
}

#[test]
fn everybody_is_as_before_after_a_restart() {
    let folder = std::env::temp_dir().join(format!("habitue-experiments-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let open = || {
        let options = OpenOptions::new().catalog(catalog("")).clock(Clock::Manual(clock()));
        options.durability(Durability::Memory).open(&folder).unwrap()
    };
    let ids: Vec<String> = (0..60).map(|number| format!("u{number}")).collect();
    let all = |database: &Database| -> Vec<_> {
        ids.iter().map(|id| (variant(database, id), database.is_member(id, "blue").unwrap())).collect()
    };
    let database = open();
    for (number, id) in ids.iter().enumerate() {
        let visitor = format!("v{number}");
        database.apply(visit(&visitor)).unwrap();
        if number % 3 == 0 {
            database.apply(seen(id).with_anonymous_id(visitor)).unwrap();
        } else {
            database.apply(seen(id)).unwrap();
        }
    }
    let before = all(&database);
    database.close().unwrap();
    for _ in 0..2 {
        let database = open();
        assert_eq!(all(&database), before);
        assert!(database.verify().unwrap().flaws.is_empty());
        database.close().unwrap();
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn who_is_held_out_is_shown_the_fallback() {
    let (database, _) = in_memory(catalog(
        r#"
            quiet = 'held_out("quiet")'
            [holdouts.quiet]
            percent = 25
            personalizations = ["home"]
            [personalizations.home]
            fallback = { name = "plain" }
            offers = [{ name = "offer" }]
            [personalizations.other]
            offers = [{ name = "offer" }]
            "#,
    ));
    let mut held_out = 0;
    for number in 0..400 {
        let id = format!("u{number}");
        database.apply(seen(&id)).unwrap();
        let decided = database.decide(&id, "home").unwrap().decision;
        let is_held_out = database.is_member(&id, "quiet").unwrap();
        held_out += usize::from(is_held_out);
        let expected = if is_held_out { ("plain", Reason::HeldOut) } else { ("offer", Reason::Qualified) };
        assert_eq!((decided.name().unwrap(), decided.reason), expected, "{id}");
        assert_eq!(decided.is_fallback(), is_held_out);
        assert_eq!(database.decide(&id, "other").unwrap().decision.name(), Some("offer"));
        let why = database.explain_decision(&id, "home").unwrap().to_string();
        assert_eq!(why.contains("held out"), is_held_out, "{why}");
    }
    assert!((60..140).contains(&held_out), "{held_out} of 400, of whom 25 % are held out");
}

/// Lines of a catalog after its first, and what is said of them.
const REFUSED: &[(&str, &str)] = &[
    (
        "[experiments.x]\ntraffic = 10",
        "2:1 missing_key: an experiment needs `variants` | such as `variants = [\"control\", \"new\"]`",
    ),
    (
        "[experiments.x]\nvariants = [\"a\"]\ntraffic = 120",
        "4:11 out_of_range: `traffic` is 0 to 100 percent, not 120",
    ),
    (
        "[experiments.x]\nvariants = [{ name = \"a\", weight = 0 }]",
        "3:36 weights: all variants have the weight 0, so nobody is given any | give one of them a `weight`",
    ),
    (
        "[experiments.x]\nvariants = [\"a\", \"b\"]\nforced = { ana = \"c\" }",
        "4:18 unknown_name: there is no variant `c`",
    ),
    (
        "[experiments.x]\nvariants = [\"a\", \"b\"]\nunit = \"housold\"\n[attributes]\nhousehold = \"string\"",
        "4:8 unknown_name: there is no unit `housold` | did you mean `household`?",
    ),
    (
        "[experiments.x]\nvariants = [\"a\", \"b\"]\nunit = \"tags\"\n[attributes]\ntags = \"list\"",
        "4:8 type: `tags` (list) identifies nothing | a unit is an attribute of type string or int",
    ),
    (
        "[experiments.x]\nvariants = [\"a\", \"b\"]\nfrom = \"2026-02-01T00:00:00Z\"\nuntil = 2026-01-01T00:00:00Z",
        "5:9 out_of_range: it ends at 2026-01-01T00:00:00Z, and begins at 2026-02-01T00:00:00Z",
    ),
    (
        "[experiments.x]\nvariants = [\"a\", \"b\"]\nwhen = 's'\n[segments]\ns = 'variant(\"x\") == \"a\"'",
        "4:9 cycle: this defines something by itself: s -> x -> s",
    ),
    (
        "[experiments.x]\nvariants = [\"a\", \"b\"]\n[segments]\ns = 'variant(\"x\") == \"c\"'",
        "5:22 unknown_value: \"c\" is none of the declared values",
    ),
    (
        "[experiments.banner]\nvariants = [\"a\", \"b\"]\n[segments]\ns = 'variant(\"baner\") == \"a\"'",
        "5:14 unknown_name: there is no experiment `baner` | did you mean `\"banner\"`?",
    ),
    (
        "[segments]\ns = 'held_out(\"x\")'",
        "3:15 unknown_name: there is no holdout `x` | declare it under `[holdouts.\"x\"]`",
    ),
    (
        "[experiments.x]\nvariants = [\"a\", \"b\"]\n[segments]\ns = 'events(\"A\").where(variant(\"x\") == \"a\").exists()'\n[events.A]",
        "5:24 scope: a customer's experiment cannot be asked of an event | ask for it outside: `variant(…) … && events(…)…`",
    ),
    (
        "[experiments.x]\ngroup = { name = \"g\", from = 0, until = 60 }\nvariants = [\"a\"]\n[experiments.y]\ngroup = { name = \"g\", from = 50, until = 100 }\nvariants = [\"a\"]",
        "6:9 group: `y` and `x` overlap in the group `g`",
    ),
    (
        "[experiments.x]\ngroup = { name = \"g\", from = 0, until = 50 }\nvariants = [\"a\"]\nunit = \"userId\"\n[experiments.y]\ngroup = { name = \"g\", from = 50, until = 100 }\nvariants = [\"a\"]",
        "7:9 group: `y` and `x` share the group `g`, but find a customer's place in it differently",
    ),
    (
        "[experiments.x]\nalgorithm = \"growthbook_v2\"\nvariants = [{ name = \"a\", weight = 1 }, { name = \"b\", weight = 3 }]",
        "4:36 weights: GrowthBook's weights add up to 1 | write them as it does, such as 0.3 and 0.7, or in percent",
    ),
    (
        "[experiments.x]\nalgorithm = \"unleash\"\ntraffic = 12.5\nvariants = [\"a\"]",
        "4:11 out_of_range: Unleash lets whole percents take part",
    ),
    (
        "[experiments.x]\ntraffic_salt = \"s\"\nvariants = [\"a\"]",
        "3:1 misplaced_key: only Unleash hashes for its traffic apart | write `salt`, or `algorithm = \"unleash\"`",
    ),
    ("[holdouts.x]", "2:1 missing_key: a holdout needs `percent`"),
    (
        "[holdouts.x]\npercent = 5\npersonalizations = [\"hom\"]\n[personalizations.home]\nfallback = { name = \"a\" }",
        "4:21 unknown_name: there is no personalization `hom` | did you mean `home`?",
    ),
];

/// What is wrong with an experiment or holdout is said where it is, with what to do.
#[test]
fn what_cannot_be_is_refused() {
    let mut wrong = Vec::new();
    for (toml, expected) in REFUSED {
        let refused = Catalog::from_toml(&format!("schema = 1\n{toml}"));
        let Err(CatalogError::Invalid(report)) = refused else { panic!("{toml}: {refused:?}") };
        let found: Vec<String> = report
            .located()
            .map(|at| {
                let help = at.help.map_or(String::new(), |help| format!(" | {help}"));
                format!("{}:{} {}: {}{help}", at.line, at.column, at.code, at.message)
            })
            .collect();
        if found.len() != 1 || !found[0].starts_with(expected) {
            wrong.push((toml, found));
        }
    }
    assert_eq!(wrong, []);
}
