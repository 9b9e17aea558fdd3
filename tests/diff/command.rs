//! `habitue diff`: its two forms of output, and how it ends.

use std::fs;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value as Json, json};

use crate::files;
use crate::folder::{Ended, Folder};

const OLD: &str = r#"
schema = 1
[attributes]
tier = "string"
[events."Order Completed"]
total = "float"
[segments]
gold = 'tier == "gold"'
spender = 'events("Order Completed").within("90d").sum(total) > 100.0'
[personalizations.home]
fallback = { name = "plain" }
[[personalizations.home.offers]]
name = "gold-offer"
when = "gold"
"#;

const NEW: &str = r#"
schema = 1
[attributes]
tier = "string"
[events."Order Completed"]
total = "float"
[segments]
buyer = 'events("Order Completed").exists()'
gold = 'tier == "gold" || tier == "silver"'
[personalizations.home]
fallback = { name = "plain" }
[[personalizations.home.offers]]
name = "gold-offer"
when = "gold"
"#;

const LOG: &str = r#"{"type":"identify","messageId":"m1","userId":"ana","traits":{"tier":"gold"},"timestamp":"2026-01-01T09:00:00Z"}
{"type":"identify","messageId":"m2","userId":"ben","traits":{"tier":"silver"},"timestamp":"2026-01-02T09:00:00Z"}
{"type":"identify","userId":"cleo","traits":{"tier":"silver"},"timestamp":"2026-01-02T10:00:00Z"}
{"type":"track","userId":"cleo","event":"Order Completed","properties":{"total":120.0},"timestamp":"2026-01-03T09:00:00Z"}
"#;

const TEXT: &str = "3 profiles, at 2026-01-03T09:00:00Z

segments
  buyer    +1 -0 (0 -> 1), new
           + cleo
  gold     +2 -0 (1 -> 3)
           + ben, cleo
  spender  +0 -1 (1 -> 0), removed
           - cleo

decisions
  home  2 profiles change
    plain -> gold-offer  2: ben, cleo
    gold-offer  +2 -0 (1 -> 3)
    plain       +0 -2 (2 -> 0)

the same: 0 segments, 0 personalizations
";

impl Folder {
    /// With both catalogs and the log.
    fn new(test: &str) -> Folder {
        let folder = Folder::empty(&format!("diff_{test}"));
        for (name, text) in [("old.toml", OLD), ("new.toml", NEW), ("log.jsonl", LOG)] {
            folder.write(name, text);
        }
        folder
    }

    fn diff(&self, arguments: &[&str]) -> Ended {
        self.run(&[&["diff", "old.toml", "new.toml"], arguments].concat())
    }
}

impl Ended {
    fn lines(&self) -> Vec<Json> {
        assert_eq!((self.code, &*self.words), (Some(0), ""));
        self.results.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[test]
fn a_log_is_compared_for_people() {
    let folder = Folder::new("people");
    let ended = folder.diff(&["log.jsonl"]);
    assert_eq!((ended.code, &*ended.words), (Some(0), ""));
    assert_eq!(ended.results, TEXT);
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(LOG.as_bytes()).unwrap();
    folder.write("log.gz", packed.finish().unwrap());
    assert_eq!(folder.diff(&["log.gz"]).results, TEXT);
    let few = folder.diff(&["log.jsonl", "--examples", "1"]).results;
    assert!(few.contains("+ ben and 1 more\n") && few.contains("2: ben and 1 more\n"), "{few}");
    let none = folder.diff(&["log.jsonl", "--examples", "0"]).results;
    assert!(none.contains("plain -> gold-offer  2\n") && !none.contains("ben"), "{none}");
    let same = folder.run(&["diff", "old.toml", "old.toml", "log.jsonl"]);
    let expected = "3 profiles, at 2026-01-03T09:00:00Z\n\nnothing differs: 2 segments, 1 personalization\n";
    assert_eq!((same.code, &*same.results), (Some(0), expected));
}

#[test]
fn a_folder_is_compared_as_the_log_it_was_loaded_from_and_stays_as_it_was() {
    let folder = Folder::new("folder");
    let ended = folder.run(&["ingest", "shop", "log.jsonl", "--catalog", "old.toml", "--clock", "message"]);
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    let before = files(&folder.0.join("shop"));
    let of_log = folder.diff(&["log.jsonl", "--json"]);
    let of_folder = folder.diff(&["shop", "--json"]);
    assert_eq!(of_folder.lines(), of_log.lines());
    assert_eq!(folder.diff(&["shop"]).results, TEXT);
    assert!(files(&folder.0.join("shop")) == before, "some file has changed");
}

#[test]
fn programs_read_lines_of_json() {
    let folder = Folder::new("json");
    let expected = [
        json!({"segment": "buyer", "change": "new", "before": null, "after": 1, "entered": 1, "left": 0,
            "entered_examples": ["cleo"], "left_examples": []}),
        json!({"segment": "gold", "change": "changed", "before": 1, "after": 3, "entered": 2, "left": 0,
            "entered_examples": ["ben", "cleo"], "left_examples": []}),
        json!({"segment": "spender", "change": "removed", "before": 1, "after": null, "entered": 0, "left": 1,
            "entered_examples": [], "left_examples": ["cleo"]}),
        json!({"personalization": "home", "change": "changed", "old": "plain", "new": "gold-offer",
            "profiles": 2, "examples": ["ben", "cleo"]}),
        json!({"personalization": "home", "offer": "gold-offer", "change": "changed", "before": 1, "after": 3,
            "gained": 2, "lost": 0}),
        json!({"personalization": "home", "offer": "plain", "change": "changed", "before": 2, "after": 0,
            "gained": 0, "lost": 2}),
        json!({"summary": {"at": "2026-01-03T09:00:00Z", "profiles": 3, "later": 0,
            "old": {"messages": 4, "refused": []}, "new": {"messages": 4, "refused": []}, "differs": true,
            "segments": {"same": 0, "changed": 1, "new": 1, "removed": 1},
            "personalizations": {"same": 0, "changed": 1, "new": 0, "removed": 0}}}),
    ];
    assert_eq!(folder.diff(&["log.jsonl", "--json"]).lines(), expected);
    // Before the order, and after the window has left it behind.
    for (at, profiles, later, spenders) in [
        ("2026-01-02T12:00:00Z", 3, 1, 0),
        ("2026-01-01T12:00:00Z", 1, 3, 0),
        ("2026-05-01T00:00:00Z", 3, 0, 0),
    ] {
        let lines = folder.diff(&["log.jsonl", "--json", "--at", at]).lines();
        let summary = &lines.last().unwrap()["summary"];
        let expected = (&json!(at), &json!(profiles), &json!(later));
        assert_eq!((&summary["at"], &summary["profiles"], &summary["later"]), expected);
        assert_eq!(lines[2]["before"], spenders, "{at}");
    }
}

#[test]
fn lines_that_are_refused_do_not_stop_it() {
    let folder = Folder::new("refused");
    folder.write("log.jsonl", format!("{LOG}{{\"type\"\n\n\u{20}{{\"type\":\"track\"}}\n"));
    folder.write("new.toml", OLD.replace("schema = 1", "schema = 1\nstrict = true").replace("total", "sum"));
    let ended = folder.diff(&["log.jsonl"]);
    assert_eq!((ended.code, &*ended.words), (Some(0), ""));
    let text = ended.results;
    for line in [
        "\nthe old catalog refuses 2 messages; the first: message refused (schema): line 5: not readable",
        "\nthe new catalog refuses 2 messages; the first: message refused (schema): line 5: not readable",
        "\nthe new catalog refuses 1 message; the first: message refused (unknown_property): `properties.total`",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let lines = folder.diff(&["log.jsonl", "--json"]).lines();
    let refused = &lines.last().unwrap()["summary"]["new"]["refused"][1];
    assert_eq!((&refused["reason"], &refused["messages"]), (&json!("unknown_property"), &json!(1)));
    assert_eq!(refused["first"]["field"], "properties.total");
}

#[test]
fn a_log_that_ends_in_the_future_is_pointed_out() {
    let folder = Folder::new("future");
    folder.write("log.jsonl", LOG.replace("2026-01-03", "9026-01-03"));
    let ended = folder.diff(&["log.jsonl"]);
    assert_eq!(ended.code, Some(0));
    assert!(ended.words.starts_with("warning: the log's latest message is of 9026-01-03"), "{ended:?}");
    let ended = folder.diff(&["log.jsonl", "--at", "2026-01-03T00:00:00Z"]);
    assert_eq!((ended.code, &*ended.words), (Some(0), ""));
    assert!(ended.results.contains("\n1 message happens later and does not count\n"), "{ended:?}");
}

#[test]
fn it_ends_as_the_other_commands_do() {
    let folder = Folder::new("ends");
    folder.write("broken.toml", "schema = 1\n[segments]\ngold = 'teir == 1'\n");
    folder.write("other.toml", "schema = 1\n[segments]\ngold = 'tire == 1'\n");
    fs::create_dir(folder.0.join("empty")).unwrap();
    for (arguments, code, words) in [
        (&["old.toml", "broken.toml", "log.jsonl"][..], 3, &["teir", "broken.toml"][..]),
        (&["broken.toml", "new.toml", "log.jsonl", "--json"], 3, &["teir", "\"line\":3"]),
        (&["broken.toml", "other.toml", "log.jsonl"], 3, &["teir", "tire"]),
        (&["old.toml", "missing.toml", "log.jsonl"], 5, &["missing.toml"]),
        (&["old.toml", "new.toml", "missing.jsonl"], 5, &["missing.jsonl"]),
        (&["old.toml", "new.toml", "empty"], 5, &["no database", "empty"]),
        (&["old.toml", "new.toml"], 2, &["DATA|LOG"]),
        (&["old.toml", "new.toml", "log.jsonl", "--at", "soon"], 2, &["soon"]),
        (&["old.toml", "new.toml", "log.jsonl", "--examples", "many"], 2, &["many"]),
    ] {
        let ended = folder.run(&[&["diff"], arguments].concat());
        assert_eq!((ended.code, &*ended.results), (Some(code), ""), "{arguments:?}: {}", ended.words);
        for word in words {
            assert!(ended.words.contains(word), "{arguments:?}: {}", ended.words);
        }
    }
    let loaded = folder.run(&["ingest", "shop", "log.jsonl", "--catalog", "old.toml", "--clock", "message"]);
    assert_eq!(loaded.code, Some(0), "{}", loaded.words);
    let manifest = folder.0.join("shop/habitue.manifest");
    let mut bytes = fs::read(&manifest).unwrap();
    bytes[10] ^= 0xff;
    fs::write(&manifest, bytes).unwrap();
    let ended = folder.diff(&["shop"]);
    assert_eq!((ended.code, &*ended.results), (Some(4), ""), "{}", ended.words);
}
