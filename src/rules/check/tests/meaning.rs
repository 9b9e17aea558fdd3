//! What conditions mean, by how they print after checking; that also reads back as the same.

use super::super::SegmentId;
use super::{read, shop};

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
