//! How the problems of a condition read: the part meant, what is wrong, what to do.

use super::{read, shop};
use crate::model::declaration::Strategy;

/// Each condition and what becomes of it.
const WRONG_TYPES_ARE_NAMED_WITH_WHAT_TO_WRITE: &[(&str, &str)] = &[
    ("ltv > \"high\"", "[ltv > \"high\"] cannot compare `ltv` (float) with \"high\" (string)"),
    (
        "ltv > \"500\"",
        "[ltv > \"500\"] cannot compare `ltv` (float) with \"500\" (string) (write `500` for a number)",
    ),
    ("tier == 3", "[tier == 3] cannot compare `tier` (string) with `3` (int) (write `\"3\"` for text)"),
    (
        "birthday > \"2000-01-01\"",
        "[birthday > \"2000-01-01\"] cannot compare `birthday` (time) with \"2000-01-01\" (string) (write `timestamp(\"2000-01-01\")`)",
    ),
    (
        "now - birthday > \"30d\"",
        "[now - birthday > \"30d\"] cannot compare `now - birthday` (duration) with \"30d\" (string) (write `duration(\"30d\")`)",
    ),
    (
        "now > duration(\"30d\")",
        "[now > duration(\"30d\")] cannot compare `now` (time) with `duration(\"30d\")` (duration) (a time is compared with a time, a duration with a duration: `now - t > duration(\"30d\")`)",
    ),
    (
        "tags == \"a\"",
        "[tags == \"a\"] cannot compare `tags` (list of string) with \"a\" (string) (ask whether a list holds a value with `value in list`)",
    ),
    (
        "subscribed == \"true\"",
        "[subscribed == \"true\"] cannot compare `subscribed` (bool) with \"true\" (string) (write `true` without quotes)",
    ),
    (
        "tags < tags",
        "[tags < tags] cannot compare `tags` (list of string) with `tags` (list of string) (ask whether a list holds a value with `value in list`)",
    ),
    (
        "first_name",
        "[first_name] `first_name` (string) is not a condition (compare it, or ask `has(first_name)`)",
    ),
    ("vip && ltv", "[ltv] `ltv` (float) is not a condition (compare it, such as `ltv > 0`)"),
    ("\"yes\"", "[\"yes\"] \"yes\" (string) is not a condition (compare it, or ask `has(\"yes\")`)"),
    (
        "first_name == null",
        "[first_name == null] a missing value equals nothing, `null` included (write `!has(first_name)`)",
    ),
    (
        "first_name != null",
        "[first_name != null] a missing value equals nothing, `null` included (write `has(first_name)`)",
    ),
    ("3 in tags", "[3 in tags] `3` (int) can never be in `tags` (list of string)"),
    (
        "\"a\" in first_name",
        "[first_name] `first_name` (string) is no list or map (write `first_name.contains(…)`)",
    ),
    ("visits.contains(\"a\")", "[visits] `visits` (int) is no text"),
    (
        "tags.contains(\"a\")",
        "[tags] `tags` (list of string) is no text (write `value in list`, or `list.exists(e, …)`)",
    ),
    ("[1, \"a\"].exists(e, true)", "[\"a\"] \"a\" (string) stands in a list of int"),
    (
        "first_name + 1 == \"a\"",
        "[first_name + 1] `first_name` (string) and `1` (int) cannot be added (only text is added to text)",
    ),
    (
        "ltv % 2 == 0",
        "[ltv % 2] `ltv` (float) and `2` (int) cannot be divided for a remainder (a remainder is taken of ints only)",
    ),
    ("visits / 0 == 1", "[visits / 0] a division by zero has no value"),
    ("9223372036854775807 + 1 > visits", "[9223372036854775807 + 1] the result is too large to have a value"),
    (
        "now + 3 > birthday",
        "[now + 3] `now` (time) and `3` (int) cannot be added (write a length of time as `duration(\"30d\")`)",
    ),
    ("points[0] == 1", "[0] `points` (map of int) is read with string, not `0` (int)"),
    (
        "address.town == \"x\"",
        "[address.town] `address` has no declared field `town` (its fields are `city`, `floor`)",
    ),
    ("first_name.size > 3", "[first_name.size] `first_name` (string) has no fields (write `size(x)`)"),
    (
        "has(3)",
        "[3] `3` is a constant and always there (`has` asks whether an attribute or property is there)",
    ),
    (
        "first_name.matches(tier)",
        "[tier] `matches` needs a text that is known when the catalog is checked (write it in quotes: `matches(\"^[A-Z]{2}-\")`)",
    ),
    (
        "birthday > timestamp(birthday)",
        "[birthday] `timestamp` needs a text that is known when the catalog is checked (this is a time already: leave `timestamp` out)",
    ),
    (
        "birthday > timestamp(\"2000-01-01\")",
        "[\"2000-01-01\"] `2000-01-01` is not an RFC 3339 time, such as `2026-01-01T09:00:00Z`",
    ),
    (
        "held(vip, \"3 days\")",
        "[\"3 days\"] `3 days` is not a duration, such as `60s`, `90m`, `24h`, `7d`, `2w` or `1d12h`",
    ),
    (
        "-first_name == 1",
        "[-first_name] `first_name` (string) has no negative (write `!` for the complement of a condition)",
    ),
    ("(vip ? 1 : \"a\") == 1", "[vip ? 1 : \"a\"] `1` (int) and \"a\" (string) are of different types"),
];

#[test]
fn wrong_types_are_named_with_what_to_write() {
    for &(condition, problem) in WRONG_TYPES_ARE_NAMED_WITH_WHAT_TO_WRITE {
        assert_eq!(read(condition), problem, "{condition}");
    }
    assert!(read("first_name.matches(\"(\")").starts_with("[\"(\"] this is no pattern: "));
}

/// Each condition and what becomes of it.
const NAMES_ARE_READ_WHERE_THEY_MEAN_SOMETHING: &[(&str, &str)] = &[
    (
        "teir == \"gold\"",
        "[teir] there is no attribute, computed attribute or segment `teir` (did you mean `tier`?)",
    ),
    (
        "gold",
        "[gold] there is no attribute, computed attribute or segment `gold` (text is written in quotes: `\"gold\"`; attributes are declared under `[attributes]`)",
    ),
    (
        "category == \"hats\"",
        "[category] there is no attribute, computed attribute or segment `category` (a property of `Product Viewed` is read in `events(\"Product Viewed\").where(…)`, or as `.last(category)`)",
    ),
    (
        "event.device == \"pos\"",
        "[event.device] there is no trigger event here (only a personalization with `on = \"Event\"` has one)",
    ),
    (
        "tier == \"platinum\"",
        "[\"platinum\"] \"platinum\" is none of the declared values (the values are \"bronze\", \"silver\", \"gold\")",
    ),
    (
        "tier in [\"gold\", \"slver\"]",
        "[\"slver\"] \"slver\" is none of the declared values (did you mean \"silver\"?)",
    ),
    (
        "events(\"Product Viewed\").where(category != \"shoe\").exists()",
        "[\"shoe\"] \"shoe\" is none of the declared values (did you mean \"shoes\"?)",
    ),
    (
        "events(\"Product Viewed\").last(category) == \"socks\"",
        "[\"socks\"] \"socks\" is none of the declared values (the values are \"shoes\", \"hats\")",
    ),
    (
        "events(\"Product Viewed\").values(category, 2).exists(c, c == \"x\")",
        "[\"x\"] \"x\" is none of the declared values (the values are \"shoes\", \"hats\")",
    ),
    (
        "events(\"Product Viewed\").where(ltv > 1).exists()",
        "[ltv] `Product Viewed` has no declared property `ltv` (`where` reads only properties of the event; `ltv` cannot be read there)",
    ),
    (
        "events(\"Product Viewed\").where(now > now).exists()",
        "[now] `Product Viewed` has no declared property `now` (windows are written after the filter: `.where(…).within(\"24h\")`)\n[now] `Product Viewed` has no declared property `now` (windows are written after the filter: `.where(…).within(\"24h\")`)",
    ),
    (
        "events(\"Product Viewed\").where(colour == \"red\").exists()",
        "[colour] `Product Viewed` has no declared property `colour` (its properties are `category`, `price`, `qty`, `sale`, `labels`)",
    ),
    (
        "events().where(price > 1).exists()",
        "[price] `events()` is any event and has no property `price` (name one event: `events(\"Name\")`)",
    ),
    (
        "events(\"Product Viewed\").where(events().exists()).exists()",
        "[events().exists()] events cannot be read inside `where` (`where` reads only properties of the event; ask about other events outside of it)",
    ),
    (
        "events(\"Product Viewed\").where(held(sale, \"1d\")).exists()",
        "[held(sale, \"1d\")] `held` cannot be asked of an event (ask for it outside: `held(…) && events(…)…`)",
    ),
    (
        "events(\"Product Viewed\").where(event.price > 1).exists()",
        "[event.price] the trigger event cannot be read in `where` (a property of the filtered event is written `price`)",
    ),
    (
        "tags.exists(t, events().after(t).exists())",
        "[t] there is no attribute, computed attribute or segment `t` (text is written in quotes: `\"t\"`; attributes are declared under `[attributes]`)",
    ),
];

#[test]
fn names_are_read_where_they_mean_something() {
    for &(condition, problem) in NAMES_ARE_READ_WHERE_THEY_MEAN_SOMETHING {
        assert_eq!(read(condition), problem, "{condition}");
    }
}

/// Each condition and what becomes of it.
const FUNCTIONS_SAY_HOW_THEY_ARE_USED: &[(&str, &str)] = &[
    (
        "events(\"Product Viewed\") > 3",
        "[events(\"Product Viewed\")] events are not a value (end it with `.count()`, `.exists()`, `.sum(property)`, `.last()` or another function of events)",
    ),
    (
        "events(\"Product Viewed\").within(\"1d\")",
        "[events(\"Product Viewed\").within(\"1d\")] events are not a value (end it with `.count()`, `.exists()`, `.sum(property)`, `.last()` or another function of events)",
    ),
    (
        "events(\"Product Viewed\").count > 3",
        "[events(\"Product Viewed\").count] `.count` on events is a function (write `.count(…)`)",
    ),
    (
        "events(\"Product Viewed\").conut() > 3",
        "[events(\"Product Viewed\").conut()] there is no function `.conut(…)` of events (did you mean `.count`?)",
    ),
    (
        "events(\"Product Viewed\").sum(category) > 3",
        "[category] `sum` needs numbers, and `category` is string (write `.count()`, `.distinct(property)`, `.min(property)` or `.max(property)`)",
    ),
    (
        "events(\"Product Viewed\").top(labels) == []",
        "[labels] `top` needs single values, and `labels` is list of string (of lists and maps there are `.first(property)` and `.last(property)`)",
    ),
    (
        "events(\"Product Viewed\").sum(\"price\") > 3",
        "[\"price\"] \"price\" is not a property's name (write it without quotes: `price`)",
    ),
    (
        "events(\"Product Viewed\").count(price > 3) > 3",
        "[events(\"Product Viewed\").count(price > 3)] `.count` takes nothing; a condition belongs into `.where(…)`, here are 1",
    ),
    (
        "events(\"Product Viewed\").exists(e, e.price > 3)",
        "[events(\"Product Viewed\")] events are not gone through one by one (write `.where(condition).exists()`, or `.count() >= n`)",
    ),
    ("events(\"Product Viewed\").values(category, 0) == []", "[0] `0` is no number from 1 to 1000"),
    (
        "events().between(\"1d\", \"3d\").exists()",
        "[events().between(\"1d\", \"3d\")] there is no time between 1d and 3d ago (write `.between(\"3d\", \"1d\")`: the longer time ago comes first)",
    ),
    (
        "events().within(\"1d\").older_than(\"2d\").exists()",
        "[events().within(\"1d\").older_than(\"2d\")] no time is both within the last 1d and older than 2d",
    ),
    (
        "events().within(24).exists()",
        "[24] `24` is no length of time that is known and more than none (write it in quotes: `\"30d\"`, `\"24h\"`, `\"90m\"`)",
    ),
    (
        "events().after(\"24h\").exists()",
        "[\"24h\"] \"24h\" (string) is no time (write `.within(\"24h\")` or `.older_than(\"24h\")`)",
    ),
    (
        "events().after(now - duration(\"1d\")).exists()",
        "[now - duration(\"1d\")] `now - duration(\"1d\")` moves with the clock (write `.within(\"24h\")` for the last day, `.older_than(\"24h\")` for what was before it)",
    ),
    (
        "events().after(vip ? birthday : birthday).exists()",
        "[vip ? birthday : birthday] a window cannot depend on a segment or on `held` (use an attribute, a constant, or a time of other events)",
    ),
    (
        "count(tags) > 1",
        "[count(tags)] there is no function `count` (it belongs to events: `events(\"Name\").count(…)`)",
    ),
    (
        "int(ltv) > 1",
        "[int(ltv)] there is no function `int` (types are declared in the catalog and never converted; ints and floats mix freely)",
    ),
    (
        "tags.exists_one(t, t) == []",
        "[tags.exists_one(t, t)] there is no function `.exists_one(…)` with these arguments (lists have `.exists(e, condition)`, `.all(e, condition)`, `size(list)` and `value in list`)",
    ),
    (
        "tags.filter(t, true) == []",
        "[tags.filter(t, true)] there is no function `.filter(…)` with these arguments (lists have `.exists(e, condition)`, `.all(e, condition)`, `size(list)` and `value in list`)",
    ),
    ("size(events()) > 1", "[events()] events have no size (write `.count()`)"),
    ("has(tier, ltv)", "[has(tier, ltv)] `has(x)` takes one value, here are 2"),
    ("now() > birthday", "[now()] there is no function `now` (write `now` without brackets)"),
];

#[test]
fn functions_say_how_they_are_used() {
    for &(condition, problem) in FUNCTIONS_SAY_HOW_THEY_ARE_USED {
        assert_eq!(read(condition), problem, "{condition}");
    }
}

#[test]
fn what_moves_with_the_clock_is_only_compared() {
    for (condition, problem) in [
        (
            "affinity == 3.0",
            "[affinity == 3.0] a decayed score falls all the time and is equal to nothing for longer than an instant (compare it with `<`, `<=`, `>` or `>=`)",
        ),
        (
            "affinity > affinity",
            "[affinity > affinity] both sides of this comparison move with the clock (compare each with something that stands still, or the difference of two times with a duration)",
        ),
        (
            "affinity + 1.0 > 3.0",
            "[affinity + 1.0 > 3.0] `affinity + 1.0` moves with the clock in a way that cannot be compared (compare `now`, a difference with it, or a decayed score times a constant, on its own)",
        ),
        (
            "affinity in [1.0]",
            "[affinity] `affinity` moves with the clock and cannot be used here (compare it with a value that stands still, or give it out as a computed attribute or `score`)",
        ),
        (
            "[now].exists(t, t > birthday)",
            "[now] `now` moves with the clock and cannot be used here (compare it with a value that stands still, or give it out as a computed attribute or `score`)",
        ),
        (
            "has(affinity)",
            "[affinity] `affinity` moves with the clock and cannot be used here (compare it with a value that stands still, or give it out as a computed attribute or `score`)",
        ),
    ] {
        assert_eq!(read(condition), problem, "{condition}");
    }
    let mut draft = shop();
    draft.computed("score", "affinity * ltv + 1.0");
    draft.computed("age", "now - birthday");
    draft.personalization("p", Strategy::Best, &["score"], &[("a", "", None, "vip ? score : 1", "")]);
    assert_eq!(draft.checked().1, Vec::<String>::new());
}
