//! What conditions mean, by how they print after checking; that also reads back as the same.

use super::{Draft, field, read, shop};
use crate::model::ids::SegmentId;
use crate::model::value::Type;
use crate::rules::print::print;
use crate::rules::typing::type_of;

/// Each condition and what becomes of it.
const CONDITIONS_HAVE_ONE_FORM: &[(&str, &str)] = &[
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
    ("(vip || subscribed) && ltv > 1.0", "(vip || subscribed == true) && ltv > 1.0"),
    ("!(vip && subscribed) || !(vip || ltv > 1.0)", "!(vip && subscribed == true) || !(vip || ltv > 1.0)"),
    ("(tier != \"gold\") == (!vip)", "(tier != \"gold\") == !vip"),
    ("visits / (visits * 3) > -(visits % 2)", "visits / (visits * 3) > -(visits % 2)"),
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
];

#[test]
fn conditions_have_one_form() {
    for &(written, printed) in CONDITIONS_HAVE_ONE_FORM {
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

/// What a value is measured as follows from its type, so a wrong one would be a wrong answer.
#[test]
fn a_value_has_the_type_of_its_expression() {
    for (value, ty) in [
        ("visits", "int"),
        ("-visits", "int"),
        ("visits + 1", "int"),
        ("visits * ltv", "float"),
        ("ltv - 1.0", "float"),
        ("visits + meta.x", "anything"),
        ("meta.x + visits", "anything"),
        ("meta.x", "anything"),
        ("meta.x + meta.y", "anything"),
        ("points.k", "int"),
        ("points[\"k\"]", "int"),
        ("address.floor", "int"),
        ("address.city", "string"),
        ("tags[0]", "string"),
        ("tags + tags", "list of string"),
        ("first_name + tier", "string"),
        ("first_name.lowerAscii()", "string"),
        ("size(tags)", "int"),
        ("now", "time"),
        ("now - birthday", "duration"),
        ("(now - birthday) + duration(\"1d\")", "duration"),
        ("birthday + duration(\"1d\")", "time"),
        ("duration(\"1d\") + birthday", "time"),
        ("vip ? visits : 1", "int"),
        ("vip ? visits : ltv", "float"),
        ("vip ? birthday : now", "time"),
        ("vip ? visits : meta.x", "anything"),
        ("!vip", "bool"),
        ("\"x\"", "string"),
        ("1.5", "float"),
        ("duration(\"1d\")", "duration"),
        ("events(\"Product Viewed\").count()", "int"),
        ("events(\"Product Viewed\").distinct(price)", "int"),
        ("events(\"Product Viewed\").exists()", "bool"),
        ("events(\"Product Viewed\").sum(qty)", "int"),
        ("events(\"Product Viewed\").sum(price)", "float"),
        ("events(\"Product Viewed\").avg(qty)", "float"),
        ("events(\"Product Viewed\").decayed(\"1d\")", "float"),
        ("events(\"Product Viewed\").first()", "time"),
        ("events(\"Product Viewed\").previous()", "time"),
        ("events(\"Product Viewed\").values(category, 3)", "list of string"),
        ("events(\"Product Viewed\").last(sale)", "bool"),
        ("events(\"Product Viewed\").max(qty)", "int"),
    ] {
        let mut draft = shop();
        draft.computed("asked", value);
        let (definitions, findings) = draft.checked();
        let definitions = definitions.unwrap_or_else(|| panic!("{value}: {findings:?}"));
        let asked = definitions.value_named("asked").expect("it is declared");
        assert_eq!(type_of(&asked, &definitions).to_string(), ty, "{value}");
    }
}

#[test]
fn the_name_of_a_loop_variable_hides_nothing() {
    let condition = "tags.exists(t, t == first_name)";
    let declared: [fn(&mut Draft); 4] = [
        |_| {},
        |draft| draft.attribute("e", field(Type::String)),
        |draft| draft.computed("e", "visits + 1"),
        |draft| draft.segment("e", "vip"),
    ];
    for (declare, name) in declared.into_iter().zip(["e", "e_", "e_", "e_"]) {
        let mut draft = shop();
        declare(&mut draft);
        draft.computed("asked", condition);
        let (definitions, findings) = draft.checked();
        let definitions = definitions.unwrap_or_else(|| panic!("{findings:?}"));
        let asked = definitions.value_named("asked").expect("it is declared");
        let printed = format!("tags.exists({name}, {name} == first_name)");
        assert_eq!(print(&asked, &definitions, None), printed);
    }
}

/// Values that the checker computes are those that the evaluator would.
#[test]
fn constants_are_computed() {
    for (written, printed) in [
        ("visits > -9223372036854775808", "visits > -9223372036854775808"),
        ("visits > -(-5)", "visits > 5"),
        ("ltv > -(1.5)", "ltv > -1.5"),
        ("3 in [1, 2, 3] && vip", "vip"),
        ("1 == 1 && vip", "vip"),
        ("1 == 2 || vip", "vip"),
        ("1 != 2 && !(1 > 2) && !false && vip", "vip"),
        ("(true ? visits : 3) > 5", "visits > 5"),
        ("(false ? visits : 3) > visits", "visits < 3"),
        ("meta.x + visits > 3", "meta.x + visits > 3"),
        ("[visits, ltv].exists(e, e > 1.0)", "[visits + 0.0, ltv].exists(e, e > 1.0)"),
        ("(vip ? sizes : [1.5]) == []", "(vip ? sizes : [1.5]) == []"),
        ("meta.x in tags || first_name in meta", "meta.x in tags || first_name in meta"),
    ] {
        assert_eq!(read(written), printed, "{written}");
    }
}
