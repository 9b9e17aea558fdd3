//! `habitue import` and `habitue export` of tables: every format and packing, what is wrong with files, again,
//! newer, and killed half-way.
#![cfg(feature = "cli")]

#[path = "command_line/folder.rs"]
mod folder;

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use folder::Folder;
use serde_json::{Value as Json, json};

const CATALOG: &str = r#"
schema = 1
[attributes]
tier = "string"
points = "int"
ltv = "float"
price = "float"
vip = "bool"
born = "time"
seen = "time"
tags = { type = "list", of = "string" }
address = { type = "map", fields = { city = "string", floor = "int" } }
by_year = { type = "map", of = "int" }
[events."Order Completed"]
total = { type = "float", required = true }
[computed]
orders = 'events("Order Completed").count()'
spend = 'events("Order Completed").sum(total)'
[segments]
gold = 'tier == "gold"'
buyer = 'orders > 0'
[imports.crm]
kind = "identify"
user = "Kundennummer"
time = "geändert"
time_format = "%d.%m.%Y %H:%M"
zone = "Europe/Berlin"
columns = { "Stufe" = "tier", "Punkte" = "points", "Geburtstag" = "born" }
skip = ["Notiz"]
null = ["", "NULL"]
[imports.orders]
kind = "track"
event = "Order Completed"
user = "customer"
id = "receipt"
time = "at"
time_format = "s"
"#;

impl Folder {
    fn new(test: &str) -> Folder {
        let folder = Folder::empty(&format!("command_line_import_{test}"));
        folder.write("catalog.toml", CATALOG);
        folder
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.join(name)).expect(name)
    }

    /// When a file was changed last, said anew.
    fn changed(&self, name: &str, seconds: u64) {
        let file = File::options().append(true).open(self.0.join(name)).expect(name);
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).expect("a time");
    }

    /// Runs what must end with 0; its last line of JSON.
    fn json(&self, arguments: &[&str]) -> Json {
        let ended = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(ended.code, Some(0), "{arguments:?}: {}{}", ended.results, ended.words);
        serde_json::from_str(ended.results.lines().last().expect("a line")).expect("JSON")
    }

    /// Imports; the counts of rows, accepted, duplicates, rejected.
    fn import(&self, arguments: &[&str]) -> [u64; 4] {
        let summary = self.json(&[&["import", "shop"], arguments].concat());
        ["rows", "accepted", "duplicates", "rejected"].map(|key| summary[key].as_u64().expect(key))
    }

    fn attributes(&self, id: &str) -> Json {
        self.json(&["get", "shop", id])["attributes"].take()
    }

    /// All profiles, as lines of JSON.
    fn profiles(&self, data: &str) -> String {
        self.json(&["export", data, "--profiles", "all.jsonl"]);
        String::from_utf8(self.read("all.jsonl")).expect("UTF-8")
    }
}

/// Customers with everything that an attribute can be; one is a visitor, one has nothing.
fn customers() -> String {
    let all = [
        json!({"user_id": "ana", "tier": "gold", "points": -3, "ltv": 0.1, "vip": true, "born": "1990-02-03T00:00:00Z",
            "seen": "2025-06-01T12:00:00.250Z", "tags": ["a,b", "\"c\""], "address": {"city": "Oulu", "floor": 2},
            "by_year": {"2024": 1}}),
        json!({"anonymous_id": "device-7", "tier": "two\nlines; and, more", "tags": [], "price": 1e300}),
        json!({"user_id": "zoë-渡辺", "tier": "NULL", "points": i64::MAX, "ltv": -0.5, "vip": false}),
        json!({"user_id": "nothing"}),
    ];
    all.map(|row| row.to_string() + "\n").concat()
}

#[test]
fn what_export_writes_import_reads_in_every_format_and_packing() {
    let folder = Folder::new("formats");
    folder.write("customers.jsonl", customers());
    let import = ["customers.jsonl", "--identify", "--catalog", "catalog.toml"];
    assert_eq!(folder.import(&import), [4, 4, 0, 0]);
    let all = folder.profiles("shop");
    assert_eq!(all.lines().count(), 4);
    let first: Json = serde_json::from_str(all.lines().next().expect("a line")).expect("JSON");
    assert_eq!((&first["user_id"], &first["tags"]), (&json!("ana"), &json!(["a,b", "\"c\""])));
    for name in ["p.csv", "p.csv.gz", "p.csv.zst", "p.jsonl", "p.jsonl.gz", "p.jsonl.zst", "p.parquet"] {
        folder.json(&["export", "shop", "--profiles", name]);
        let copy = format!("copy-{name}");
        let summary = folder.json(&["import", &copy, name, "--identify", "--catalog", "catalog.toml"]);
        assert_eq!(summary["accepted"], 4, "{name}: {summary}");
        assert_eq!(folder.profiles(&copy), all, "{name}");
        let again = folder.json(&["import", &copy, name, "--identify"]);
        assert_eq!((&again["accepted"], &again["duplicates"]), (&json!(0), &json!(4)), "{name}");
    }
    // Parquet that somebody packed once more.
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, &folder.read("p.parquet")).expect("memory");
    folder.write("p.parquet.gz", packed.finish().expect("memory"));
    folder.json(&["import", "packed", "p.parquet.gz", "--identify", "--catalog", "catalog.toml"]);
    assert_eq!(folder.profiles("packed"), all);
}

#[test]
fn what_others_pack_with_zstd_is_read() {
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import");
    let folder = Folder::new("others");
    let mut exported = Vec::new();
    for pages in ["1", "2"] {
        let file = files.join(format!("pyarrow-26-zstd-pages-{pages}.parquet"));
        let data = format!("shop-{pages}");
        let file = file.to_str().expect("UTF-8");
        let import =
            ["import", &data, file, "--identify", "--zone", "Europe/Helsinki", "--catalog", "catalog.toml"];
        assert_eq!(folder.json(&import)["accepted"], 40);
        exported.push(folder.profiles(&data));
    }
    assert_eq!(exported[0], exported[1]);
    let line = exported[0].lines().find(|line| line.contains(r#""user_id":"17""#)).expect("the 17th");
    let expected = json!({"user_id": "17", "anonymous_id": null, "tier": "gold", "points": 170, "ltv": 1.7, "price": 0.17,
        "vip": false, "born": "1960-01-17T22:00:00Z", "seen": "2025-01-18T09:00:00.123Z", "tags": ["t0"],
        "address": {"city": "Oulu", "floor": 2}, "by_year": {"2024": 17, "2025": 18}});
    assert_eq!(serde_json::from_str::<Json>(line).expect("JSON"), expected);
}

#[test]
fn a_mapping_of_the_catalog_says_what_columns_mean() {
    let folder = Folder::new("mapping");
    folder.write(
        "crm.csv",
        "Kundennummer;Stufe;Punkte;Geburtstag;Notiz;geändert\n\
         7;gold;NULL;03.02.1990 00:00;x;01.07.2025 12:00\n\
         7;silver;5;;y;30.06.2025 12:00\n",
    );
    assert_eq!(folder.import(&["crm.csv", "--mapping", "crm", "--catalog", "catalog.toml"]), [2, 2, 0, 0]);
    let attributes = folder.attributes("7");
    assert_eq!(attributes["tier"], "gold", "the later time counts");
    assert_eq!(attributes["points"], Json::Null, "and says that there is no value");
    assert_eq!(attributes["born"], "1990-02-02T23:00:00Z");
    let orders = [
        "receipt,customer,total,at",
        "r1,7,10.5,1750000000",
        "r2,7,1,1750000001.5",
        "r3,7,,1750000002",
        "r4,7,4,soon",
    ];
    folder.write("orders.csv", orders.join("\n"));
    let import = ["orders.csv", "--mapping", "orders", "--rejects", "rejects.jsonl"];
    assert_eq!(folder.import(&import), [4, 2, 0, 2]);
    let attributes = folder.attributes("7");
    assert_eq!((&attributes["orders"], &attributes["spend"]), (&json!(2), &json!(11.5)));
    let rejects = String::from_utf8(folder.read("rejects.jsonl")).expect("UTF-8");
    let rejects: Vec<Json> = rejects.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(
        rejects,
        [
            json!({"file": "orders.csv", "line": 4, "row": 3, "reason": "schema", "field": "properties.total",
                "detail": "the catalog requires this property: send it with every such event",
                "message": {"receipt": "r3", "customer": "7", "total": "", "at": "1750000002"}}),
            json!({"file": "orders.csv", "line": 5, "row": 4, "reason": "schema", "field": "at",
                "detail": "`soon` is not a number of seconds",
                "message": {"receipt": "r4", "customer": "7", "total": "4", "at": "soon"}}),
        ]
    );
    let ended = folder.run(&["import", "shop", "crm.csv", "--mapping", "crn"]);
    assert_eq!(ended.code, Some(5));
    assert!(ended.words.contains("did you mean `crm`?"), "{}", ended.words);
}

#[test]
fn again_changes_nothing_and_a_newer_file_wins() {
    let folder = Folder::new("again");
    folder.write("ltv.csv", "user_id,ltv,tier\nana,1,gold\nben,2,\nana,3,silver\n");
    folder.changed("ltv.csv", 1_750_000_000);
    let import = ["ltv.csv", "--identify"];
    assert_eq!(folder.import(&[&import[..], &["--catalog", "catalog.toml"]].concat()), [3, 3, 0, 0]);
    let attributes = folder.attributes("ana");
    assert_eq!(
        (&attributes["ltv"], &attributes["tier"]),
        (&json!(3.0), &json!("silver")),
        "the last row counts"
    );
    assert_eq!(folder.import(&import), [3, 0, 3, 0]);
    folder.write("newer.csv", "user_id,ltv,tier\nana,4,\n");
    folder.changed("newer.csv", 1_750_000_001);
    assert_eq!(folder.import(&["newer.csv", "--identify"]), [1, 1, 0, 0]);
    // What was older is no news, whenever it comes.
    folder.write("older.csv", "user_id,ltv,tier,points\nana,5,bronze,9\n");
    folder.changed("older.csv", 1_740_000_000);
    assert_eq!(folder.import(&["older.csv", "--identify"]), [1, 1, 0, 0]);
    let attributes = folder.attributes("ana");
    assert_eq!(
        (&attributes["ltv"], &attributes["tier"], &attributes["points"]),
        (&json!(4.0), &Json::Null, &json!(9))
    );
}

#[test]
fn the_same_row_twice_is_one_event_unless_it_is_said_to_be_two() {
    let folder = Folder::new("twice");
    folder.write("lines.csv", "user_id,total,at\nana,1,2025-01-01T09:00:00Z\nana,1,2025-01-01T09:00:00Z\n");
    let import = ["lines.csv", "--track", "Order Completed", "--time", "at"];
    assert_eq!(folder.import(&[&import[..], &["--catalog", "catalog.toml"]].concat()), [2, 1, 1, 0]);
    assert_eq!(folder.attributes("ana")["orders"], 1);
    folder.write("lines.csv", "user_id,total,at\nben,1,2025-01-01T09:00:00Z\nben,1,2025-01-01T09:00:00Z\n");
    let import = [&import[..], &["--repeats"]].concat();
    assert_eq!(folder.import(&import), [2, 2, 0, 0]);
    assert_eq!(folder.import(&import), [2, 0, 2, 0]);
    assert_eq!(folder.attributes("ben")["orders"], 2);
}

#[test]
fn a_dry_run_says_what_would_happen_and_writes_nothing() {
    let folder = Folder::new("dry");
    folder.write("a.csv", "user_id,points\nana,1\nben,x\ncy,3\n");
    let fresh =
        folder.json(&["import", "shop", "a.csv", "--identify", "--catalog", "catalog.toml", "--dry-run"]);
    assert_eq!(
        (&fresh["accepted"], &fresh["rejected"], &fresh["dry_run"]),
        (&json!(2), &json!(1), &json!(true))
    );
    assert!(!folder.0.join("shop").exists());
    assert_eq!(folder.import(&["a.csv", "--identify", "--catalog", "catalog.toml"]), [3, 2, 0, 1]);
    let before = folder.profiles("shop");
    folder.write("b.csv", "user_id,points\nana,1\ndora,4\n");
    assert_eq!(folder.import(&["a.csv", "b.csv", "--identify", "--dry-run"]), [5, 2, 2, 1]);
    let ended = folder.run(&["import", "shop", "b.csv", "--identify", "--dry-run"]);
    assert!(ended.results.contains("2 would be accepted"), "{}", ended.results);
    assert_eq!(folder.profiles("shop"), before);
}

#[test]
fn columns_that_nobody_declared_are_spoken_of_once() {
    let folder = Folder::new("columns");
    folder.write("a.csv", "user_id,teir,spend\nana,gold,1\nben,silver,2\n");
    let import = ["import", "shop", "a.csv", "--identify", "--catalog", "catalog.toml"];
    let ended = folder.run(&import);
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    assert_eq!(
        ended.words,
        "a.csv: column `teir` is left out: it is no attribute (did you mean `tier`?); --map teir=NAME says what it is\n\
         a.csv: column `spend` is left out: the attribute is computed\n"
    );
    folder.write("b.jsonl", "{\"user_id\":\"ana\",\"teir\":1}\n{\"user_id\":\"ben\",\"teir\":2}\n");
    let ended = folder.run(&["import", "shop", "b.jsonl", "--identify"]);
    assert_eq!(ended.words.matches("column `teir`").count(), 1, "{}", ended.words);
    let ended =
        folder.run(&["import", "shop", "a.csv", "--identify", "--map", "teir=tier", "--skip", "spend"]);
    assert_eq!((ended.code, ended.words.as_str()), (Some(0), ""));
    assert_eq!(folder.attributes("ana")["tier"], "gold");
    folder.write("strict.toml", format!("strict = true\n{CATALOG}"));
    let ended = folder.run(&["import", "strict", "a.csv", "--identify", "--catalog", "strict.toml"]);
    assert_eq!(ended.code, Some(2), "{}", ended.words);
    assert!(!folder.0.join("strict").exists(), "nothing was begun");
    for wrong in [
        &["--identify", "--user", "customer"][..],
        &["--identify", "--map", "level=tier"],
        &["--track", "Order Completed"],
        &["--identify", "--zone", "Mars/Olympus"],
        &[],
    ] {
        let ended = folder.run(&[&["import", "shop", "a.csv"], wrong].concat());
        assert_eq!((ended.code, ended.results.as_str()), (Some(2), ""), "{wrong:?}: {}", ended.words);
    }
}

/// Everything that is before the damage is taken, and where it is is said.
#[test]
fn damaged_files_are_said_with_their_place_and_lose_nothing_before() {
    let folder = Folder::new("damaged");
    let rows: String = (0..2_000).map(|number| format!("user-{number:04},{number}\n")).collect();
    folder.write("whole.csv", format!("user_id,points\n{rows}"));
    assert_eq!(folder.import(&["whole.csv", "--identify", "--catalog", "catalog.toml"])[1], 2_000);
    for name in ["p.csv.gz", "p.jsonl.zst", "p.parquet"] {
        folder.json(&["export", "shop", "--profiles", name, "--column", "points"]);
    }
    let cut = |name: &str, part: usize| {
        let bytes = folder.read(name);
        folder.write(&format!("cut-{name}"), &bytes[..bytes.len() * part / 100]);
    };
    cut("p.csv.gz", 60);
    cut("p.jsonl.zst", 60);
    cut("p.parquet", 60);
    let mut page = folder.read("p.parquet");
    let middle = page.len() / 2;
    page[middle..middle + 400].fill(0xa5);
    folder.write("page-p.parquet", page);
    for (name, place) in [
        ("cut-p.csv.gz", "line "),
        ("cut-p.jsonl.zst", "damaged or cut short"),
        ("cut-p.parquet", "no whole Parquet file"),
        ("page-p.parquet", ""),
    ] {
        let data = format!("data-{name}");
        let ended = folder.run(&["import", &data, name, "--identify", "--catalog", "catalog.toml"]);
        assert!(!ended.words.contains("panicked"), "{}", ended.words);
        // A page without a checksum can hold other values and look whole.
        if name == "page-p.parquet" && ended.code == Some(0) {
            continue;
        }
        assert_eq!(ended.code, Some(1), "{name}: {}", ended.words);
        assert!(ended.words.contains(name) && ended.words.contains(place), "{name}: {}", ended.words);
        if ended.words.contains("what was read before it is stored") {
            let stored = folder.profiles(&data);
            assert!(stored.lines().count() < 2_000, "{name}");
            assert!(folder.profiles("shop").starts_with(&stored), "{name}: the first rows, and no others");
        }
    }
    let text = b"user_id,tier,points\nana,gold,1\nben,caf\xe9,2\ncy,silver\n\"dora,gold,4\n";
    folder.write("odd.csv", text);
    assert_eq!(folder.import(&["odd.csv", "--identify", "--rejects", "odd.jsonl"]), [4, 1, 0, 3]);
    let rejects = String::from_utf8(folder.read("odd.jsonl")).expect("UTF-8");
    for (line, said) in rejects.lines().zip([
        "\"field\":\"tier\",\"detail\":\"it is not UTF-8 text\"",
        "it has 2 columns",
        "it has 1 columns",
    ]) {
        assert!(line.contains(said), "{line}");
    }
    folder.write("odd.jsonl", "{\"user_id\":\"ana\"}\n[1]\n{\"user_id\"\n");
    assert_eq!(folder.import(&["odd.jsonl", "--identify"]), [3, 1, 0, 2]);
    folder.write("twice.csv", "user_id,tier,tier\n");
    let ended = folder.run(&["import", "shop", "twice.csv", "--identify"]);
    assert!(ended.words.contains("line 1 names the column `tier` twice"), "{}", ended.words);
}

/// What a killed import is tried with: events with an id, of which every thousandth is refused.
const EVENTS: [&str; 9] = [
    "events.csv",
    "--track",
    "Order Completed",
    "--time",
    "at",
    "--id",
    "number",
    "--catalog",
    "catalog.toml",
];

fn write_events(folder: &Folder, rows: usize) {
    let row = |number: usize| {
        let total = if number % 1_000 == 7 { "much".to_owned() } else { (number % 50).to_string() };
        let (customer, minute, second) = (number % 400, number / 60 % 60, number % 60);
        format!("user-{customer:03},{total},2025-01-01T09:{minute:02}:{second:02}Z,{number}\n")
    };
    let rows: String = (0..rows).map(row).collect();
    folder.write("events.csv", format!("user_id,total,at,number\n{rows}"));
}

/// Begins an import and kills it once it has set a mark; gives the mark.
fn kill_at_mark(folder: &Folder, data: &str, rejects: &str) -> Vec<u8> {
    let arguments =
        [&["import", data], &EVENTS[..], &["--rejects", rejects, "--durability", "sync"]].concat();
    let mut command = folder.command(&arguments);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("`habitue` runs");
    let mark = folder.0.join(data).join("habitue.import");
    let begun = Instant::now();
    while !mark.exists() {
        assert!(child.try_wait().expect("a process").is_none(), "it ended before there was a mark");
        assert!(begun.elapsed() < Duration::from_secs(120), "there is no mark");
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    fs::read(&mark).expect("a mark")
}

/// What is known of everybody, and how many messages there are.
fn known(folder: &Folder, data: &str) -> (Vec<u8>, Json) {
    let export = ["export", data, "--profiles", "all.jsonl", "--column", "orders", "--column", "spend"];
    folder.json(&export);
    (folder.read("all.jsonl"), folder.json(&["stats", data])["messages"].take())
}

/// Killed once a mark is there, and started again: no row is lost, none is there twice, and what a run before
/// refused is still said. A mark without its rows is not believed.
#[test]
fn an_import_that_was_killed_goes_on() {
    let folder = Folder::new("killed");
    write_events(&folder, 20_000);
    let mark = kill_at_mark(&folder, "shop", "rejects.jsonl");
    let import = |data: &str, rejects: &str| {
        folder.json(&[&["import", data], &EVENTS[..], &["--rejects", rejects]].concat())
    };
    let summary = import("shop", "rejects.jsonl");
    let count = |key: &str| summary[key].as_u64().expect(key);
    assert!(count("skipped") > 0, "{summary}");
    assert_eq!(count("skipped") + count("rows"), 20_000, "{summary}");
    assert!(!folder.0.join("shop/habitue.import").exists(), "an import that is done leaves no mark");
    assert_eq!(folder.read("rejects.jsonl").iter().filter(|byte| **byte == b'\n').count(), 20);

    // The same without a break.
    assert_eq!(import("whole", "other.jsonl")["accepted"], 19_980);
    assert_eq!(folder.read("other.jsonl"), folder.read("rejects.jsonl"));
    assert_eq!(known(&folder, "shop"), known(&folder, "whole"));

    // A mark of another folder, of the same files: it names a row that is not there.
    folder.write("none.csv", "user_id,total,at,number\n");
    folder.json(&[&["import", "fresh", "none.csv"], &EVENTS[1..]].concat());
    folder.write("fresh/habitue.import", mark);
    folder.write("rejects.jsonl", "x".repeat(1_000_000));
    let fresh = import("fresh", "rejects.jsonl");
    assert_eq!((&fresh["skipped"], &fresh["accepted"]), (&json!(0), &json!(19_980)));
    assert_eq!(known(&folder, "fresh"), known(&folder, "whole"));
}

#[test]
fn memberships_are_a_table_too() {
    let folder = Folder::new("memberships");
    folder.write("a.csv", "user_id,anonymous_id,tier\nana,,gold\nben,,silver\n,device,gold\n");
    folder.import(&["a.csv", "--identify", "--catalog", "catalog.toml"]);
    let written =
        folder.json(&["export", "shop", "--segments", "s.csv", "--profiles", "p.csv", "--column", "tier"]);
    assert_eq!((&written["segments"]["rows"], &written["profiles"]["rows"]), (&json!(2), &json!(3)));
    assert_eq!(folder.read("s.csv"), b"user_id,anonymous_id,segment\nana,,gold\n,device,gold\n");
    assert_eq!(folder.read("p.csv"), b"user_id,anonymous_id,tier\nana,,gold\nben,,silver\n,device,gold\n");
    assert!(!folder.0.join("s.csv.partial").exists());
    for (wrong, code) in [("s.txt", 2), ("s.parquet.gz", 2), ("missing/s.csv", 1)] {
        let ended = folder.run(&["export", "shop", "--segments", wrong]);
        assert_eq!(ended.code, Some(code), "{wrong}: {}", ended.words);
    }
    assert_eq!(folder.run(&["export", "shop", "--profiles", "x.csv", "--column", "teir"]).code, Some(5));
    assert_eq!(
        folder.json(&["export", "shop", "ana"])["attributes"]["tier"],
        "gold",
        "one customer, as ever"
    );
}

/// A catalog with two lists, one of which a mapping fills.
fn with_lists() -> String {
    let mapping = "[imports.guests]\nkind = \"list\"\nlist = \"invited\"\nuser = \"Gast\"\nnull = [\"-\"]\n";
    let lists = "invited = { list = true }\nstaff = { members = [\"ana\"] }\n[imports.crm]";
    CATALOG.replace("[imports.crm]", lists) + mapping
}

#[test]
fn a_list_is_imported_in_every_format_and_replaced_at_once() {
    let folder = Folder::new("lists");
    folder.write("catalog.toml", with_lists());
    folder.write("a.csv", "user_id,anonymous_id,tier\nana,,gold\nben,,gold\n,device,gold\ncem,,silver\n");
    assert_eq!(folder.import(&["a.csv", "--identify", "--catalog", "catalog.toml"]), [4, 4, 0, 0]);
    let members = |list: &str| folder.json(&["members", "shop", list])["members"].take();
    // What export says of who is in a segment can be a list.
    for name in ["s.csv", "s.csv.gz", "s.jsonl.zst", "s.parquet"] {
        folder.json(&["export", "shop", "--segments", name]);
        let summary = folder.json(&["import", "shop", name, "--list", "invited"]);
        let said = ["rows", "accepted", "duplicates", "rejected", "members"].map(|key| summary[key].as_u64());
        // Ana is staff, too; and from the second time on, everybody is invited.
        let rows = if name == "s.csv" { 4 } else { 7 };
        assert_eq!(said, [rows, 3, rows - 3, 0, 3].map(Some), "{name}: {summary}");
        assert_eq!((&summary["list"], &summary["revision"]), (&json!("invited"), &json!(2)), "{name}");
        assert_eq!(members("invited"), json!(["ana", "ben", "device"]), "{name}");
    }
    folder.write("guests.csv", "Gast;Tisch\ncem;1\nnobody;\n-;2\n");
    let mapped =
        folder.json(&["import", "shop", "guests.csv", "--mapping", "guests", "--rejects", "r.jsonl"]);
    assert_eq!((&mapped["accepted"], &mapped["rejected"]), (&json!(2), &json!(1)));
    assert_eq!((&mapped["revision"], members("invited")), (&json!(3), json!(["cem"])));
    let reject: Json = serde_json::from_slice(&folder.read("r.jsonl")).expect("one line of JSON");
    let message = json!({"Gast": "-", "Tisch": "2"});
    let detail = "the row does not say whom it is about";
    assert_eq!(
        (&reject["row"], &reject["detail"], &reject["message"]),
        (&json!(3), &json!(detail), &message)
    );
    // Several files are one list; a column may have any id.
    folder.write("b.jsonl", "{\"mail\":\"ben\"}\n{\"mail\":7}\n{\"mail\":null}\n");
    folder.write("c.csv", format!("mail\n{}\nben\n", "x".repeat(257)));
    let both = folder.json(&["import", "shop", "b.jsonl", "c.csv", "--list", "staff", "--user", "mail"]);
    let said = ["rows", "accepted", "duplicates", "rejected", "members"].map(|key| both[key].as_u64());
    assert_eq!(said, [5, 2, 1, 2, 2].map(Some));
    assert_eq!((members("staff"), members("invited")), (json!(["ben"]), json!(["cem"])));
    assert_eq!(folder.run(&["verify", "shop"]).code, Some(0));
}

#[test]
fn a_list_that_cannot_be_read_stays_as_it_was() {
    let folder = Folder::new("lists_wrong");
    folder.write("catalog.toml", with_lists());
    folder.write("a.csv", "user_id\nana\nben\n");
    assert_eq!(folder.import(&["a.csv", "--identify", "--catalog", "catalog.toml"]), [2, 2, 0, 0]);
    let dry = folder.run(&["import", "shop", "a.csv", "--list", "invited", "--dry-run"]);
    let expected = "2 rows: 2 would be accepted, 0 duplicates, 0 would be rejected; nothing was written; `invited` \
        would have 2 ids\n";
    assert_eq!((dry.code, &*dry.results), (Some(0), expected), "{}", dry.words);
    let none = json!([]);
    let members = || folder.json(&["members", "shop", "invited"])["members"].take();
    assert_eq!(members(), none);

    folder.write("cut.csv", format!("user_id\nana\n\"{}", "x".repeat(17 * 1024 * 1024)));
    folder.write("empty.csv", "user_id\n,\n");
    folder.write("names.csv", "name\nana\n");
    folder.write("nothing.jsonl", "");
    for (arguments, code, words) in [
        (&["cut.csv", "--list", "invited"][..], 1, "is a quote left open?; `invited` stays as it was"),
        (&["empty.csv", "--list", "invited"], 1, "no row has an id; `invited` stays as it was"),
        (&["nothing.jsonl", "--list", "invited"], 1, "no row has an id; `invited` stays as it was"),
        (&["names.csv", "--list", "invited"], 2, "who is each row about? give the column with --user COLUMN"),
        (&["a.csv", "--list", "invitd"], 5, "the catalog has no list `invitd`; did you mean `invited`?"),
        (&["a.csv", "--list", "gold"], 2, "declare it as `gold = { list = true }`"),
        (&["a.csv", "--list", "invited", "--time", "t"], 2, "cannot be used with"),
        (&["a.csv", "--list", "invited", "--identify"], 2, "cannot be used with"),
        (&["missing.csv", "--list", "invited"], 5, "there is no file `missing.csv`"),
        (&["a.csv"], 2, "--list LIST for members of a list"),
    ] {
        let ended = folder.run(&[&["import", "shop"], arguments].concat());
        assert_eq!(ended.code, Some(code), "{arguments:?}: {}{}", ended.results, ended.words);
        assert!(ended.words.contains(words), "{arguments:?}: {}", ended.words);
        assert_eq!(members(), none, "{arguments:?}");
    }
    let said = folder.run(&["import", "shop", "a.csv", "--list", "invited"]);
    assert!(
        said.results.ends_with("; `invited` has 2 ids; the catalog has revision 2\n"),
        "{}",
        said.results
    );
    assert_eq!(members(), json!(["ana", "ben"]));
    // A file that has its columns and no row says that nobody is in it.
    folder.write("nobody.csv", "user_id\n");
    assert_eq!(folder.json(&["import", "shop", "nobody.csv", "--list", "invited"])["members"], 0);
    assert_eq!(members(), none);
}

/// Three customers of whom every line is worked out by hand: a purchase leaves a window, one message comes
/// late, a visitor becomes known, and somebody enters and leaves within one instant.
fn write_a_past(folder: &Folder) {
    let mut catalog =
        CATALOG.replace("orders > 0", "events(\"Order Completed\").within(\"2d\").sum(total) >= 10.0");
    catalog.push_str("[events.Blink]\n");
    let catalog = catalog.replace("[imports.crm]", "listed = { members = [\"ana\", \"v2\"] }\n[imports.crm]");
    folder.write("catalog.toml", catalog);
    let order = |id: &str, user: &str, total: f64, day: u32| {
        json!({"type": "track", "messageId": id, "userId": user, "event": "Order Completed",
            "properties": {"total": total}, "timestamp": format!("2025-03-{day:02}T12:00:00Z")})
    };
    let tier = |id: &str, tier: &str| {
        json!({"type": "identify", "messageId": id, "userId": "ana", "traits": {"tier": tier},
            "timestamp": "2025-03-05T00:00:00Z"})
    };
    let blink = |id: &str, user: &str, visitor: Option<&str>, day: u32| {
        json!({"type": if visitor.is_some() { "identify" } else { "track" }, "event": "Blink", "messageId": id,
            "userId": user, "anonymousId": visitor, "timestamp": format!("2025-03-{day:02}T06:00:00Z")})
    };
    let visit = json!({"type": "track", "event": "Blink", "messageId": "v", "anonymousId": "v1",
        "timestamp": "2025-03-02T06:00:00Z"});
    let messages = [
        order("o1", "ana", 6.0, 1),
        order("o3", "ana", 9.0, 10),
        // Late: with it the first two make 10 on the second day.
        order("o2", "ana", 4.0, 2),
        tier("t1", "gold"),
        tier("t2", "silver"),
        blink("b", "ben", None, 4),
        visit,
        // What the visitor did is hers from its own time on.
        blink("z", "zoe", Some("v1"), 9),
        json!({"type": "track", "event": "Blink", "messageId": "w", "anonymousId": "v2",
            "timestamp": "2025-03-07T06:00:00Z"}),
        order("o4", "zoe", 12.5, 11),
    ];
    folder.write("past.jsonl", messages.map(|message| format!("{message}\n")).concat());
    let ended =
        folder.run(&["ingest", "shop", "past.jsonl", "--catalog", "catalog.toml", "--clock", "message"]);
    assert_eq!(ended.code, Some(0), "{}", ended.words);
}

#[test]
fn transitions_are_a_table_of_the_past() {
    let folder = Folder::new("transitions");
    write_a_past(&folder);
    let head = "user_id,anonymous_id,segment,change,at,message_id\n";
    let all = [
        "ana,,listed,entered,2025-03-01T12:00:00Z,o1\n",
        "ana,,buyer,entered,2025-03-02T12:00:00Z,o2\n",
        "ana,,buyer,left,2025-03-03T12:00:00Z,\n",
        "zoe,,buyer,entered,2025-03-11T12:00:00Z,o4\n",
        "zoe,,buyer,left,2025-03-13T12:00:00Z,\n",
        ",v2,listed,entered,2025-03-07T06:00:00Z,w\n",
    ];
    let export = |options: &[&str]| {
        let written = folder.json(&[&["export", "shop", "--transitions", "t.csv"], options].concat());
        assert_eq!(written["transitions"]["shortened"], 0);
        let table = String::from_utf8(folder.read("t.csv")).expect("UTF-8");
        assert_eq!(written["transitions"]["rows"], table.lines().count() - 1);
        table
    };
    assert_eq!(export(&[]), head.to_owned() + &all.concat());
    // Each instant is in one of two spans that adjoin.
    let (from, to) = ("2025-03-03T12:00:00Z", "2025-03-11T12:00:00Z");
    assert_eq!(export(&["--to", from]), head.to_owned() + &all[..2].concat());
    assert_eq!(export(&["--from", from, "--to", to]), head.to_owned() + all[2] + all[5]);
    assert_eq!(export(&["--from", to]), head.to_owned() + all[3] + all[4]);
    assert_eq!(
        export(&["--at", "2025-03-13T11:59:59.999Z"]).lines().count(),
        6,
        "nothing is told of what is to come"
    );

    folder.json(&["export", "shop", "--transitions", "t.jsonl.zst", "--segments", "s.csv"]);
    let packed = folder.read("t.jsonl.zst");
    let unpacked = ruzstd::decoding::StreamingDecoder::new(&*packed).expect("zstd");
    let lines = std::io::BufRead::lines(std::io::BufReader::new(unpacked));
    let lines: Vec<Json> =
        lines.map(|line| serde_json::from_str(&line.expect("text")).expect("JSON")).collect();
    let third = json!({"user_id": "ana", "anonymous_id": null, "segment": "buyer", "change": "left",
        "at": "2025-03-03T12:00:00Z", "message_id": null});
    assert_eq!((lines.len(), &lines[2]), (all.len(), &third));
    // As Parquet it can be read as events of the same customers.
    folder.json(&["export", "shop", "--transitions", "t.parquet"]);
    let import = ["import", "moves", "t.parquet", "--event-column", "change", "--time", "at", "--catalog"];
    assert_eq!(folder.json(&[&import[..], &["catalog.toml"]].concat())["accepted"], 6);

    for wrong in [&["--from", to, "--to", from][..], &["--from", to, "--to", to], &["--segments", "t.csv"]] {
        let ended = folder.run(&[&["export", "shop", "--transitions", "t.csv"], wrong].concat());
        assert_eq!(ended.code, Some(2), "{wrong:?}: {}", ended.words);
    }
    assert_eq!(folder.run(&["export", "shop", "--profiles", "p.csv", "--from", to]).code, Some(2));
}

#[test]
fn a_past_that_went_into_summaries_is_told_from_where_it_can_be() {
    let folder = Folder::new("shortened");
    let catalog = "schema = 1\n[history]\nmargin = \"1d\"\n[attributes]\ntier = \"string\"\n[events.Order]\n\
        [segments]\ngold = 'tier == \"gold\"'\nmany = 'events(\"Order\").count() >= 3'\n\
        busy = 'events(\"Order\").within(\"10s\").count() >= 3'\n\
        again = 'events(\"Order\").count() >= 42'\nlately = 'events(\"Order\").within(\"10s\").exists()'\n";
    folder.write("catalog.toml", catalog);
    let order = |second: u32, at: String| json!({"type": "track", "event": "Order", "userId": "ana", "messageId": format!("o{second}"), "timestamp": at});
    let mut messages: Vec<Json> =
        (10..50).map(|second| order(second, format!("2020-01-01T00:00:{second}Z"))).collect();
    messages.insert(
        5,
        json!({"type": "identify", "userId": "ana", "messageId": "i", "traits": {"tier": "gold"},
        "timestamp": "2020-01-01T00:00:14Z"}),
    );
    folder.write("messages.jsonl", messages.iter().map(|message| format!("{message}\n")).collect::<String>());
    let ingest = ["ingest", "shop", "messages.jsonl", "--catalog", "catalog.toml"];
    assert_eq!(folder.run(&ingest).code, Some(0));
    let table = |segments: &[&str]| {
        folder.json(&["export", "shop", "--transitions", "t.csv"]);
        let table = String::from_utf8(folder.read("t.csv")).expect("UTF-8");
        let lines = table.lines().filter(|line| segments.iter().any(|segment| line.contains(segment)));
        lines.map(|line| line.strip_prefix("ana,,").expect("hers").to_owned()).collect::<Vec<_>>()
    };
    let before = [
        "many,entered,2020-01-01T00:00:12Z,o12",
        "lately,entered,2020-01-01T00:00:10Z,o10",
        "lately,left,2020-01-01T00:00:59Z,",
        "busy,entered,2020-01-01T00:00:12Z,o12",
        "busy,left,2020-01-01T00:00:57Z,",
    ];
    let gold = "gold,entered,2020-01-01T00:00:14Z,i";
    assert_eq!(table(&["many", "gold"]), [before[0], gold]);
    assert_eq!(table(&["lately"]), before[1..3]);
    assert_eq!(table(&["busy"]), before[3..]);
    assert_eq!(folder.json(&["compact", "shop"])["profiles"], 1);
    let late = [order(1, "2021-01-01T00:00:00Z".to_owned()), order(2, "2021-01-01T00:00:01Z".to_owned())];
    folder.write("messages.jsonl", late.map(|message| format!("{message}\n")).concat());
    assert_eq!(folder.run(&ingest).code, Some(0));
    let ended = folder.run(&["export", "shop", "--transitions", "t.csv"]);
    assert!(ended.words.contains("of 1 customer, messages have gone into summaries"), "{}", ended.words);
    // Of orders nothing is told before the summary, which knows of the last one when it was, and of those in a
    // window not how many: so `busy` could be told of again from 00:00:58 on.
    assert_eq!(
        table(&["many", "gold", "busy", "again", "lately"]),
        [
            gold,
            before[2],
            "lately,entered,2021-01-01T00:00:00Z,o1",
            "again,entered,2021-01-01T00:00:01Z,o2",
            "lately,left,2021-01-01T00:00:11Z,",
        ]
    );
}

/// The walk of the guide prints what it is said to print.
#[cfg(unix)]
#[test]
fn the_guide_can_be_walked() {
    let folder = Folder::new("guide");
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/guides/import");
    let program = Path::new(env!("CARGO_BIN_EXE_habitue")).parent().expect("a folder").display().to_string();
    let path = std::env::var("PATH").expect("a path");
    let mut walk = Command::new("sh");
    walk.arg(guide.join("walk.sh"))
        .arg(&folder.0)
        .env("PATH", format!("{program}:{path}"))
        .stdin(Stdio::null());
    let output = walk.output().expect("a shell");
    let printed = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(printed, fs::read_to_string(guide.join("expected.txt")).expect("a file"));
}
