//! `habitue publish`: cut-points are measured, stay while they are good enough, and are in force for everybody;
//! members of lists take the place of others; names that there are not.
#![cfg(feature = "cli")]

#[path = "command_line/folder.rs"]
mod folder;

use folder::Folder;
use serde_json::{Value as Json, json};

const CATALOG: &str = r#"
schema = 1
[attributes]
points = "int"
[events."Order Completed"]
total = "float"
[rfm]
value = "total"
within = "90d"
[quantiles.level]
value = "points"
parts = 4
tolerance = 5
[segments]
top = 'level == 4'
best = 'rfm_cell == "champions"'
invited = { list = true }
staff = { members = ["c0"] }
"#;
/// When all is published and asked.
const AT: &str = "2026-02-01T00:00:00Z";

impl Folder {
    /// With a database in `shop`: ten customers with 0 to 90 points, of whom `c1` to `c5` bought as often as their number says, each for
    /// ten times their number, and the last time on the day of their number.
    fn new(test: &str) -> Folder {
        let folder = Folder::empty(&format!("command_line_publish_{test}"));
        folder.write("catalog.toml", CATALOG);
        let mut messages: Vec<Json> = (0..10).map(|number| points(number, 10 * number, 1)).collect();
        for number in 1..=5_u32 {
            messages.extend((0..number).map(|order| {
                json!({"type": "track", "event": "Order Completed", "userId": format!("c{number}"),
                    "messageId": format!("o{number}-{order}"), "properties": {"total": 10 * number},
                    "timestamp": format!("2026-01-{:02}T{:02}:00:00Z", number, 23 - order)})
            }));
        }
        folder.ingest(&messages, &["--catalog", "catalog.toml"]);
        folder
    }

    fn ingest(&self, messages: &[Json], options: &[&str]) {
        let lines: String = messages.iter().map(|message| format!("{message}\n")).collect();
        self.write("messages.jsonl", lines);
        let all = [&["ingest", "shop", "messages.jsonl", "--clock", "message"], options].concat();
        let ended = self.run(&all);
        assert_eq!(ended.code, Some(0), "{}", ended.words);
    }

    /// Runs what must end with 0, and gives its lines of JSON.
    fn lines(&self, arguments: &[&str]) -> Vec<Json> {
        let ended = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(ended.code, Some(0), "{arguments:?}: {}{}", ended.results, ended.words);
        ended.results.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// What was published of one quantile.
    fn published(&self, quantile: &str) -> Json {
        let lines = self.lines(&["publish", "shop", "--at", AT]);
        assert_eq!(lines.len(), 4, "the three of `[rfm]`, and `level`: {lines:?}");
        lines.into_iter().find(|line| line["quantile"] == quantile).expect(quantile)
    }

    fn members(&self, segment: &str) -> Json {
        self.lines(&["members", "shop", segment, "--at", AT])[0]["members"].take()
    }

    fn attributes<const N: usize>(&self, id: &str, names: [&str; N]) -> [Json; N] {
        let mut attributes = self.lines(&["get", "shop", id, "--at", AT])[0]["attributes"].take();
        names.map(|name| attributes[name].take())
    }

    fn revision(&self) -> Json {
        self.lines(&["stats", "shop"])[0]["revision"].take()
    }
}

/// What a customer's points are from a day of January on.
fn points(number: u32, points: u32, day: u32) -> Json {
    json!({"type": "identify", "userId": format!("c{number}"), "messageId": format!("p{number}-{day}"),
        "traits": {"points": points}, "timestamp": format!("2026-01-{day:02}T00:00:00Z")})
}

#[test]
fn cut_points_are_published_and_stay_while_they_are_good_enough() {
    let folder = Folder::new("quantiles");
    assert_eq!(folder.attributes("c7", ["level"]), [Json::Null], "nothing is published");
    assert_eq!(folder.members("top"), json!([]));
    // Below 20 are two of ten, below 30 three: equally near to a quarter, so the lesser.
    let first = json!({"quantile": "level", "counted": 10, "cuts": [20, 50, 70], "moved": 3});
    assert_eq!(folder.published("level"), first);
    assert_eq!(folder.revision(), 2);
    assert_eq!(folder.attributes("c7", ["level"]), [json!(4)]);
    assert_eq!(folder.attributes("c1", ["level"]), [json!(1)]);
    assert_eq!(folder.members("top"), json!(["c7", "c8", "c9"]));
    // Somebody's part is another one by her own doing, with no publication.
    folder.ingest(&[points(7, 45, 20)], &[]);
    assert_eq!(folder.attributes("c7", ["level"]), [json!(2)]);
    assert_eq!(folder.members("top"), json!(["c8", "c9"]));
    // Below 50 are six of ten by now: more than 5 percent off; below 20 and 70, five percent off, as they may.
    let second = json!({"quantile": "level", "counted": 10, "cuts": [20, 45, 70], "moved": 1});
    assert_eq!(folder.published("level"), second);
    assert_eq!(folder.attributes("c7", ["level"]), [json!(3)]);
    assert_eq!(folder.revision(), 3);
    // All are good enough: nothing is published.
    assert_eq!(folder.published("level")["moved"], 0);
    assert_eq!(folder.revision(), 3);
    let said = folder.run(&["publish", "shop", "--at", AT]);
    assert!(said.results.contains("level: 10 counted, 0 moved, cut at 20, 45, 70\n"), "{}", said.results);
    assert_eq!((said.code, &*said.words), (Some(0), ""));
    assert_eq!(folder.run(&["verify", "shop"]).code, Some(0));
}

#[test]
fn customers_are_rated_by_their_purchases() {
    let folder = Folder::new("rfm");
    assert_eq!(folder.attributes("c5", ["rfm_cell"]), [Json::Null]);
    let frequency = json!({"quantile": "rfm_frequency", "counted": 5, "cuts": [2, 3, 4, 5], "moved": 4});
    assert_eq!(folder.published("rfm_frequency"), frequency);
    let recency = folder.published("rfm_recency");
    let days = [2, 3, 4, 5].map(|day| format!("2026-01-{day:02}T23:00:00Z"));
    assert_eq!((&recency["cuts"], &recency["moved"]), (&json!(days), &json!(0)));
    let names = ["rfm_recency", "rfm_frequency", "rfm_monetary", "rfm_cell"];
    assert_eq!(folder.attributes("c5", names), [json!(5), json!(5), json!(5), json!("champions")]);
    assert_eq!(folder.attributes("c1", names), [json!(1), json!(1), json!(1), json!("lost")]);
    assert_eq!(folder.attributes("c9", names), [const { Json::Null }; 4], "who bought nothing is not rated");
    assert_eq!(folder.members("best"), json!(["c5"]));
}

#[test]
fn a_file_of_ids_takes_the_place_of_a_list() {
    let folder = Folder::new("lists");
    folder.write("ids.txt", "c3\r\n\n  c1 \nnobody\nc3\n");
    let publish = ["publish", "shop", "--list", "invited", "ids.txt", "--at", AT];
    assert_eq!(folder.lines(&publish), [json!({"list": "invited", "members": 3, "revision": 2})]);
    assert_eq!(folder.members("invited"), json!(["c1", "c3"]));
    // The same list again changes nothing.
    assert_eq!(folder.lines(&publish)[0]["revision"], 2);
    // With the cut-points, nothing of it is lost; what a catalog's authors wrote is replaced all the same.
    folder.published("level");
    folder.write("ids.txt", "c9\n");
    let ended = folder.run(&["publish", "shop", "--list", "staff", "ids.txt", "--at", AT]);
    let said = "published 1 id as `staff`; the catalog has revision 4\n";
    assert_eq!((ended.code, &*ended.results), (Some(0), said), "{}", ended.words);
    assert_eq!((folder.members("staff"), folder.members("invited")), (json!(["c9"]), json!(["c1", "c3"])));
    assert_eq!(folder.attributes("c9", ["level"]), [json!(4)]);
    folder.write("ids.txt", "");
    folder.lines(&publish);
    assert_eq!(folder.members("invited"), json!([]));
}

#[test]
fn what_cannot_be_published_is_said_and_changes_nothing() {
    let folder = Folder::new("wrong");
    folder.write("ids.txt", "c1\n");
    folder.write("long.txt", "x".repeat(257));
    for (arguments, code, words) in [
        (&["shop", "--list", "invitd", "ids.txt"][..], 5, "no list `invitd`; did you mean `invited`?"),
        (&["shop", "--list", "top", "ids.txt"], 2, "declare it as `top = { list = true }`"),
        (&["shop", "--list", "invited", "missing.txt"], 5, "there is no file `missing.txt`"),
        (&["shop", "--list", "invited", "long.txt"], 2, "an id has 1 to 256 bytes, one of these has 257"),
        (&["shop", "--list", "invited"], 2, "required"),
        (&["shop", "ids.txt"], 2, "required"),
        (&["nowhere"], 5, "there is no database in `nowhere`"),
        (&["shop", "--at", "2025-01-01T00:00:00Z"], 2, "ask for a later time"),
    ] {
        let ended = folder.run(&[&["publish"], arguments].concat());
        assert_eq!(ended.code, Some(code), "{arguments:?}: {}{}", ended.results, ended.words);
        assert!(ended.words.contains(words), "{arguments:?}: {}", ended.words);
    }
    assert_eq!((folder.revision(), folder.members("invited")), (json!(1), json!([])));
}
