//! The command line on a data folder: loading, asking, checking, copying, and how each ends.
#![cfg(feature = "cli")]
#![expect(clippy::unwrap_used, reason = "a test stops when it is wrong")]

#[path = "command_line/folder.rs"]
mod folder;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use flate2::Compression;
use flate2::write::GzEncoder;
use folder::{Ended, Folder};
use serde_json::{Value as Json, json};

const CATALOG: &str = r#"
schema = 1
[attributes]
tier = "string"
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
text = "Hello, {{ tier }} customer"
"#;

/// When the story of the messages is over.
const AT: &str = "2026-02-01T00:00:00Z";

impl Folder {
    fn new(test: &str) -> Folder {
        let folder = Folder::empty(&format!("data_folder_{test}"));
        folder.write("catalog.toml", CATALOG);
        folder
    }

    /// A folder with a database of 40 messages in `shop`.
    fn loaded(test: &str) -> Folder {
        let folder = Folder::new(test);
        folder.write("messages.jsonl", lines(0..40).join("\n"));
        let ended = folder.ingest(&["messages.jsonl", "--catalog", "catalog.toml"]);
        assert_eq!(ended.code, Some(0), "{}", ended.words);
        folder
    }

    /// Runs `habitue` in the folder, with something to read.
    fn run_with(&self, arguments: &[&str], input: &[u8]) -> Ended {
        let mut command = self.command(arguments);
        let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = pipes.spawn().unwrap();
        // Who reads nothing may have ended already.
        let _nobody_reads = child.stdin.take().unwrap().write_all(input);
        Ended::of(child.wait_with_output().unwrap())
    }

    fn ingest(&self, arguments: &[&str]) -> Ended {
        self.run(&[&["ingest", "shop", "--clock", "message"], arguments].concat())
    }

    /// Everything that can be asked of the customers of `data`.
    fn answers(&self, data: &str) -> String {
        let mut answers = String::new();
        for id in ["ana", "ben", "cleo", "dan"] {
            answers += &self.run(&["get", data, id, "--at", AT, "--json"]).results;
            answers += &self.run(&["decide", data, id, "--at", AT, "--json"]).results;
        }
        assert_eq!(answers.lines().count(), 8, "{answers}");
        answers + &self.run(&["members", data, "spender", "--at", AT, "--json"]).results
    }
}

impl Ended {
    fn json(&self) -> Json {
        let parsed = serde_json::from_str(&self.results);
        assert!(parsed.is_ok(), "{}{}", self.results, self.words);
        parsed.unwrap()
    }

    /// Checks the counts of a summary: lines, accepted, duplicates, rejected.
    fn counted(&self, expected: [u64; 4]) {
        assert_eq!(self.code, Some(0), "{}", self.words);
        let summary = self.json();
        let counts =
            ["lines", "accepted", "duplicates", "rejected"].map(|name| summary[name].as_u64().unwrap());
        assert_eq!(counts, expected, "{}", self.words);
        assert!(summary["seconds"].is_f64() && summary["lines_per_second"].is_f64(), "{summary}");
    }
}

/// Messages of four customers, an hour apart.
fn lines(numbers: std::ops::Range<u64>) -> Vec<String> {
    let line = |number: u64| {
        let tier = ["gold", "silver"][number as usize % 2];
        let user = ["ana", "ben", "cleo", "dan"][number as usize % 4];
        let timestamp = 1_767_225_600_000 + number * 3_600_000;
        let message = match number % 3 {
            0 => {
                json!({"type": "identify", "userId": user, "traits": {"tier": tier},
                "messageId": format!("m{number}"), "timestamp": timestamp})
            }
            // Without an id.
            1 => json!({"type": "track", "userId": user, "event": "Order Completed",
                "properties": {"total": number as f64 * 2.5}, "timestamp": timestamp}),
            _ => {
                json!({"type": "track", "userId": user, "event": "Order Completed", "properties": {"total": 1},
                "messageId": format!("m{number}"), "timestamp": timestamp})
            }
        };
        message.to_string()
    };
    numbers.map(line).collect()
}

fn packed(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn the_same_lines_give_the_same_database_in_whatever_form_they_come() {
    let folder = Folder::new("forms");
    let first = lines(0..25).join("\n");
    folder.write("first.jsonl", &first);
    folder.write("all.gz", packed(&lines(0..40).join("\r\n\n")));
    folder.ingest(&["first.jsonl", "--catalog", "catalog.toml", "--json"]).counted([25, 25, 0, 0]);
    // What was loaded before is known, with an id or without, in another file and packed too.
    folder.ingest(&["all.gz", "--json", "--memory-budget", "64M"]).counted([40, 15, 25, 0]);
    let input = [packed(&first), packed("\n"), packed(&lines(25..40).join("\n"))].concat();
    folder.run_with(&["ingest", "shop", "-", "--json"], &input).counted([40, 0, 40, 0]);
    let in_parts = folder.answers("shop");
    drop(folder);
    let folder = Folder::loaded("forms");
    assert_eq!(folder.answers("shop"), in_parts);
    let ended = folder.ingest(&["messages.jsonl", "all.gz"]);
    assert_eq!((ended.code, ended.results.as_str()), (Some(5), ""), "{}", ended.words);
    let ended = folder.ingest(&["messages.jsonl", "messages.jsonl", "--durability", "memory"]);
    assert!(
        ended.results.starts_with("80 lines: 0 accepted, 80 duplicates, 0 rejected; "),
        "{}",
        ended.results
    );
}

#[cfg(unix)]
#[test]
fn a_load_that_was_killed_is_started_again() {
    let folder = Folder::loaded("killed");
    let expected = folder.answers("shop");
    fs::remove_dir_all(folder.0.join("shop")).unwrap();
    let mut command =
        folder.command(&["ingest", "shop", "-", "--catalog", "catalog.toml", "--clock", "message"]);
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    // More than a batch, so that some is applied while it waits for more.
    let more = (0..2_000).map(|number| {
        json!({"type": "track", "userId": "many", "event": "Seen", "messageId": format!("s{number}"),
            "timestamp": 1_767_225_600_000_u64 + number})
        .to_string()
    });
    let more = more.collect::<Vec<_>>().join("\n") + "\n";
    let stdin = child.stdin.as_mut().unwrap();
    stdin.write_all(format!("{}\n{more}", lines(0..20).join("\n")).as_bytes()).unwrap();
    stdin.flush().unwrap();
    let journal = folder.0.join("shop/journal");
    while !fs::read_dir(&journal).is_ok_and(|mut files| files.next().is_some()) {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    std::thread::sleep(std::time::Duration::from_millis(500));
    child.kill().unwrap();
    child.wait().unwrap();
    folder.write("more.jsonl", more);
    let ended = folder.ingest(&["messages.jsonl", "more.jsonl", "--json"]);
    let summary = ended.json();
    assert_eq!(summary["lines"], 2_040, "{}", ended.words);
    assert!(
        summary["duplicates"].as_u64().unwrap() > 0,
        "what was accepted before the kill is there: {summary}"
    );
    folder.ingest(&["messages.jsonl", "more.jsonl", "--json"]).counted([2_040, 0, 2_040, 0]);
    assert_eq!(folder.answers("shop"), expected);
}

#[test]
fn what_is_refused_is_counted_shown_and_kept() {
    let folder = Folder::new("rejects");
    let mut input = lines(0..2).join("\n").into_bytes();
    input.extend_from_slice(b"\n{\"type\"\n\xff\xfe\n");
    let refused = [
        json!({"type": "track", "userId": "ana", "event": "Order Completed", "properties": {"total": "x"}}),
        json!({"type": "track", "userId": "ana", "event": "Seen", "timestamp": "2990-01-01T00:00:00Z"}),
        json!({"type": "track", "messageId": "m0", "userId": "ana", "event": "Seen"}),
        json!({"type": "alias", "userId": "ana"}),
    ];
    refused.iter().for_each(|message| input.extend_from_slice(format!("{message}\n").as_bytes()));
    input.extend_from_slice(&vec![b' '; 3 << 20]);
    folder.write("messages.jsonl", &input);
    let arguments = ["messages.jsonl", "--catalog", "catalog.toml", "--rejects", "rejects.jsonl", "--json"];
    let ended = folder.ingest(&arguments);
    ended.counted([8, 2, 0, 6]);
    assert!(ended.words.contains("messages.jsonl, line 3: refused (schema): "), "{}", ended.words);
    assert!(ended.words.contains("all are in `rejects.jsonl`"), "{}", ended.words);
    let rejects = fs::read_to_string(folder.0.join("rejects.jsonl")).unwrap();
    let rejects: Vec<Json> = rejects.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |name: &str| rejects.iter().map(|reject| reject[name].clone()).collect::<Vec<_>>();
    assert_eq!(of("line"), [3, 4, 5, 6, 7, 8]);
    assert_eq!(of("reason"), ["schema", "schema", "schema", "skew", "conflict", "schema"]);
    assert_eq!(of("field")[2], "properties.total");
    assert_eq!(of("message")[2..], refused);
    assert_eq!(of("message")[0], "{\"type\"");
    assert!(of("detail").iter().all(|detail| !detail.as_str().unwrap().is_empty()), "{rejects:?}");
    // A wrong year has not moved the clock.
    assert_eq!(folder.run(&["get", "shop", "ana", "--at", AT]).code, Some(0));
}

#[test]
fn a_load_needs_a_catalog_once_and_files_that_are_there() {
    let folder = Folder::new("needs");
    folder.write("messages.jsonl", lines(0..4).join("\n"));
    folder.write("broken.toml", "schema = 1\n[segments]\ngold = 'teir == 1'\n");
    for (arguments, code, words) in [
        (&["messages.jsonl"][..], 2, "--catalog"),
        (&["missing.jsonl", "--catalog", "catalog.toml"], 5, "missing.jsonl"),
        (&["messages.jsonl", "--catalog", "missing.toml"], 5, "missing.toml"),
        (&["messages.jsonl", "--catalog", "broken.toml"], 3, "teir"),
        (&["messages.jsonl", "--memory-budget", "much"], 2, "512M"),
        (&["messages.jsonl", "--catalog", "catalog.toml", "--rejects", "no/such/place"], 1, "no/such/place"),
    ] {
        let ended = folder.ingest(arguments);
        assert_eq!((ended.code, ended.results.as_str()), (Some(code), ""), "{arguments:?}: {}", ended.words);
        assert!(ended.words.contains(words), "{}", ended.words);
        assert!(!folder.0.join("shop").exists(), "{arguments:?} has made something");
    }
    assert_eq!(folder.ingest(&["messages.jsonl", "--catalog", "catalog.toml"]).code, Some(0));
    assert_eq!(folder.ingest(&["messages.jsonl"]).code, Some(0));
    // Another catalog replaces the one in the folder.
    folder.write("other.toml", CATALOG.replace("[segments]", "[segments]\nanybody = 'has(tier)'"));
    assert_eq!(folder.ingest(&["messages.jsonl", "--catalog", "other.toml"]).code, Some(0));
    assert_eq!(folder.run(&["members", "shop", "anybody", "--at", AT]).results, "ana\ndan\n");
    // A packed file that was cut: what could be read of it counts.
    folder.write("cut.gz", &packed(&lines(0..4_000).join("\n"))[..20_000]);
    let ended = folder.ingest(&["cut.gz"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.words.contains("cut.gz") && ended.words.contains("is stored"), "{}", ended.words);
    assert!(folder.run(&["stats", "shop", "--json"]).json()["messages"].as_u64().unwrap() > 4);
}

/// What is recorded is counted the next time, and asking alone counts nothing.
#[test]
fn what_is_recorded_as_shown_counts() {
    let folder = Folder::new("recorded");
    let capped = "schema = 1\n[[personalizations.home.offers]]\nname = \"sale\"\ncap = { most = 1, within = \"1d\" }\n";
    folder.write("catalog.toml", capped);
    folder.write("messages.jsonl", r#"{"type":"identify","messageId":"m1","userId":"ana"}"#);
    assert_eq!(folder.run(&["ingest", "shop", "messages.jsonl", "--catalog", "catalog.toml"]).code, Some(0));
    let decide = |more: &[&str]| folder.run(&[&["decide", "shop", "ana", "home"], more].concat());
    assert_eq!(decide(&[]).results, "home: sale\n");
    assert_eq!(decide(&[]).results, "home: sale\n");
    assert_eq!(decide(&["--record"]).results, "home: sale\n");
    assert_eq!(decide(&["--record"]).results, "home: nothing\n");
    assert_eq!(folder.run(&["verify", "shop"]).code, Some(0));
    assert_eq!(folder.run(&["decide", "shop", "ana", "--record"]).code, Some(2), "which one?");
}

#[test]
fn a_customer_is_shown_at_the_time_asked_for() {
    let folder = Folder::loaded("asked");
    let at = |arguments: &[&str]| {
        let ended = folder.run(&[arguments, &["--at", AT]].concat());
        assert_eq!((ended.code, ended.words.as_str()), (Some(0), ""), "{arguments:?}");
        ended
    };
    let expected = json!({"user": "ana", "at": AT, "valid_until": "2026-04-01T04:00:00Z",
        "attributes": {"spend": 123.0, "tier": "gold"}, "segments": {"gold": true, "spender": true},
        "decisions": {"home": "gold-offer"}});
    assert_eq!(at(&["get", "shop", "ana", "--json"]).json(), expected);
    let text = at(&["get", "shop", "ana"]).results;
    assert!(text.starts_with("ana, at 2026-02-01T00:00:00Z\nthe same until 2026-04-01T04:00:00Z"), "{text}");
    assert!(text.contains("\n  spend  123.0\n  tier   gold\n"), "{text}");
    assert_eq!(at(&["segments", "shop", "ana"]).results, "gold\nspender\n");
    assert_eq!(at(&["segments", "shop", "ana", "--json"]).json()["segments"], expected["segments"]);
    assert_eq!(at(&["members", "shop", "spender"]).results, "ana\nben\ncleo\ndan\n");
    let expected = json!({"segment": "gold", "at": AT, "size": 2, "members": ["ana", "cleo"]});
    assert_eq!(at(&["members", "shop", "gold", "--json"]).json(), expected);
    assert_eq!(at(&["decide", "shop", "ana"]).results, "home: gold-offer: Hello, gold customer\n");
    assert_eq!(at(&["decide", "shop", "ben", "home"]).results, "home: plain (the fallback)\n");
    let decided = at(&["decide", "shop", "ana", "home", "--json"]).json();
    assert_eq!((&decided["user"], &decided["decision"]), (&json!("ana"), &json!("gold-offer")));
    assert_eq!(decided["offers"][0]["text"], "Hello, gold customer");
    let text = at(&["explain", "shop", "ana", "gold"]).results;
    assert!(text.contains("`ana` is in `gold`") && text.contains("set by m36"), "{text}");
    assert!(at(&["explain", "shop", "ana", "home", "--json"]).json().is_object());
    // Half a year later, and without a trace: then again today.
    let later = folder.run(&["members", "shop", "spender", "--at", "2026-08-01T00:00:00Z"]);
    assert_eq!((later.code, later.results.as_str()), (Some(0), ""));
    assert_eq!(at(&["members", "shop", "spender"]).results.lines().count(), 4);
}

#[test]
fn consents_are_shown_where_there_are_purposes() {
    let folder = Folder::new("consents");
    folder.write("catalog.toml", format!("{CATALOG}\n[purposes.ads]\n[purposes.mail]\n"));
    let message = json!({"type": "identify", "userId": "ana", "messageId": "a", "timestamp": AT,
        "context": {"consent": {"categoryPreferences": {"mail": false}}}});
    folder.write("messages.jsonl", message.to_string());
    assert_eq!(folder.ingest(&["messages.jsonl", "--catalog", "catalog.toml"]).code, Some(0));
    let consents = folder.run(&["get", "shop", "ana", "--at", AT, "--json"]).json()["consents"].clone();
    let expected =
        json!({"ads": {"state": "not_asked", "since": null}, "mail": {"state": "denied", "since": AT}});
    assert_eq!(consents, expected);
    let text = folder.run(&["get", "shop", "ana", "--at", AT]).results;
    assert!(text.contains(&format!("\nconsents\n  ads   not asked\n  mail  denied since {AT}\n")), "{text}");
}

#[test]
fn what_is_not_known_ends_with_5() {
    let folder = Folder::loaded("unknown");
    for (arguments, words) in [
        (&["get", "shop", "zoe"][..], "`zoe`"),
        (&["segments", "shop", "zoe", "--json"], "`zoe`"),
        (&["decide", "shop", "zoe"], "`zoe`"),
        (&["explain", "shop", "zoe", "gold"], "`zoe`"),
        (&["members", "shop", "gould"], "did you mean `gold`?"),
        (&["decide", "shop", "ana", "hme"], "did you mean `home`?"),
        (&["explain", "shop", "ana", "gould"], "did you mean `gold`?"),
        (&["get", "nowhere", "ana"], "nowhere"),
        (&["stats", "nowhere", "--json"], "nowhere"),
        (&["verify", "."], "there is no database"),
        (&["restore", ".", "other"], "no backup"),
    ] {
        let ended = folder.run(arguments);
        assert_eq!((ended.code, ended.results.as_str()), (Some(5), ""), "{arguments:?}: {}", ended.words);
        assert!(ended.words.contains(words), "{arguments:?}: {}", ended.words);
    }
    assert!(!folder.0.join("nowhere").exists() && !folder.0.join("lock").exists());
    for arguments in
        [&["get", "shop", "ana", "--at", "2020-01-01T00:00:00Z"][..], &["get", "shop", "ana", "--at", "soon"]]
    {
        let ended = folder.run(arguments);
        assert_eq!((ended.code, ended.results.as_str()), (Some(2), ""), "{arguments:?}: {}", ended.words);
    }
}

#[test]
fn a_backup_answers_the_same() {
    let folder = Folder::loaded("backup");
    let expected = folder.answers("shop");
    let ended = folder.run(&["backup", "shop", "backup", "--json"]);
    assert_eq!(ended.json(), json!({"backup": "backup", "profiles": 4, "messages": 40}));
    assert_eq!(folder.run(&["backup", "shop", "backup"]).code, Some(2), "it is not empty");
    let mut names: Vec<_> =
        fs::read_dir(folder.0.join("backup")).unwrap().map(|file| file.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["base-00000001.bundle", "habitue.manifest"]);
    let ended = folder.run(&["restore", "backup", "copy"]);
    assert_eq!(
        (ended.code, ended.results.as_str()),
        (Some(0), "`copy` is a copy of `backup`\n"),
        "{}",
        ended.words
    );
    assert_eq!(folder.run(&["restore", "backup", "shop"]).code, Some(2), "it is not empty");
    assert_eq!(folder.answers("copy"), expected);
    assert_eq!(folder.run(&["verify", "copy"]).code, Some(0));
    assert_eq!(folder.run(&["restore", "copy", "third"]).code, Some(2), "it was opened");
    // A copy goes on from there, and a backup is a database where it is, too.
    let ended = folder.run(&["ingest", "copy", "messages.jsonl", "--json", "--clock", "message"]);
    ended.counted([40, 0, 40, 0]);
    assert_eq!(folder.answers("backup"), expected);
    let path = folder.0.join("damaged");
    assert_eq!(folder.run(&["backup", "copy", "damaged"]).code, Some(0));
    flip(&path.join("base-00000001.bundle"), 100);
    let ended = folder.run(&["restore", "damaged", "fourth"]);
    assert_eq!(ended.code, Some(4));
    assert!(ended.words.contains("base-00000001.bundle` is damaged at byte"), "{}", ended.words);
    assert!(!folder.0.join("fourth").exists());
}

#[test]
fn erased_customers_stay_away() {
    let folder = Folder::loaded("erase");
    assert_eq!(folder.run(&["backup", "shop", "old"]).code, Some(0));
    folder.write("ids.txt", "ben\n\nnobody\n");
    let ended = folder.run(&["erase", "shop", "ana", "--file", "ids.txt", "--json"]);
    assert_eq!(ended.code, Some(5), "{}", ended.words);
    let receipt = ended.json()["receipt"].clone();
    assert_eq!((receipt["customers"].as_u64(), &ended.json()["unknown"]), (Some(2), &json!(["nobody"])));
    assert_eq!(folder.run(&["get", "shop", "ana"]).code, Some(5));
    assert_eq!(folder.run(&["erase", "shop", "ana"]).code, Some(5));
    let listed = folder.run(&["erasures", "shop", "--json"]);
    assert_eq!((listed.code, listed.json()), (Some(0), receipt.clone()));
    let said = folder.run(&["erasures", "shop"]).results;
    assert!(said.contains(receipt["id"].as_str().unwrap()) && said.contains("2 customers"), "{said}");
    let again = folder.ingest(&["messages.jsonl", "--rejects", "rejects.jsonl"]);
    assert_eq!(again.code, Some(0), "{}", again.words);
    let rejects = fs::read_to_string(folder.0.join("rejects.jsonl")).unwrap();
    assert_eq!(rejects.lines().count() as u64, receipt["messages"].as_u64().unwrap());
    assert!(rejects.lines().all(|line| line.contains("\"reason\":\"erased\"")), "{rejects}");
    assert_eq!(folder.run(&["restore", "old", "copy", "--tombstones", "shop"]).code, Some(0));
    for data in ["shop", "copy"] {
        assert_eq!(folder.run(&["get", data, "ben"]).code, Some(5), "{data}");
        assert_eq!(folder.run(&["get", data, "cleo"]).code, Some(0), "{data}");
        let verified = folder.run(&["verify", data]);
        assert_eq!(verified.code, Some(0), "{}", verified.results);
    }
}

#[test]
fn a_folder_is_measured() {
    let folder = Folder::loaded("stats");
    let stats = folder.run(&["stats", "shop", "--json"]).json();
    assert_eq!(
        (&stats["profiles"], &stats["messages"], &stats["revision"]),
        (&json!(4), &json!(40), &json!(1))
    );
    assert_eq!(stats["time"].as_str().unwrap().split('T').count(), 2);
    let bytes = |name: &str| stats["disk"][name].as_u64().unwrap();
    assert!(bytes("journal_bytes") > 0 && bytes("live_bytes") > 0, "{stats}");
    assert_eq!(bytes("base_bytes"), 0);
    assert!(stats["bytes_per_message"].is_f64() && stats["opened_in_ms"].is_f64(), "{stats}");
    let text = folder.run(&["stats", "shop"]).results;
    assert!(text.starts_with("profiles              4\nmessages              40\n"), "{text}");
    let compacted = folder.run(&["compact", "shop", "--json"]).json();
    assert_eq!(compacted, json!({ "profiles": 0, "messages": 0 }));
    let stats = folder.run(&["stats", "shop", "--json"]).json();
    assert!(stats["disk"]["base_bytes"].as_u64().unwrap() > 0, "{stats}");
}

#[test]
fn damage_is_found_and_ends_with_4() {
    let folder = Folder::loaded("damage");
    let sound = folder.run(&["verify", "shop", "--json"]);
    let expected = json!({"ok": true, "journal_records": 40, "base_profiles": 0, "live_profiles": 4, "profiles": 4,
        "messages": 40, "flaws": [], "mended": []});
    assert_eq!((sound.code, sound.json()), (Some(0), expected));
    assert!(folder.run(&["verify", "shop"]).results.ends_with("nothing is wrong\n"));
    let answers = folder.answers("shop");
    // The live store is made anew, but that it had to be is a finding.
    let live = folder.0.join("shop/live");
    for entry in fs::read_dir(&live).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = fs::read(&path).unwrap();
            fs::write(&path, bytes.iter().map(|byte| byte ^ 0x55).collect::<Vec<_>>()).unwrap();
        }
    }
    let ended = folder.run(&["verify", "shop", "--json"]);
    assert_eq!(ended.code, Some(4), "{}{}", ended.results, ended.words);
    let verdict = ended.json();
    assert_eq!(verdict["ok"], false);
    let said = verdict["flaws"].as_array().unwrap().len() + verdict["mended"].as_array().unwrap().len();
    assert!(said > 0, "{verdict}");
    assert_eq!(folder.answers("shop"), answers);
    assert_eq!(folder.run(&["verify", "shop"]).code, Some(0), "it is made anew");
    // The journal is not: it holds what nobody else does.
    let journal = folder.0.join("shop/journal/00000001.journal");
    flip(&journal, 6_000);
    for arguments in [&["verify", "shop", "--json"][..], &["verify", "shop"], &["get", "shop", "ana"]] {
        let ended = folder.run(arguments);
        assert_eq!(ended.code, Some(4), "{arguments:?}: {}{}", ended.results, ended.words);
        let said = format!("{}{}", ended.results, ended.words);
        assert!(said.contains("00000001.journal") && said.contains("at byte"), "{said}");
    }
    assert_eq!(folder.run(&["verify", "shop", "--json"]).json()["ok"], false);
    let ended = folder.run(&["get", "shop", "ana", "--salvage", "--at", AT]);
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    assert!(ended.words.starts_with("warning: the journal is damaged"), "{}", ended.words);
    assert_eq!(folder.ingest(&["messages.jsonl"]).code, Some(0));
    assert_eq!(folder.answers("shop"), answers, "loading again brings back what was lost");
}

/// Turns one byte over.
fn flip(path: &Path, place: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[place] ^= 0xff;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_customer_of_several_identifiers_is_found_and_exported_by_each() {
    let folder = Folder::loaded("identities");
    let lines = [
        json!({"type": "track", "messageId": "d1", "anonymousId": "device-1", "event": "Order Completed",
            "properties": {"total": 7.0}, "timestamp": "2026-01-20T10:00:00Z"}),
        json!({"type": "identify", "messageId": "d2", "userId": "ana", "anonymousId": "device-1",
            "timestamp": "2026-01-20T11:00:00Z"}),
    ];
    folder.write("ties.jsonl", lines.map(|line| line.to_string()).join("\n"));
    folder.ingest(&["ties.jsonl", "--json"]).counted([2, 2, 0, 0]);
    let text = folder.run(&["get", "shop", "device-1", "--at", AT]).results;
    assert!(text.starts_with("ana, at 2026-02-01T00:00:00Z\n"), "{text}");
    assert!(text.contains("\n  spend  130.0\n"), "{text}");
    let joined = "2026-01-20T11:00:00Z anonymousId `device-1` was joined with userId `ana` by message `d2`";
    assert!(text.contains(joined), "{text}");
    let by_json = folder.run(&["get", "shop", "ana", "--at", AT, "--json"]).json();
    assert_eq!(by_json["identity"]["ties"][0]["outcome"], "joined");
    let explained = folder.run(&["explain", "shop", "device-1", "spender", "--at", AT]).results;
    assert!(explained.contains(joined), "{explained}");
    let by_json = folder.run(&["explain", "shop", "device-1", "spender", "--at", AT, "--json"]).json();
    assert_eq!(by_json["identity"]["id"], "ana");
    let exported = folder.run(&["export", "shop", "device-1", "--at", AT, "--json"]).json();
    assert_eq!((&exported["user"], &exported["attributes"]["spend"]), (&json!("ana"), &json!(130.0)));
    let ids: Vec<&str> = exported["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["messageId"].as_str().unwrap())
        .collect();
    assert!(ids.contains(&"d1") && ids.contains(&"d2") && ids.len() > 3, "{ids:?}");
    assert_eq!(folder.run(&["export", "shop", "nobody"]).code, Some(5));
    assert_eq!(folder.run(&["verify", "shop"]).code, Some(0));
}

#[test]
fn anonymous_customers_are_counted_still() {
    let folder = Folder::loaded("anonymise");
    let size = || folder.run(&["members", "shop", "gold", "--json"]).json()["size"].as_u64();
    assert_eq!(size(), Some(2));
    folder.write("ids.txt", "ben\n\nnobody\n");
    let ended = folder.run(&["anonymise", "shop", "ana", "--file", "ids.txt", "--json"]);
    assert_eq!(ended.code, Some(5), "{}", ended.words);
    let said = ended.json();
    let ids = said["anonymous_ids"].as_array().unwrap();
    assert_eq!((ids.len(), &said["unknown"]), (2, &json!(["nobody"])));
    assert_eq!(said["receipt"]["anonymous"], said["receipt"]["messages"]);
    assert_eq!(folder.run(&["get", "shop", "ana"]).code, Some(5));
    for id in ids {
        assert_eq!(folder.run(&["get", "shop", id.as_str().unwrap()]).code, Some(0), "{id}");
    }
    assert_eq!(size(), Some(2));
    let said = folder.run(&["erasures", "shop"]).results;
    assert!(said.contains("anonymous now") && !said.contains("anon-"), "{said}");
    let again = folder.ingest(&["messages.jsonl", "--rejects", "rejects.jsonl"]);
    assert_eq!(again.code, Some(0), "{}", again.words);
    assert!(fs::read_to_string(folder.0.join("rejects.jsonl")).unwrap().contains("\"reason\":\"erased\""));
    let said = folder.run(&["anonymise", "shop", "cleo"]).results;
    assert!(said.contains("goes on as `anon-"), "{said}");
    assert_eq!(folder.run(&["verify", "shop"]).code, Some(0));
}

#[test]
fn what_is_gone_is_told_where_it_is_asked_for() {
    let folder = Folder::new("gone");
    let catalog =
        "schema = 1\n[events.Order]\ntotal = \"float\"\n[computed]\norders = 'events(\"Order\").count()'\n";
    folder.write("catalog.toml", catalog);
    let orders = (10..60).map(|day| {
        json!({"type": "track", "event": "Order", "userId": "ana", "messageId": format!("o{day}"),
            "timestamp": format!("2020-01-01T00:00:{day}Z"), "properties": {"total": day}})
    });
    folder.write("messages.jsonl", orders.map(|order| format!("{order}\n")).collect::<String>());
    assert_eq!(folder.ingest(&["messages.jsonl", "--catalog", "catalog.toml"]).code, Some(0));
    assert_eq!(folder.run(&["compact", "shop", "--json"]).json(), json!({"profiles": 1, "messages": 48}));
    let before = folder.run(&["get", "shop", "ana", "--json"]).json();
    assert_eq!((&before["attributes"]["orders"], &before["complete_since"]), (&json!(50), &Json::Null));
    folder.write("catalog.toml", format!("{catalog}spend = 'events(\"Order\").sum(total)'\n"));
    assert_eq!(folder.ingest(&["messages.jsonl", "--catalog", "catalog.toml"]).code, Some(0));
    let after = folder.run(&["get", "shop", "ana", "--json"]).json();
    assert_eq!((&after["attributes"]["orders"], &after["attributes"]["spend"]), (&json!(50), &json!(69.0)));
    assert!(after["complete_since"]["spend"].is_string() && after["complete_since"]["orders"].is_null());
    assert!(folder.run(&["get", "shop", "ana"]).results.contains("\ncomplete only since\n  spend  20"));
    assert_eq!(folder.run(&["verify", "shop", "--json"]).code, Some(0));
}
