//! What `simulate --report` says of each offer.

use crate::Folder;

const CATALOG: &str = r#"
schema = 1
[attributes]
tier = "string"
[personalizations.home]
fallback = { name = "plain" }
[[personalizations.home.offers]]
name = "gold-offer"
when = 'tier == "gold"'
[[personalizations.home.offers]]
name = "forgotten"
when = 'tier == "platinum"'
[personalizations.shelf]
strategy = "all"
[[personalizations.shelf.offers]]
name = "a"
when = 'tier == "gold"'
[[personalizations.shelf.offers]]
name = "b"
when = 'has(tier)'
"#;

const ONE: &str = r#"
{"message":{"type":"identify","userId":"ana","traits":{"tier":"gold"},"timestamp":"2026-01-01T09:00:00Z"}}
{"expect":{"user":"ana","decisions":{"home":"gold-offer","shelf":["a","b"]}}}
{"message":{"type":"identify","userId":"ana","traits":{"tier":"silver"},"timestamp":"2026-01-02T09:00:00Z"}}
{"query":{"user":"ana"}}
"#;

const TWO: &str = r#"
{"message":{"type":"identify","userId":"ben","timestamp":"2026-01-01T09:00:00Z"}}
{"expect":{"user":"ben","decisions":{"home":"plain","shelf":[]}}}
"#;

#[test]
fn offers_that_no_script_looks_at_are_seen() {
    let folder = Folder::new("report");
    for (name, text) in [("catalog.toml", CATALOG), ("one.jsonl", ONE), ("two.jsonl", TWO)] {
        folder.write(name, text);
    }
    let ended = folder.habitue("simulate catalog.toml one.jsonl two.jsonl --report");
    assert_eq!(ended.code, Some(0));
    let (lines, report) = ended.results.split_once("\n\n").unwrap();
    assert!(lines.ends_with("\n2 passed, 0 failed"), "{lines}");
    assert_eq!(
        report,
        "home
  gold-offer            the answer 1 time, shown to 0 profiles in the end
  forgotten             never an answer, shown to 0 profiles in the end
  plain (the fallback)  the answer 2 times, shown to 2 profiles in the end
shelf
  a                     the answer 1 time, shown to 0 profiles in the end
  b                     the answer 2 times, shown to 1 profile in the end
  nothing               the answer 1 time, shown to 1 profile in the end
"
    );
    let ended = folder.habitue("simulate catalog.toml one.jsonl two.jsonl --report --json");
    let last = ended.results.lines().last().unwrap();
    assert_eq!(last, r#"{"personalization":"shelf","offer":null,"fallback":false,"answers":1,"profiles":1}"#);
    assert_eq!(folder.habitue("simulate catalog.toml one.jsonl two.jsonl").results.lines().count(), 4);
}
