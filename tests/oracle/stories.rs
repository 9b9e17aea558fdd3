//! Random messages and moves of the clock.
//!
//! Few customers, few values and a coarse grid of times, so that equal milliseconds, window edges and
//! ties are the rule.

use habitue::{Message, Time};
use serde_json::{Map, Value as Json, json};

use crate::catalogs::{USERS, VISITORS};
use crate::random::Random;

/// When every story begins: 2026-01-01T00:00:00Z.
pub(crate) const BEGIN_MS: i64 = 1_767_225_600_000;

/// Which messages come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// In any order, some long after they happened.
    Anyhow,
    /// The same, and some say who is who.
    Joined,
    /// Never earlier than the clock showed when the one before came.
    Punctual,
}

/// An instant of the grid.
pub(crate) fn time(millis: i64) -> Time {
    Time::from_millis(millis).expect("stories stay within the years that can be named")
}

/// How far the clock moves before the next step, in milliseconds.
pub(crate) fn pause(random: &mut Random) -> i64 {
    match random.below(100) {
        0..=34 => 0,
        35..=44 => 1,
        45..=69 => 1_000,
        70..=79 => 2_000,
        80..=87 => 5_000,
        88..=92 => 10_000,
        93..=96 => 60_000,
        97 | 98 => 86_400_000,
        _ => random.pick(&[300_000_000, 10_000_000_000, 7]),
    }
}

/// A message at `now`; `number` makes its id.
pub(crate) fn message(random: &mut Random, now: i64, number: usize, manner: Manner) -> Message {
    let mut fields = Map::new();
    if random.chance(97) {
        // Ids of which the later is often the smaller one.
        fields.insert("messageId".into(), json!(format!("m{}{number}", random.below(10))));
    }
    if random.chance(90) {
        fields.insert("timestamp".into(), json!(time(now + offset(random, manner)).to_string()));
    }
    let users = if manner == Manner::Joined { 50 } else { 90 };
    if random.chance(users) {
        let user = if random.chance(60) { USERS[0] } else { random.pick(&USERS) };
        fields.insert("userId".into(), json!(user));
        if random.chance(if manner == Manner::Joined { 30 } else { 0 }) {
            fields.insert("anonymousId".into(), json!(random.pick(&VISITORS)));
        }
    } else {
        fields.insert("anonymousId".into(), json!(random.pick(&VISITORS)));
    }
    content(random, now, manner, &mut fields);
    if random.chance(25) {
        fields.insert("context".into(), json!({ "consent": { "categoryPreferences": consents(random) } }));
    }
    Message::from_json(&Json::Object(fields)).expect("stories are told in the right shape")
}

/// Words on one or two purposes; sometimes what is no word, which is refused where there are purposes.
fn consents(random: &mut Random) -> Json {
    let mut consents = Map::new();
    for _ in 0..random.pick(&[1, 1, 2]) {
        let purpose = random.pick(&["ads", "ads", "mail", "plain", "unheard_of"]);
        consents
            .insert(purpose.into(), if random.chance(2) { json!("yes") } else { json!(random.chance(65)) });
    }
    Json::Object(consents)
}

fn offset(random: &mut Random, manner: Manner) -> i64 {
    match random.below(if manner == Manner::Punctual { 65 } else { 100 }) {
        0..=47 => 0,
        48..=52 => 1_000,
        53..=56 => 2_000,
        57 | 58 => 1,
        59 | 60 => 5_000,
        61..=63 => 3_000,
        64 => 90_000,
        65..=74 => -1_000,
        75..=81 => -2_000,
        82..=87 => -5_000,
        88..=91 => -10_000,
        92 | 93 => -1,
        94..=96 => -60_000,
        97 => -86_400_000,
        _ => -random.pick(&[5_001, 999, 400_000_000, 4_999]),
    }
}

#[expect(clippy::too_many_lines, reason = "one arm for each kind of message")]
fn content(random: &mut Random, now: i64, manner: Manner, fields: &mut Map<String, Json>) {
    let category = |random: &mut Random| maybe(random, &["x", "y", "z"]);
    let kind = match random.below(100) {
        98 if manner != Manner::Joined => 0,
        other if manner == Manner::Joined && random.chance(15) => 98 - other % 3,
        other => other,
    };
    let (kind, properties) = match kind {
        0..=29 => ("identify", Map::new()),
        54..=59 => {
            fields.insert("event".into(), json!("$exposure"));
            let mut properties = Map::new();
            put(&mut properties, "personalization", maybe(random, &["p0", "p0", "p1", "p2"]));
            let offers = [json!(["o0"]), json!(["o0", "o1"]), json!(["o1"]), json!(["none"]), json!([])];
            put(&mut properties, "offers", maybe(random, &offers));
            put(
                &mut properties,
                "reason",
                maybe(random, &["qualified", "qualified", "fallback", "held_out"]),
            );
            ("track", properties)
        }
        30..=53 => {
            fields.insert("event".into(), json!("View"));
            let mut properties = Map::new();
            put(&mut properties, "category", category(random));
            put(&mut properties, "price", number(random, &[0.1, 0.2, 0.3, 0.5, 1.0, 2.5]));
            put(&mut properties, "qty", number(random, &[0, 1, 2, 3]));
            put(&mut properties, "sale", maybe(random, &[true, false]));
            put(&mut properties, "labels", labels(random));
            if random.chance(40) {
                let until = now + random.pick(&[0, 1_000, -1_000, 5_000, 10_000, 86_400_000]);
                properties.insert("until".into(), json!(until));
            }
            ("track", properties)
        }
        60..=74 => {
            fields.insert("event".into(), json!("Order"));
            let mut properties = Map::new();
            put(&mut properties, "total", number(random, &[0.1, 0.2, -0.3, 1e15, -1e15, 2.5]));
            put(&mut properties, "qty", number(random, &[1, 2, i64::MAX]));
            put(&mut properties, "category", category(random));
            let lines: Vec<Json> = (0..random.below(4)).map(|_| line(random)).collect();
            put(&mut properties, "lines", Json::Array(lines));
            ("track", properties)
        }
        75..=86 => {
            fields.insert("event".into(), json!("Login"));
            let mut properties = Map::new();
            put(&mut properties, "device", maybe(random, &["web", "till"]));
            put(&mut properties, "n", number(random, &[0, 1, 2, 5]));
            ("track", properties)
        }
        87..=90 => {
            fields.insert("event".into(), json!("Ping"));
            let values = [
                json!(1),
                json!(1.0),
                json!(0.5),
                json!("x"),
                json!("y"),
                json!(true),
                json!([1]),
                json!(i64::MAX),
            ];
            ("track", Map::from_iter([("p".to_owned(), maybe(random, &values))]))
        }
        91..=94 => {
            fields.insert("name".into(), maybe(random, &["home", "shop"]));
            fields.insert("category".into(), category(random));
            (random.pick(&["page", "page", "screen"]), Map::new())
        }
        95 => {
            fields.insert("groupId".into(), json!("g"));
            ("group", Map::new())
        }
        96 if manner == Manner::Joined && random.chance(50) => ("unmerge", Map::new()),
        96 | 97 => ("identify", Map::new()),
        98 => {
            let previous = random.pick(&[USERS[1], USERS[2], VISITORS[0], VISITORS[1], VISITORS[2]]);
            fields.insert("previousId".into(), json!(previous));
            ("alias", Map::new())
        }
        _ => {
            // Refused: not of the declared type.
            fields.insert("event".into(), json!("View"));
            ("track", Map::from_iter([("price".to_owned(), json!("cheap"))]))
        }
    };
    fields.insert("type".into(), json!(kind));
    if kind == "identify" {
        let mut traits = traits(random, now);
        if manner == Manner::Joined && random.chance(40) {
            traits.insert("email".into(), maybe(random, &["a@x", "b@x", " A@X"]));
            traits.insert("card".into(), maybe(random, &[7, 8]));
        }
        fields.insert("traits".into(), Json::Object(traits));
    }
    if !properties.is_empty() {
        fields.insert("properties".into(), Json::Object(properties));
    }
}

/// One of the things that an order is of.
fn line(random: &mut Random) -> Json {
    let mut line = Map::new();
    put(&mut line, "brand", maybe(random, &["x", "y", "z", "w"]));
    put(&mut line, "price", number(random, &[0.5, 1.0, 2.0]));
    Json::Object(line)
}

fn traits(random: &mut Random, now: i64) -> Map<String, Json> {
    let mut traits = Map::new();
    for _ in 0..random.below(3) + 1 {
        let (name, value) = match random.below(10) {
            0 => ("name", maybe(random, &["Ana", "Anni", "", "bo"])),
            1 => ("tier", maybe(random, &["a", "b", "c"])),
            2 => ("points", number(random, &[0, 1, 2, 3, -1, i64::MAX])),
            3 => ("ltv", number(random, &[0.0, 0.5, 1.5, 2.5, 1.0])),
            4 => ("rank", number(random, &[0, 1, 2, 3])),
            5 => ("seen", number(random, &[now, now - 1_000, now - 5_000, now + 2_000, now + 60_000])),
            6 => ("flag", maybe(random, &[true, false])),
            7 => ("tags", labels(random)),
            8 => (
                "place",
                random.pick(&[
                    json!({"city": "Oulu"}),
                    json!({"floor": 2, "city": "Turku"}),
                    Json::Null,
                    json!({"floor": 0}),
                ]),
            ),
            _ => ("tier", if random.chance(20) { json!("platinum") } else { json!("b") }),
        };
        traits.insert(name.into(), value);
    }
    traits
}

fn labels(random: &mut Random) -> Json {
    random.pick(&[json!(["x"]), json!(["x", "y"]), json!([]), json!(["yx"]), Json::Null])
}

fn number<T: Clone + Into<Json>>(random: &mut Random, values: &[T]) -> Json {
    maybe(random, values)
}

/// One of the values, or sometimes null.
fn maybe<T: Clone + Into<Json>>(random: &mut Random, values: &[T]) -> Json {
    if random.chance(12) { Json::Null } else { random.pick(values).into() }
}

/// Puts a value, or leaves it out.
fn put(fields: &mut Map<String, Json>, name: &str, value: Json) {
    if !value.is_null() {
        fields.insert(name.to_owned(), value);
    }
}
