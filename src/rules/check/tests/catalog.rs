//! What is checked of a catalog as a whole: cycles, names, offers, and what is warned about.

use super::shop;
use crate::model::declaration::Strategy;
use crate::rules::print::print;

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
        (format!("{viewed}.last(category) > \"zinc\""), "false"),
        (format!("{viewed}.max(qty) > 9223372036854775807"), "false"),
        ("visits > 5 && visits < 3".to_owned(), "false"),
        ("visits > 5 && visits < 3 || visits > 7 && visits < 6".to_owned(), "false"),
        ("visits > 9223372036854775807".to_owned(), "false"),
        ("tier == \"gold\" && tier == \"silver\"".to_owned(), "false"),
        ("tier in [\"gold\"] && tier != \"gold\"".to_owned(), "false"),
        ("tier > \"zinc\"".to_owned(), "false"),
        ("tier == \"gold\" && !has(tier)".to_owned(), "false"),
        ("has(spend)".to_owned(), "true"),
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
        "vip && !(!vip || subscribed)",
        "events(\"Product Viewed\").distinct(price) > 2",
        "tags == [\"a\"]",
        "has(ltv)",
        "!has(ltv) && ltv < 3",
    ] {
        assert_eq!(warnings(condition), Vec::<String>::new(), "{condition}");
    }
    let condition = "vip && size(tags) != -1 && events().count() >= 0";
    let said = "in the segment `asked` is always true";
    assert_eq!(
        warnings(condition),
        [
            format!("[{condition}] `size(tags) != -1` {said}"),
            format!("[{condition}] `events().count() >= 0` {said}"),
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

/// Each window is evaluated inside the one it bounds, so a row of definitions must not nest them deeply.
#[test]
fn windows_nest_within_a_bound() {
    let mut draft = shop();
    draft.computed("w0", "events().last()");
    for n in 1..40 {
        draft.computed(&format!("w{n}"), &format!("events().after(w{}).last()", n - 1));
    }
    let help = "bound windows by attributes, or by events that are not bounded by others themselves";
    let found =
        format!("[events().after(w7).last()] windows within windows nest more than 8 deep here ({help})");
    assert_eq!(draft.checked().1, [found]);
}

/// Computed attributes are put in the places of their names, so that short texts can make much.
#[test]
fn what_computed_attributes_make_is_bounded() {
    let help = "make parts of it segments, which are kept up to date once";
    let mut deep = shop();
    deep.computed("deep1", "-visits");
    for n in 2..=64 {
        deep.computed(&format!("deep{n}"), &format!("-deep{}", n - 1));
    }
    let message = "with computed attributes in their places this nests 65 levels, and at most 64 are allowed";
    assert_eq!(deep.checked().1, [format!("[-deep63] {message} ({help})")]);
    let mut wide = shop();
    wide.computed("wide1", "visits + visits");
    for n in 2..=11 {
        wide.computed(&format!("wide{n}"), &format!("wide{0} + wide{0}", n - 1));
    }
    wide.computed("most", "-wide11");
    wide.computed("more", "-most");
    let message =
        "with computed attributes in their places this has 4097 parts, and at most 4096 are allowed";
    assert_eq!(wide.checked().1, [format!("[-most] {message} ({help})")]);
}
