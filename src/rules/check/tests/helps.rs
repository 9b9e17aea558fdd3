//! What to write instead of a condition that is wrong: one of each help.

use super::read;

/// Each condition, and how what is said of it ends.
const WHAT_TO_WRITE_INSTEAD: &[(&str, &str)] = &[
    ("held(vip)", "] `held(condition, \"30d\")` takes a condition and a duration, here are 1"),
    ("size(tags, tags) > 1", "] `size(x)` takes one text, list or map, here are 2"),
    ("timestamp() > now", "] `timestamp(\"2026-01-01T00:00:00Z\")` takes one text, here are 0"),
    ("duration(\"1d\", 2) > now - birthday", "] `duration(\"30d\")` takes one text, here are 2"),
    ("matches(first_name, \"a\")", " (write `text.matches(\"…\")`)"),
    ("isNull(first_name)", " (write `has(x)`, or `!has(x)`)"),
    ("event(\"Logged In\")", " (write `events(\"Name\")`)"),
    ("sizes(tags) > 1", " (did you mean `size`?)"),
    (
        "entirely(tags) > 1",
        "] there is no function `entirely` (there are `events`, `has`, `held`, `hours`, `consent`, `variant`, `held_out`, `not_bought`, `size`, `timestamp`, `duration`)",
    ),
    ("first_name.contains()", " (write `.contains(\"…\")`)"),
    ("tags.exists(t)", " (write `.exists(e, condition on e)`)"),
    ("first_name.lowerAscii(1) == \"a\"", " (it takes nothing: `.lowerAscii()`)"),
    ("first_name.lower() == \"a\"", " (write `.lowerAscii()` and compare with small letters)"),
    ("first_name.length() > 3", " (write `size(x)`)"),
    ("birthday.getMonth() == 3", ", or a difference with `duration(\"…\")`)"),
    ("tags.count() > 3", " (it belongs to events: `events(\"Name\").count(…)`)"),
    ("tags.within(\"1d\") == []", " (it belongs to events: `events(\"Name\").within(…)`)"),
    ("first_name.beginning() == 3", "; lists have `exists`, `all`; is `first_name` one of them?)"),
    ("(vip ? first_name + first_name : first_name).beginning() == 3", "; lists have `exists`, `all`)"),
    ("birthday + birthday > now", " (the length between two times is their difference)"),
    ("(now - birthday) * 2 > duration(\"1d\")", " (write the length out: `duration(\"60d\")`)"),
    ("now == 3", " (write a time as `timestamp(\"2026-01-01T00:00:00Z\")`)"),
    ("now - birthday > 3", " (write a duration as `duration(\"30d\")`)"),
    ("\"2026\" < birthday", " (write `timestamp(\"2026\")`)"),
    ("subscribed == \"yes\"", "] cannot compare `subscribed` (bool) with \"yes\" (string)"),
    ("first_name == ltv", "] cannot compare `first_name` (string) with `ltv` (float)"),
    ("tags == first_name", " (ask whether a list holds a value with `value in list`)"),
    ("events().after(\"soon\").exists()", " (write `timestamp(\"soon\")`)"),
    ("events().after(duration(\"1d\")).exists()", " (write `.within(…)` or `.older_than(…)`)"),
    (
        "events().after(visits).exists()",
        " (use a time: an attribute, `timestamp(\"…\")`, or `events(\"Name\").last()`)",
    ),
    ("events().after(vip ? now : birthday).exists()", ", `.older_than(\"24h\")` for what was before it)"),
    ("held(vip, -duration(\"1d\"))", " (write it in quotes: `\"30d\"`, `\"24h\"`, `\"90m\"`)"),
    (
        "[first_name, first_name, first_name,tier]",
        " is not a condition (compare it, or ask for presence with `has(…)`)",
    ),
    (
        "[first_name,first_name, first_name,tier]",
        "is not a condition (compare it, or ask `has([first_name,first_name, first_name,tier])`)",
    ),
    (
        "events(\"Product Viewed\").where().exists()",
        "`.where` takes one condition: `.where(price > 10.0)`, here are 0",
    ),
    ("events().within().exists()", "`.within` takes one duration: `(\"24h\")`, here are 0"),
    (
        "events().between(\"1d\").exists()",
        "`.between` takes two durations: `.between(\"90d\", \"30d\")`, here are 1",
    ),
    ("events().after().exists()", "takes one time: `(timestamp(\"2026-01-01T00:00:00Z\"))`, here are 0"),
    (
        "events(\"Product Viewed\").first(price, qty) > 1.0",
        "`.first` takes nothing, for a time, or one property, for its value, here are 2",
    ),
    ("events().previous(1) > birthday", "`.previous` takes nothing, here are 1"),
    (
        "events().decayed() > 1.0",
        "`.decayed` takes a half-life, `(\"7d\")`, or a property and a half-life, `(price, \"7d\")`, here are 0",
    ),
    (
        "events().followed_by(\"Logged In\")",
        "`.followed_by` takes an event and a duration: `(\"Order Completed\", \"48h\")`, here are 1",
    ),
    (
        "events(\"Product Viewed\").values(category) == []",
        "`.values` takes a property and how many: `(category, 3)`, here are 1",
    ),
    (
        "events(\"Product Viewed\").sum(price.amount) > 1.0",
        " (fields of a property cannot be read here: declare it on its own)",
    ),
    ("first_name.contains == 1", " (write `.contains(\"…\")`)"),
    ("first_name.lower == \"a\"", " (write `.lowerAscii()`)"),
    ("affinity * 0 > 1.0", ", or a decayed score times a constant, on its own)"),
    ("affinity * visits > 1.0", ", or a decayed score times a constant, on its own)"),
    ("visits * affinity > 1.0", ", or a decayed score times a constant, on its own)"),
];

#[test]
fn what_to_write_instead_is_said() {
    let mut others = Vec::new();
    for &(condition, end) in WHAT_TO_WRITE_INSTEAD {
        let problem = read(condition);
        if !problem.lines().next().is_some_and(|line| line.ends_with(end)) {
            others.push(format!("{condition}: {problem}"));
        }
    }
    assert!(others.is_empty(), "{others:#?}");
}
