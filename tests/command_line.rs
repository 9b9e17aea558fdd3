//! The command line's contract: exit codes, lines of JSON, and where they are written.
#![cfg(feature = "cli")]

#[path = "command_line/folder.rs"]
mod folder;

use std::process::Stdio;

use folder::{Ended, Folder};
use serde_json::{Value as Json, json};

const CATALOG: &str = r#"
schema = 1
[attributes]
tier = "string"
points = "int"
[events."Order Completed"]
total = "float"
[computed]
spend = 'events("Order Completed").within("90d").sum(total)'
[segments]
gold = 'tier == "gold"'
spender = 'spend > 100.0'
[personalizations.home]
fallback = { name = "plain" }
[[personalizations.home.offers]]
name = "gold-offer"
when = "gold"
"#;

const MESSAGE: &str = r#"{"message":{"type":"identify","messageId":"m1","userId":"ana","traits":{"tier":"gold"},"timestamp":"2026-01-01T09:00:00Z"}}"#;

impl Folder {
    fn new(test: &str) -> Folder {
        let folder = Folder::empty(&format!("command_line_{test}"));
        folder.write("catalog.toml", CATALOG);
        folder
    }
}

impl Ended {
    fn lines(&self) -> Vec<Json> {
        self.results.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }
}

#[test]
fn a_script_that_holds_ends_with_0() {
    let folder = Folder::new("holds");
    let expect = r#"{"at":"+1h","expect":{"user":"ana","segments":{"gold":true},"attributes":{"points":null},"decisions":{"home":"gold-offer"}}}"#;
    folder.write("script.jsonl", format!("# a comment\n\n{MESSAGE}\n{expect}\n"));
    let ended = folder.run(&["simulate", "catalog.toml", "script.jsonl", "--json"]);
    assert_eq!(
        (ended.code, ended.results.as_str()),
        (Some(0), "{\"line\":4,\"ok\":true}\n"),
        "{}",
        ended.words
    );
    let ended = folder.run(&["simulate", "catalog.toml", "script.jsonl"]);
    assert_eq!((ended.code, ended.results.as_str()), (Some(0), "1 passed, 0 failed\n"));
    assert_eq!(ended.words, "");
}

#[test]
fn what_is_asked_for_is_printed_as_one_line_of_json() {
    let folder = Folder::new("asked");
    let asked = [
        MESSAGE,
        r#"{"at":"+0s","query":{"user":"ana"}}"#,
        r#"{"at":"+0s","query":{"user":"zoe"}}"#,
        r#"{"at":"+0s","members":"gold"}"#,
        r#"{"at":"+0s","explain":{"user":"ana","segment":"gold"}}"#,
        r#"{"at":"+0s","explain":{"user":"ana","personalization":"home"}}"#,
    ];
    folder.write("script.jsonl", asked.join("\n"));
    for options in [&["--json"][..], &[]] {
        let ended = folder.run(&[&["simulate", "catalog.toml", "script.jsonl"], options].concat());
        assert_eq!(ended.code, Some(0), "{}", ended.words);
        let lines: Vec<&str> = ended.results.lines().collect();
        assert_eq!(
            lines[..3],
            [
                r#"{"user":"ana","attributes":{"points":null,"spend":0.0,"tier":"gold"},"segments":{"gold":true,"spender":false},"decisions":{"home":"gold-offer"}}"#,
                r#"{"user":"zoe","attributes":{"points":null,"spend":0.0,"tier":null},"segments":{"gold":false,"spender":false},"decisions":{"home":"plain"}}"#,
                r#"{"segment":"gold","size":1,"members":["ana"]}"#,
            ]
        );
        for line in &lines[3..5] {
            let explanation: Json = serde_json::from_str(line).expect(line);
            assert!(explanation.is_object(), "{line}");
        }
    }
}

#[test]
fn an_expectation_that_fails_is_explained_and_ends_with_1() {
    let folder = Folder::new("fails");
    let expect = r#"{"at":"+0s","expect":{"user":"ana","segments":{"gold":false,"spender":false},"attributes":{"points":3,"tier":"gold"},"decisions":{"home":"plain"}}}"#;
    folder.write("script.jsonl", [MESSAGE, expect, expect].join("\n"));
    let ended = folder.run(&["simulate", "catalog.toml", "script.jsonl", "--json"]);
    assert_eq!(ended.code, Some(1));
    let lines = ended.lines();
    assert_eq!(lines.len(), 2);
    assert_eq!((&lines[0]["line"], &lines[0]["ok"]), (&json!(2), &json!(false)));
    let expected =
        json!({"attributes": {"points": 3}, "segments": {"gold": false}, "decisions": {"home": "plain"}});
    let actual = json!({"attributes": {"points": null}, "segments": {"gold": true}, "decisions": {"home": "gold-offer"}});
    assert_eq!((&lines[0]["expected"], &lines[0]["actual"]), (&expected, &actual));
    assert!(lines[0]["why"].as_str().unwrap().contains("tier"), "{}", lines[0]["why"]);
    let ended = folder.run(&["simulate", "catalog.toml", "script.jsonl"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.results.contains("script.jsonl, line 2: {\"at\""), "{}", ended.results);
    assert!(ended.results.contains("    expected  {"), "{}", ended.results);
    assert!(ended.results.ends_with("0 passed, 2 failed\n"), "{}", ended.results);
}

#[test]
fn a_refusal_is_expected_by_its_reason() {
    let folder = Folder::new("reject");
    let reject = |reason: &str, timestamp: &str| {
        json!({"at": "2026-01-01T10:00:00Z", "reject": {"reason": reason, "message":
            {"type": "track", "userId": "ana", "event": "Order Completed", "timestamp": timestamp}}})
        .to_string()
    };
    let script = [
        reject("skew", "2026-01-01T10:05:00.001Z"),
        reject("schema", "2026-01-01T10:05:00.001Z"),
        reject("skew", "2026-01-01T10:05:00Z"),
    ];
    folder.write("script.jsonl", script.join("\n"));
    let ended = folder.run(&["simulate", "--json", "catalog.toml", "script.jsonl"]);
    assert_eq!(ended.code, Some(1));
    let lines = ended.lines();
    assert_eq!(lines[0], json!({"line": 1, "ok": true}));
    assert_eq!(
        (&lines[1]["expected"], &lines[1]["actual"]),
        (&json!({"reason": "schema"}), &json!({"reason": "skew"}))
    );
    assert_eq!(
        (&lines[2]["expected"], &lines[2]["actual"]),
        (&json!({"reason": "skew"}), &json!({"reason": null}))
    );
}

#[test]
fn a_line_that_cannot_be_followed_fails_and_the_run_goes_on() {
    let folder = Folder::new("goes_on");
    let script = [
        "{\"at\"",
        r#"{"expct":{}}"#,
        r#"{"at":"2026-01-01T09:00:00Z","expect":{"user":"ana","segments":{"golden":false}}}"#,
        r#"{"message":{"type":"track","userId":"ana"}}"#,
        r#"{"at":"+0s","catalog":"missing.toml"}"#,
        r#"{"at":"+0s","members":"silver"}"#,
        r#"{"at":"+0s","expect":{"user":"ana","segments":{"gold":false}}}"#,
    ];
    folder.write("script.jsonl", script.join("\n"));
    let ended = folder.run(&["simulate", "catalog.toml", "script.jsonl", "--json"]);
    assert_eq!(ended.code, Some(1));
    let lines = ended.lines();
    let numbers: Vec<u64> = lines.iter().map(|line| line["line"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7]);
    for (line, part) in
        lines.iter().zip(["not readable as JSON", "`expct`", "golden", "event", "missing.toml", "silver"])
    {
        assert_eq!(line["ok"], false);
        assert!(line["why"].as_str().unwrap().contains(part), "{line}");
    }
    assert_eq!(lines[6]["ok"], true);
}

#[test]
fn every_script_runs_on_a_database_of_its_own() {
    let folder = Folder::new("several");
    folder.write("one.jsonl", [MESSAGE, r#"{"at":"+0s","members":"gold"}"#].join("\n"));
    folder.write(
        "two.jsonl",
        r#"{"at":"2020-01-01T00:00:00Z","expect":{"user":"ana","segments":{"gold":false}}}"#,
    );
    let ended = folder.run(&["simulate", "catalog.toml", "one.jsonl", "two.jsonl", "--json"]);
    let expected = "{\"segment\":\"gold\",\"size\":1,\"members\":[\"ana\"]}\n{\"line\":1,\"ok\":true}\n";
    assert_eq!((ended.code, ended.results.as_str()), (Some(0), expected), "{}", ended.words);
    let ended = folder.run(&["simulate", "catalog.toml", "one.jsonl", "two.jsonl"]);
    assert!(
        ended.results.contains("two.jsonl: 1 passed, 0 failed\n1 passed, 0 failed\n"),
        "{}",
        ended.results
    );
}

#[test]
fn a_catalog_named_by_a_script_lies_beside_the_script() {
    let folder = Folder::new("beside");
    folder.write(
        "scripts/v2.toml",
        "schema = 1\n[segments]\neverybody = 'now > timestamp(\"2000-01-01T00:00:00Z\")'\n",
    );
    let script = [MESSAGE, r#"{"at":"+0s","catalog":"v2.toml"}"#, r#"{"at":"+0s","members":"everybody"}"#];
    folder.write("scripts/script.jsonl", script.join("\n"));
    let ended = folder.run(&["simulate", "catalog.toml", "scripts/script.jsonl"]);
    assert_eq!(ended.code, Some(0), "{}", ended.results);
    assert!(
        ended.results.contains(r#"{"segment":"everybody","size":1,"members":["ana"]}"#),
        "{}",
        ended.results
    );
}

#[test]
fn the_clock_starts_at_the_first_line_and_never_goes_back() {
    let folder = Folder::new("clock");
    let catalog = "schema = 1\n[events.\"A\"]\n[computed]\nrecent = 'events(\"A\").within(\"1h\").count()'\n";
    folder.write("a.toml", catalog);
    let a = |id: &str, timestamp: &str| {
        json!({"message": {"type": "track", "messageId": id, "userId": "ana", "event": "A", "timestamp": timestamp}})
            .to_string()
    };
    let recent = |at: &str, count: u64| {
        json!({"at": at, "expect": {"user": "ana", "attributes": {"recent": count}}}).to_string()
    };
    let script = [
        a("m1", "1960-01-01T10:00:00Z"),
        recent("1960-01-01T10:30:00Z", 1),
        // A late message leaves the clock where it is, and so does an `at` of the past.
        a("m2", "1960-01-01T09:29:59Z"),
        a("m3", "1960-01-01T09:30:01Z"),
        recent("+0s", 2),
        recent("1950-01-01T00:00:00Z", 2),
        recent("+999ms", 2),
        recent("+1ms", 1),
    ];
    folder.write("script.jsonl", script.join("\n"));
    let ended = folder.run(&["simulate", "a.toml", "script.jsonl"]);
    assert_eq!(ended.code, Some(0), "{}", ended.results);
}

#[test]
fn a_catalog_with_errors_ends_with_3_and_points_at_them() {
    let folder = Folder::new("broken");
    folder.write(
        "broken.toml",
        "schema = 1\n[attributes]\ntier = \"string\"\n[segments]\ngold = 'teir == \"gold\"'\n",
    );
    folder.write("script.jsonl", "");
    for command in [&["check", "broken.toml"][..], &["simulate", "broken.toml", "script.jsonl"]] {
        let ended = folder.run(command);
        assert_eq!((ended.code, ended.results.as_str()), (Some(3), ""), "{command:?}");
        assert!(ended.words.contains("broken.toml:5:9"), "{}", ended.words);
        assert!(ended.words.contains("tier"), "{}", ended.words);
        assert!(!ended.words.contains('\u{1b}'), "no colours where there is no terminal");
    }
    let ended = folder.run(&["check", "broken.toml", "--json"]);
    assert_eq!((ended.code, ended.words.as_str()), (Some(3), ""));
    let lines = ended.lines();
    assert_eq!(lines.len(), 1);
    let keys: Vec<&String> = lines[0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["code", "column", "file", "help", "length", "line", "message", "severity"]);
    assert_eq!((&lines[0]["severity"], &lines[0]["file"]), (&json!("error"), &json!("broken.toml")));
    assert_eq!(
        (&lines[0]["line"], &lines[0]["column"], &lines[0]["length"]),
        (&json!(5), &json!(9), &json!(4))
    );
    folder.write("no.toml", "schema = ");
    assert_eq!(folder.run(&["check", "no.toml"]).code, Some(3));
    folder.write("latin.toml", b"schema = 1 # caf\xe9\n");
    assert_eq!(folder.run(&["check", "latin.toml"]).code, Some(3));
}

#[test]
fn check_says_what_a_catalog_declares_and_keeps() {
    let folder = Folder::new("check");
    let ended = folder.run(&["check", "catalog.toml"]);
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    assert!(ended.results.contains("2 segments"), "{}", ended.results);
    assert!(ended.results.contains("10000 entries"), "{}", ended.results);
    assert!(
        ended.results.contains(r#"events("Order Completed").within("90d").sum(total)"#),
        "{}",
        ended.results
    );
    let lines = folder.run(&["check", "catalog.toml", "--json"]).lines();
    assert_eq!(lines.last().unwrap()["summary"]["segments"], 2);
}

#[test]
fn a_folder_is_a_catalog() {
    let folder = Folder::new("folder");
    folder.write("parts/a.toml", "schema = 1\n[attributes]\ntier = \"string\"\n");
    folder.write("parts/b.json", r#"{"schema":1,"segments":{"gold":"tier == \"gold\""}}"#);
    folder.write("script.jsonl", [MESSAGE, r#"{"at":"+0s","members":"gold"}"#].join("\n"));
    let ended = folder.run(&["check", "parts"]);
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    let ended = folder.run(&["simulate", "parts", "script.jsonl"]);
    assert_eq!(ended.code, Some(0), "{}{}", ended.results, ended.words);
}

#[test]
fn what_is_not_there_ends_with_5() {
    let folder = Folder::new("missing");
    folder.write("script.jsonl", "");
    for command in [
        &["check", "missing.toml"][..],
        &["check", "missing.toml", "--json"],
        &["simulate", "missing.toml", "script.jsonl"],
        &["simulate", "catalog.toml", "script.jsonl", "missing.jsonl"],
    ] {
        let ended = folder.run(command);
        assert_eq!((ended.code, ended.results.as_str()), (Some(5), ""), "{command:?}");
        assert!(ended.words.contains("missing."), "{}", ended.words);
    }
}

#[test]
fn a_script_that_is_no_text_ends_with_1() {
    let folder = Folder::new("no_text");
    folder.write("script.jsonl", b"# ok\n\xff\n");
    let ended = folder.run(&["simulate", "catalog.toml", "script.jsonl"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.words.contains("line 2"), "{}", ended.words);
    assert_eq!(folder.run(&["simulate", "catalog.toml", "."]).code, Some(1));
}

#[test]
fn wrong_usage_ends_with_2() {
    let folder = Folder::new("usage");
    for command in [
        &[][..],
        &["check"],
        &["simulate"],
        &["simulate", "catalog.toml"],
        &["check", "catalog.toml", "--jsno"],
        &["check", "catalog.toml", "--schema"],
        &["frobnicate"],
    ] {
        let ended = folder.run(command);
        assert_eq!((ended.code, ended.results.as_str()), (Some(2), ""), "{command:?}");
        assert!(ended.words.contains("Usage"), "{command:?}: {}", ended.words);
    }
    for command in [&["--help"][..], &["--version"], &["check", "--help"]] {
        assert_eq!(folder.run(command).code, Some(0), "{command:?}");
    }
}

#[test]
fn the_schema_of_catalogs_is_printed() {
    let ended = Folder::new("schema").run(&["check", "--schema"]);
    assert_eq!(ended.code, Some(0));
    let schema: Json = serde_json::from_str(&ended.results).unwrap();
    assert!(schema["$schema"].is_string());
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let folder = Folder::new("reader");
    folder.write("script.jsonl", format!("{MESSAGE}\n{}", "{\"query\":{\"user\":\"ana\"}}\n".repeat(2_000)));
    let mut command = folder.command(&["simulate", "catalog.toml", "script.jsonl"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), String::from_utf8(ended.stderr).unwrap().as_str()), (Some(0), ""));
}

#[test]
fn names_of_every_script_of_the_world_are_written() {
    let folder = Folder::new("utf8");
    let message = json!({"message": {"type": "identify", "userId": "zoë-渡辺", "traits": {"tier": "gold"}, "timestamp": 0}});
    folder.write("script.jsonl", format!("{message}\n{{\"members\":\"gold\"}}\n"));
    let mut command = folder.command(&["simulate", "catalog.toml", "script.jsonl"]);
    let ended = command.env("LC_ALL", "C").output().unwrap();
    assert!(String::from_utf8(ended.stdout).unwrap().contains("zoë-渡辺"));
}
