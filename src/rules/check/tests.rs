//! What conditions mean, by how they print after checking, and how their errors read.

use std::sync::Arc;

use super::*;
use crate::base::source_text::{SourceFile, Span};
use crate::model::declaration::{
    FallbackDeclaration, OfferDeclaration, PersonalizationDeclaration, Strategy,
};
use crate::model::value::{Type, Value};
use crate::rules::print::print;

/// A catalog that is put together by hand.
#[derive(Default)]
pub(crate) struct Draft {
    declarations: Declarations,
    files: Vec<SourceFile>,
}

impl Draft {
    /// Text in a file of its own.
    pub(crate) fn text(&mut self, text: &str) -> Text {
        let span = self.span(text);
        Text::new(text.to_owned(), span, vec![(0, 0)])
    }

    fn span(&mut self, text: &str) -> Span {
        let file = u32::try_from(self.files.len()).unwrap();
        self.files.push(SourceFile { name: format!("{file}"), text: text.to_owned() });
        Span { file, start: 0, end: u32::try_from(text.len()).unwrap() }
    }

    fn named<T>(&mut self, name: &str, body: T) -> Named<T> {
        let span = self.span(name);
        Named { name: Spanned::new(name.to_owned(), span), body }
    }

    pub(crate) fn attribute(&mut self, name: &str, field: FieldDeclaration) {
        let named = self.named(name, field);
        self.declarations.attributes.push(named);
    }

    pub(crate) fn event(&mut self, name: &str, properties: &[(&str, FieldDeclaration)]) {
        let properties = properties.iter().map(|(name, field)| self.named(name, field.clone())).collect();
        let named = self.named(name, properties);
        self.declarations.events.push(named);
    }

    pub(crate) fn computed(&mut self, name: &str, value: &str) {
        let value = self.text(value);
        let named = self.named(name, value);
        self.declarations.computed.push(named);
    }

    pub(crate) fn segment(&mut self, name: &str, condition: &str) {
        let condition = SegmentDeclaration::Condition(self.text(condition));
        let named = self.named(name, condition);
        self.declarations.segments.push(named);
    }

    /// A personalization on `Logged In`; offers are (name, when, priority, score, text), an empty text
    /// for what is left out.
    pub(crate) fn personalization(
        &mut self,
        name: &str,
        strategy: Strategy,
        attributes: &[&str],
        offers: &[(&str, &str, Option<i64>, &str, &str)],
    ) {
        let text = |draft: &mut Draft, text: &str| (!text.is_empty()).then(|| draft.text(text));
        let mut declared = Vec::new();
        for (name, when, priority, score, offer_text) in offers {
            let span = self.span(name);
            declared.push(OfferDeclaration {
                name: Spanned::new((*name).to_owned(), span),
                when: text(self, when),
                priority: match priority {
                    Some(priority) => Spanned::new(*priority, self.span(&priority.to_string())),
                    None => Spanned::default(),
                },
                score: text(self, score),
                text: text(self, offer_text),
            });
        }
        let attributes =
            attributes.iter().map(|name| Spanned::new((*name).to_owned(), self.span(name))).collect();
        let on = Some(Spanned::new("Logged In".to_owned(), self.span("Logged In")));
        let fallback_name = Spanned::new("none".to_owned(), self.span("none"));
        let body = PersonalizationDeclaration {
            on,
            attributes,
            strategy,
            fallback: Some(FallbackDeclaration { name: fallback_name, text: None }),
            offers: declared,
        };
        let named = self.named(name, body);
        self.declarations.personalizations.push(named);
    }

    /// The definitions, and all findings as `[text meant] message (help)`.
    pub(crate) fn checked(&self) -> (Option<Definitions>, Vec<String>) {
        let mut report = Report::new(self.files.clone());
        let definitions = check(&self.declarations, &mut report);
        assert_eq!(definitions.is_none(), report.has_errors());
        let shown = report.findings().iter().map(|finding| {
            let Span { file, start, end } = finding.span;
            let meant = &self.files[file as usize].text[start as usize..end as usize];
            let help = finding.help.as_ref().map_or(String::new(), |help| format!(" ({help})"));
            format!("[{meant}] {}{help}", finding.message)
        });
        (definitions, shown.collect())
    }
}

pub(crate) fn field(ty: Type) -> FieldDeclaration {
    FieldDeclaration {
        ty,
        values: Vec::new(),
        default: None,
        identifier: false,
        sensitive: false,
        required: false,
    }
}

fn one_of(values: &[&str]) -> FieldDeclaration {
    FieldDeclaration {
        values: values.iter().map(|value| Value::string(value)).collect(),
        ..field(Type::String)
    }
}

/// A small shop.
pub(crate) fn shop() -> Draft {
    let mut draft = Draft::default();
    let list = |ty: Type| Type::List(Box::new(ty));
    let address: Arc<[(Arc<str>, Type)]> =
        Arc::from([("city".into(), Type::String), ("floor".into(), Type::Int)]);
    draft.attribute("first_name", field(Type::String));
    draft.attribute("tier", one_of(&["bronze", "silver", "gold"]));
    draft.attribute("ltv", FieldDeclaration { default: Some(Value::Float(0.0)), ..field(Type::Float) });
    draft.attribute("visits", field(Type::Int));
    draft.attribute("subscribed", field(Type::Bool));
    draft.attribute("birthday", field(Type::Time));
    draft.attribute("tags", field(list(Type::String)));
    draft.attribute("sizes", field(list(Type::Int)));
    draft.attribute("address", field(Type::Record(address)));
    draft.attribute("points", field(Type::Map(Box::new(Type::Int))));
    draft.attribute("meta", field(Type::Map(Box::new(Type::Any))));
    draft.attribute("email", FieldDeclaration { sensitive: true, ..field(Type::String) });
    draft.event(
        "Product Viewed",
        &[
            ("category", one_of(&["shoes", "hats"])),
            ("price", field(Type::Float)),
            ("qty", field(Type::Int)),
            ("sale", field(Type::Bool)),
            ("labels", field(list(Type::String))),
        ],
    );
    draft.event("Order Completed", &[("total", field(Type::Float)), ("until", field(Type::Time))]);
    draft.event("Logged In", &[("device", field(Type::String)), ("count", field(Type::Int))]);
    draft.segment("vip", "ltv > 500.0");
    draft.computed("spend", r#"events("Order Completed").within("90d").sum(total)"#);
    draft.computed("affinity", r#"events("Product Viewed").decayed("7d")"#);
    draft
}

/// A condition of that shop as it prints after checking, or what is wrong with it.
fn read(condition: &str) -> String {
    let mut draft = shop();
    draft.segment("asked", condition);
    let (definitions, findings) = draft.checked();
    let Some(definitions) = definitions else { return findings.join("\n") };
    let asked = definitions.segment_names.get("asked").unwrap();
    let SegmentDefinition::Condition(expr) = &definitions.segments[asked as usize] else {
        panic!("a condition")
    };
    let printed = print(expr, &definitions, None);
    let mut again = shop();
    again.segment("asked", &printed);
    let (reread, problems) = again.checked();
    let reread = reread.unwrap_or_else(|| panic!("{printed} does not read back: {problems:?}"));
    let SegmentDefinition::Condition(expr_again) = &reread.segments[asked as usize] else {
        panic!("a condition")
    };
    assert_eq!(expr, expr_again, "{printed}");
    assert_eq!(
        (&definitions.sources, &definitions.aggregates),
        (&reread.sources, &reread.aggregates),
        "{printed}"
    );
    printed
}

#[test]
fn conditions_have_one_form() {
    for (written, printed) in [
        ("500 < ltv", "ltv > 500"),
        ("!(tier == \"gold\")", "tier != \"gold\""),
        ("!!vip", "vip"),
        ("!(!vip)", "vip"),
        ("(vip && subscribed) && (vip && ltv >= 1.0)", "vip && subscribed == true && ltv >= 1.0"),
        ("vip || (ltv > 1 + 1 || false)", "vip || ltv > 2"),
        ("true && vip", "vip"),
        ("!subscribed", "subscribed != true"),
        ("!(\"x\" in tags)", "!(\"x\" in tags)"),
        ("tier in [\"gold\", \"silver\"]", "tier in [\"gold\", \"silver\"]"),
        (
            "\"k\" in points && points[\"k\"] > 3 && points.k < 9",
            "\"k\" in points && points[\"k\"] > 3 && points.k < 9",
        ),
        (
            "address.city.startsWith(\"H\") && address[\"floor\"] > 1",
            "address.city.startsWith(\"H\") && address.floor > 1",
        ),
        ("meta.a.b[0] == 1 || meta.x", "meta.a.b[0] == 1 || meta.x == true"),
        (
            "tags.exists(t, t.lowerAscii() == \"new\" && sizes.all(s, s > size(t)))",
            "tags.exists(e, e.lowerAscii() == \"new\" && sizes.all(e2, e2 > size(e)))",
        ),
        (
            "first_name.matches(\"^A\") && first_name.contains(tier) && size(tags) == 0",
            "first_name.matches(\"^A\") && first_name.contains(tier) && size(tags) == 0",
        ),
        ("(vip ? visits : ltv) > 3", "(vip ? visits + 0.0 : ltv) > 3"),
        ("visits / 2 * 3 - 1 > -visits % 5", "visits / 2 * 3 - 1 > -visits % 5"),
        ("visits - (1 - visits) > 0", "visits - (1 - visits) > 0"),
        ("has(address.city) && !has(tier)", "has(address.city) && !has(tier)"),
        ("now - birthday > duration(\"36500d\")", "now - birthday > duration(\"36500d\")"),
        ("duration(\"1d\") == now - birthday", "now - birthday == duration(\"1d\")"),
        (
            "birthday < timestamp(\"2000-01-01T00:00:00Z\") + duration(\"1d\")",
            "birthday < timestamp(\"2000-01-02T00:00:00Z\")",
        ),
        (
            "birthday - timestamp(\"2000-01-01T00:00:00Z\") > -duration(\"1d\")",
            "birthday - timestamp(\"2000-01-01T00:00:00Z\") > -duration(\"1d\")",
        ),
        ("spend >= 100", "events(\"Order Completed\").within(\"90d\").sum(total) >= 100"),
        ("3.0 <= affinity * 2", "events(\"Product Viewed\").decayed(\"7d\") * 2 >= 3.0"),
        (
            "held(vip || held(subscribed, \"1d\"), \"2w\")",
            "held(vip || held(subscribed == true, \"1d\"), \"2w\")",
        ),
        ("first_name == \"\\\"\\n\\\\ä\"", "first_name == \"\\\"\\n\\\\ä\""),
        ("tags == [\"a\"] || tags + [\"b\"] == []", "tags == [\"a\"] || tags + [\"b\"] == []"),
    ] {
        assert_eq!(read(written), printed, "{written}");
    }
}

#[test]
fn aggregates_have_one_form() {
    for (written, printed) in [
        (
            "events(\"Product Viewed\").within(\"7d\").where(category == \"shoes\").within(\"24h\").where(price > 5).count() > 2",
            "events(\"Product Viewed\").where(category == \"shoes\" && price > 5).within(\"1d\").count() > 2",
        ),
        ("events().older_than(\"1d\").within(\"3d\").exists()", "events().between(\"3d\", \"1d\").exists()"),
        (
            "events(\"Order Completed\").before(birthday).after(events(\"Logged In\").first()).after(birthday).last(until) < birthday",
            "events(\"Order Completed\").after(events(\"Logged In\").first()).after(birthday).before(birthday).last(until) < birthday",
        ),
        (
            "events(\"Product Viewed\").where(sale && labels.exists(l, l == category)).top(category) == \"hats\"",
            "events(\"Product Viewed\").where(sale == true && labels.exists(e, e == category)).top(category) == \"hats\"",
        ),
        (
            "\"hats\" in events(\"Product Viewed\").values(category, 3)",
            "\"hats\" in events(\"Product Viewed\").values(category, 3)",
        ),
        (
            "events(\"Product Viewed\").not_followed_by(\"Order Completed\", \"48h\") && events(\"Product Viewed\").followed_by(\"Order Completed\", \"2d\")",
            "events(\"Product Viewed\").not_followed_by(\"Order Completed\", \"2d\") && events(\"Product Viewed\").followed_by(\"Order Completed\", \"2d\")",
        ),
        (
            "events(\"Product Viewed\").decayed(price, \"7d\") / 2 < 3 && events(\"Logged In\").previous() > birthday",
            "events(\"Product Viewed\").decayed(price, \"7d\") / 2 < 3 && events(\"Logged In\").previous() > birthday",
        ),
        (
            "events(\"Product Viewed\").avg(qty) > events(\"Product Viewed\").min(qty)",
            "events(\"Product Viewed\").avg(qty) > events(\"Product Viewed\").min(qty)",
        ),
        (
            "\"new\" in events(\"Product Viewed\").first(labels) && events(\"Product Viewed\").distinct(category) == 2",
            "\"new\" in events(\"Product Viewed\").first(labels) && events(\"Product Viewed\").distinct(category) == 2",
        ),
    ] {
        assert_eq!(read(written), printed, "{written}");
    }
}

#[test]
fn equal_aggregates_are_one() {
    let mut draft = shop();
    draft.segment("a", "events(\"Product Viewed\").within(\"24h\").count() > 1");
    draft.segment("b", "events(\"Product Viewed\").within(\"1d\").within(\"7d\").count() > 2 && a");
    draft.computed("c", "events(\"Product Viewed\").within(\"1d\").count()");
    let (definitions, findings) = draft.checked();
    let definitions = definitions.expect("a sound catalog");
    assert_eq!(findings, Vec::<String>::new());
    // Those of the shop itself, and one more.
    assert_eq!((definitions.sources.len(), definitions.aggregates.len()), (2, 3));
    let place = |name: &str| {
        let id = SegmentId(definitions.segment_names.get(name).unwrap());
        definitions.segment_order.iter().position(|other| *other == id).unwrap()
    };
    assert!(place("a") < place("b"));
    assert_eq!(definitions.segment_order.len(), 3);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn wrong_types_are_named_with_what_to_write() {
    for (condition, problem) in [
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
        (
            "9223372036854775807 + 1 > visits",
            "[9223372036854775807 + 1] the result is too large to have a value",
        ),
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
    ] {
        assert_eq!(read(condition), problem, "{condition}");
    }
    assert!(read("first_name.matches(\"(\")").starts_with("[\"(\"] this is no pattern: "));
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn names_are_read_where_they_mean_something() {
    for (condition, problem) in [
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
    ] {
        assert_eq!(read(condition), problem, "{condition}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn functions_say_how_they_are_used() {
    for (condition, problem) in [
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
    ] {
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

#[test]
fn definitions_may_use_each_other_but_not_themselves() {
    let mut draft = shop();
    draft.segment("a", "b && vip");
    draft.segment("b", "spend > 1 || c > 3");
    draft.computed("c", "a ? 1 : 2");
    draft.computed("d", "d + 1");
    draft.segment("e", "c > 2");
    assert_eq!(
        draft.checked().1,
        [
            "[c] this defines something by itself: c -> a -> b -> c",
            "[d] this defines something by itself: d -> d"
        ]
    );
    let mut draft = shop();
    draft.computed("n0", "visits + visits");
    for n in 1..14 {
        draft.computed(&format!("n{n}"), &format!("n{} + n{}", n - 1, n - 1));
    }
    assert_eq!(
        draft.checked().1,
        [
            "[n10 + n10] with computed attributes in their places this has 8191 parts, and at most 4096 are allowed (make parts of it segments, which are kept up to date once)"
        ]
    );
    let mut draft = shop();
    draft.segment("vip", "true");
    draft.segment("ltv", "true");
    draft.computed("now", "1");
    assert_eq!(
        draft.checked().1,
        [
            "[now] `now` means something of its own in conditions and cannot be a name",
            "[vip] `vip` is declared twice as a segment",
            "[ltv] `ltv` is both an attribute and a segment; conditions cannot tell them apart",
        ]
    );
}

#[test]
fn personalizations_are_checked_with_their_trigger_and_texts() {
    let mut draft = shop();
    draft.personalization(
        "home",
        Strategy::First,
        &["tier", "*"],
        &[
            ("low", "vip", None, "", "Hi {{ first_name }} on {{ event.device }}"),
            ("high", "event.device == \"pos\" && event.count > 2", Some(5), "", ""),
        ],
    );
    let (definitions, findings) = draft.checked();
    let definitions = definitions.unwrap_or_else(|| panic!("{findings:?}"));
    let home = &definitions.personalizations[0];
    assert_eq!(home.offers.iter().map(|offer| &*offer.name).collect::<Vec<_>>(), ["high", "low"]);
    assert_eq!(
        print(&home.offers[0].when, &definitions, home.on),
        "event.device == \"pos\" && event.count > 2"
    );
    let returned: Vec<&str> = home.attributes.iter().map(|attribute| &*attribute.name).collect();
    assert_eq!(returned[..3], ["tier", "first_name", "ltv"]);
    assert!(!returned.contains(&"email") && returned.contains(&"spend"));

    let mut draft = shop();
    draft.computed("contact", "has(tier) ? email : \"\"");
    draft.personalization(
        "home",
        Strategy::First,
        &["tierr"],
        &[
            ("a", "event.devise == \"x\"", None, "1", "{{ frist_name }}"),
            ("a", "held(event.device == \"x\", \"1d\")", None, "", "{{ email }} {{ vip }}"),
            ("b", "true", None, "", "{{ email }}{{ contact }}"),
            ("c", "device == \"x\"", None, "", "{{"),
        ],
    );
    let findings = draft.checked().1;
    assert_eq!(
        findings[..findings.len() - 1],
        [
            "[tierr] there is no attribute or computed attribute `tierr` (did you mean `tier`?)",
            "[1] the score of `a` is never used (write `strategy = \"best\"` to choose by score, or remove it)",
            "[event.devise] `Logged In` has no declared property `devise` (did you mean `device`?)",
            "[frist_name] there is no attribute or computed attribute `frist_name` (did you mean `first_name`?)",
            "[a] the offer `a` is declared twice in this personalization",
            "[event.device] the trigger event cannot be read in `held` (ask for it outside: `held(…) && event.…`)",
            "[vip] there is no attribute or computed attribute `vip` (segments cannot be read in a text: choose with `when`)",
            "[contact] `contact` is sensitive and not among the attributes of this personalization (list it by name, `attributes = [\"contact\", …]`, to give it out)",
            "[email] `email` is sensitive and not among the attributes of this personalization (list it by name, `attributes = [\"email\", …]`, to give it out)",
            "[device] there is no attribute, computed attribute or segment `device` (a property of the trigger event is written `event.device`)",
        ]
    );
    assert!(findings[findings.len() - 1].contains("this is no template: "), "{findings:?}");
}

/// The warnings on a segment of the shop.
fn warnings(condition: &str) -> Vec<String> {
    let mut draft = shop();
    draft.segment("asked", condition);
    let (definitions, findings) = draft.checked();
    assert!(definitions.is_some(), "{condition}: {findings:?}");
    findings
}

#[test]
fn conditions_that_never_change_are_warned_about() {
    let viewed = "events(\"Product Viewed\")";
    for (condition, truth) in [
        (format!("{viewed}.count() >= 0"), "true"),
        (format!("{viewed}.count() < 0"), "false"),
        (format!("{viewed}.count() < 5 || {viewed}.count() > 4"), "true"),
        (format!("{viewed}.count() > 2 && {viewed}.count() < 3"), "false"),
        (format!("{viewed}.distinct(category) > 2"), "false"),
        (format!("{viewed}.where(price > 5 && price < 3).exists()"), "false"),
        (format!("{viewed}.where(price > 5 && price < 3).count() == 0"), "true"),
        (format!("{viewed}.not_followed_by(\"Product Viewed\", \"1d\")"), "false"),
        (format!("{viewed}.decayed(\"1d\") < 0.0"), "false"),
        ("visits > 5 && visits < 3".to_owned(), "false"),
        ("visits > 9223372036854775807".to_owned(), "false"),
        ("tier == \"gold\" && tier == \"silver\"".to_owned(), "false"),
        ("tier in [\"gold\"] && tier != \"gold\"".to_owned(), "false"),
        ("tier > \"zinc\"".to_owned(), "false"),
        ("tier == \"gold\" && !has(tier)".to_owned(), "false"),
        ("has(ltv)".to_owned(), "true"),
        ("ltv > 3 || ltv <= 3".to_owned(), "true"),
        ("vip && !vip".to_owned(), "false"),
        ("vip || !vip".to_owned(), "true"),
        ("size(tags) < 0".to_owned(), "false"),
        ("held(visits > 5 && visits < 3, \"1d\")".to_owned(), "false"),
        ("1 > 2".to_owned(), "false"),
    ] {
        assert_eq!(warnings(&condition), [format!("[{condition}] the segment `asked` is always {truth}")]);
    }
    for condition in [
        "true",
        "visits > 3 || visits <= 3",
        "size(tags) >= 0",
        "visits > 3 && visits < 5",
        "ltv > 3 && ltv < 4",
        "tier != \"gold\" && tier != \"silver\" && tier != \"bronze\"",
        "tier >= \"gold\"",
        "!has(tier) && tier != \"gold\"",
        "vip && subscribed",
    ] {
        assert_eq!(warnings(condition), Vec::<String>::new(), "{condition}");
    }
    assert_eq!(
        warnings("vip && size(tags) != -1 && has(ltv)"),
        [
            "[vip && size(tags) != -1 && has(ltv)] `size(tags) != -1` in the segment `asked` is always true",
            "[vip && size(tags) != -1 && has(ltv)] `has(ltv)` in the segment `asked` is always true"
        ]
    );
}

#[test]
fn offers_that_are_never_chosen_are_warned_about() {
    let mut draft = shop();
    let offers = [
        ("a", "vip", Some(3), "", ""),
        ("b", "vip && subscribed", Some(3), "", ""),
        ("c", "ltv > 3 && ltv < 2", None, "", ""),
        ("d", "subscribed", Some(1), "", ""),
        ("e", "", Some(1), "", ""),
        ("f", "visits > 3", None, "", ""),
    ];
    draft.personalization("p", Strategy::First, &[], &offers);
    assert_eq!(
        draft.checked().1,
        [
            "[ltv > 3 && ltv < 2] the condition of offer `c` is always false",
            "[b] the offer `b` can never be chosen: `a` comes before it and qualifies whenever it does (give it a higher `priority`, or put it before the other)",
            "[c] the offer `c` can never be chosen: its condition is always false",
            "[f] the offer `f` can never be chosen: `e` comes before it and always qualifies (give it a higher `priority`, or put it before the other)",
            "[3] `b` has the same priority as `a`, which is written before it and wins",
            "[1] `e` has the same priority as `d`, which is written before it and wins",
        ]
    );
    let mut draft = shop();
    draft.personalization(
        "p",
        Strategy::All,
        &[],
        &offers.map(|(name, when, _, score, text)| (name, when, None, score, text)),
    );
    assert_eq!(draft.checked().1.len(), 2);
}
