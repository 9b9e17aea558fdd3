//! Random catalogs over a fixed vocabulary: every type, every function of events, every strategy.
//!
//! They are written as text, through the same door as everybody's. Values and durations are few, so
//! that thresholds are met, windows overlap and conditions share parts.

use crate::random::Random;

/// Users and visitors that messages are about.
pub(crate) const USERS: [&str; 3] = ["ana", "bob", "cleo"];
/// See [`USERS`].
pub(crate) const VISITORS: [&str; 3] = ["v1", "v2", "v3"];
/// Segments that are lists.
pub(crate) const LISTS: [&str; 2] = ["listed", "invited"];
/// Lengths of windows; two that differ by one millisecond are among them.
const LENGTHS: [&str; 8] = ["1s", "2s", "5s", "5001ms", "10s", "1m", "1d", "1ms"];
/// Times that conditions name.
const TIMES: [&str; 3] = ["2026-01-01T00:00:05Z", "2026-01-01T00:00:10Z", "2026-01-01T00:01:00Z"];

/// The parts of a catalog, so that some can be left out.
#[derive(Clone, Debug, Default)]
pub(crate) struct CatalogParts {
    /// Settings, attributes and events.
    pub(crate) head: String,
    /// Lines of the computed attributes.
    pub(crate) computed: Vec<String>,
    /// Lines of the quantiles.
    pub(crate) quantiles: Vec<String>,
    /// Lines of the scores.
    pub(crate) scores: Vec<String>,
    /// Lines of the segments.
    pub(crate) segments: Vec<String>,
    /// Experiments and holdouts.
    pub(crate) experiments: Vec<String>,
    /// Personalizations, each with its offers.
    pub(crate) personalizations: Vec<String>,
}

impl CatalogParts {
    /// The catalog's text.
    pub(crate) fn to_toml(&self) -> String {
        let mut text = self.head.clone();
        let sections = [
            ("computed", &self.computed),
            ("quantiles", &self.quantiles),
            ("scores", &self.scores),
            ("segments", &self.segments),
        ];
        for (name, lines) in sections {
            if !lines.is_empty() {
                text.push_str(&format!("\n[{name}]\n{}\n", lines.join("\n")));
            }
        }
        let parts = self.experiments.iter().chain(&self.personalizations);
        parts.for_each(|part| text.push_str(&format!("\n{part}")));
        text
    }
}

/// What a condition may name beside attributes and events.
#[derive(Clone, Default)]
struct Names {
    segments: Vec<String>,
    numbers: Vec<String>,
    truths: Vec<String>,
    texts: Vec<String>,
    /// Quantiles and scores.
    ratings: Vec<String>,
    /// Properties of the trigger may be read.
    trigger: bool,
    /// What a call says may be read.
    context: bool,
    /// Inside `held`: only what changes at the sum of a time and one length.
    held: bool,
    /// Segments that may be named there.
    plain: Vec<String>,
}

struct Writer<'a> {
    random: &'a mut Random,
    names: Names,
    /// Whether conditions may use `held`, which makes both sides slower.
    with_held: bool,
    with_decayed: bool,
    /// Whether there are affinities.
    with_affinities: bool,
    /// Whether there are purposes to ask for.
    with_consent: bool,
    /// Whether there are experiments to ask for.
    with_experiments: bool,
    /// Whether offers are limited by caps, times, and what was bought.
    with_limits: bool,
    /// Whether calls may say something, and offers exclude each other.
    with_calls: bool,
    /// Whether what was written since this was cleared may not stand inside `held`.
    is_odd: bool,
    /// Whether undeclared events may be named.
    strict: bool,
}

/// A random catalog.
pub(crate) fn catalog(random: &mut Random) -> CatalogParts {
    let head = head(random);
    let strict = head.contains("strict");
    let with_consent = head.contains("[purposes");
    let (with_held, with_decayed) = (random.chance(40), random.chance(35));
    let mut writer = Writer {
        random,
        names: Names::default(),
        with_held,
        with_decayed,
        with_affinities: false,
        with_consent,
        with_experiments: false,
        with_limits: false,
        with_calls: false,
        is_odd: false,
        strict,
    };
    let experiments = if writer.random.chance(50) { writer.experiments() } else { Vec::new() };
    writer.with_experiments = !experiments.is_empty();
    writer.with_limits = writer.random.chance(40);
    writer.with_calls = writer.random.chance(50);
    let head = if writer.with_calls { head + CONTEXT } else { head };
    let head = if writer.with_limits { head + &writer.shared_limits() } else { head };
    writer.with_affinities = writer.random.chance(25);
    let head = if writer.with_affinities { head + &writer.affinities() } else { head };
    let mut segments = vec![
        "listed = { members = [\"ana\", \"nobody\", \"v1\"] }".to_owned(),
        "invited = { list = true }".to_owned(),
    ];
    writer.names.segments.extend(LISTS.map(str::to_owned));
    for number in 0..3 {
        segments.push(writer.segment(number));
    }
    let mut computed: Vec<String> = (0..5).filter_map(|number| writer.computed(number)).collect();
    let (mut quantiles, mut scores) = (Vec::new(), Vec::new());
    if writer.random.chance(50) {
        for number in 0..2 {
            let (measured, quantile) = writer.quantile(number);
            computed.push(measured);
            quantiles.push(quantile);
        }
        scores.extend((0..2).map(|number| writer.score(number)));
    }
    for number in 3..9 {
        segments.push(writer.segment(number));
    }
    let mut personalizations: Vec<String> = (0..3).map(|number| writer.personalization(number)).collect();
    if writer.with_calls {
        let most = writer.random.pick(&["", "most = 1\n", "most = 2\n"]);
        let order = writer.random.pick(&["\"p0\", \"p1\", \"p2\"", "\"p2\", \"p0\""]);
        personalizations.push(format!("[placements.page]\npersonalizations = [{order}]\n{most}"));
    }
    let turn = writer.random.below(segments.len());
    segments.rotate_left(turn);
    CatalogParts { head, computed, quantiles, scores, segments, experiments, personalizations }
}

fn head(random: &mut Random) -> String {
    let strict = if random.chance(10) { "strict = true\n" } else { "" };
    let max_skew = random.pick(&["2s", "5s", "1m"]);
    let screens = if random.chance(50) { "[events.\"Screen Viewed\"]\nname = \"string\"\n" } else { "" };
    let identifiers = identifiers(random);
    let purposes = purposes(random);
    let margin = random.pick(&["1ms", "2s", "10s", "1m", "400d"]);
    format!(
        r#"schema = 1
{strict}max_skew = "{max_skew}"
[attributes]
name = "string"
tier = {{ type = "string", values = ["a", "b", "c"] }}
points = "int"
ltv = {{ type = "float", default = 0.0 }}
rank = {{ type = "int", default = 2 }}
seen = "time"
flag = "bool"
tags = {{ type = "list", of = "string" }}
place = {{ type = "map", fields = {{ city = "string", floor = "int" }} }}
{identifiers}[history]
margin = "{margin}"
[events.View]
category = "string"
price = "float"
qty = "int"
sale = "bool"
until = "time"
labels = {{ type = "list", of = "string" }}
[events.Order]
category = "string"
total = "float"
qty = "int"
lines = {{ type = "list", of = {{ type = "map", fields = {{ brand = "string", price = "float" }} }} }}
[events.Login]
device = "string"
n = "int"
[events."Page Viewed"]
name = "string"
category = "string"
{screens}{purposes}"#
    )
}

/// What calls may say.
const CONTEXT: &str = "[context]\npage = \"string\"\nheat = { type = \"int\", recorded = true }\n";

/// What customers consent to; of two purposes, some attributes and events need both.
fn purposes(random: &mut Random) -> String {
    if random.chance(50) {
        return String::new();
    }
    let ads =
        random.pick(&["", "\"points\"", "\"tier\", \"rank\", \"email\"", "\"flag\", \"ltv\", \"seen\""]);
    let ads_events = random.pick(&["", "\"View\"", "\"Login\"", "\"View\", \"Page Viewed\""]);
    let mail = random.pick(&["", "\"tier\", \"name\"", "\"points\", \"tags\", \"card\""]);
    let mail_events = random.pick(&["", "", "\"Order\"", "\"Login\", \"View\""]);
    format!(
        "[purposes.ads]\nattributes = [{ads}]\nevents = [{ads_events}]\n\
         [purposes.mail]\nattributes = [{mail}]\nevents = [{mail_events}]\n[purposes.plain]\n"
    )
}

/// Attributes that identify customers, and rules for what does.
fn identifiers(random: &mut Random) -> &'static str {
    random.pick(&[
        "email = \"string\"\ncard = \"int\"\n",
        "email = { type = \"string\", identifier = true }\ncard = { type = \"int\", identifier = true }\n",
        "email = { type = \"string\", identifier = true }\ncard = \"int\"\n[identifiers]\n\
         email = { blocked = [\"b@x\"], limit = 1 }\nanonymousId = { limit = 2 }\n",
        "email = { type = \"string\", identifier = true }\ncard = { type = \"int\", identifier = true }\n\
         [identifiers]\nuserId = { blocked_patterns = [\"^cle\"], limit = 2 }\ncard = { limit = 1 }\n",
    ])
}

impl Writer<'_> {
    fn segment(&mut self, number: usize) -> String {
        let depth = self.random.pick(&[0, 0, 0, 1, 1, 2]);
        self.is_odd = false;
        let condition = self.condition(depth);
        let name = format!("s{number}");
        self.names.segments.push(name.clone());
        if !self.is_odd {
            self.names.plain.push(name.clone());
        }
        format!("{name} = '{condition}'")
    }

    fn computed(&mut self, number: usize) -> Option<String> {
        let name = format!("c{number}");
        let value = match self.random.below(9) {
            0..=3 => {
                let value = self.number();
                self.names.numbers.push(name.clone());
                value
            }
            4 | 5 => {
                let value = self.condition(1);
                self.names.truths.push(name.clone());
                value
            }
            6 => {
                let value = self.text();
                self.names.texts.push(name.clone());
                value
            }
            7 => self
                .random
                .pick(&["now - seen", "seen", "tags", "place.city", "now", "size(tags) * 2"])
                .to_owned(),
            _ if self.with_affinities && self.random.chance(50) => "other.top(2)".to_owned(),
            _ => {
                let events = self.events("View");
                self.random.pick(&[
                    format!("{events}.values(category, 2)"),
                    format!("{events}.values(labels, 3)"),
                    format!("tags.without({events}.values(labels, 2))"),
                    format!("{events}.last(labels)"),
                    format!("{events}.first(until)"),
                    format!("{events}.previous()"),
                    format!("now - {events}.last()"),
                ])
            }
        };
        Some(format!("{name} = '{value}'"))
    }

    /// A computed attribute, and a quantile of it, which counts everybody or the members of a segment.
    fn quantile(&mut self, number: usize) -> (String, String) {
        let events = self.events("View");
        let value = match self.random.below(4) {
            0 => self.random.pick(&[
                "seen".to_owned(),
                "now - seen".to_owned(),
                format!("{events}.last()"),
                format!("now - {events}.first()"),
            ]),
            1 => "points".to_owned(),
            _ => self.number(),
        };
        let segment = self.random.below(3);
        let of = self.random.pick(&[String::new(), String::new(), format!("of = 's{segment}', ")]);
        let (parts, tolerance) = (self.random.pick(&[2, 3, 5]), self.random.pick(&["0", "2", "9"]));
        self.names.ratings.push(format!("q{number}"));
        (
            format!("m{number} = '{value}'"),
            format!("q{number} = {{ value = 'm{number}', {of}parts = {parts}, tolerance = {tolerance} }}"),
        )
    }

    fn score(&mut self, number: usize) -> String {
        let rows = (0..self.random.below(3) + 1).map(|_| {
            let (when, points) = (self.condition(0), self.random.pick(&["1", "2", "-1", "0.5"]));
            format!("{{ when = '{when}', points = {points} }}")
        });
        let rows = rows.collect::<Vec<_>>().join(", ");
        let bounds = self.random.pick(&["", "min = 0, ", "max = 2, ", "min = 0, max = 1.5, "]);
        self.names.ratings.push(format!("k{number}"));
        format!("k{number} = {{ {bounds}rows = [{rows}] }}")
    }

    fn condition(&mut self, depth: usize) -> String {
        if depth > 0 {
            let (a, b) = (self.condition(depth - 1), self.condition(depth - 1));
            return match self.random.below(8) {
                0..=2 => format!("({a}) && ({b})"),
                3..=5 => format!("({a}) || ({b})"),
                6 => format!("!({a})"),
                _ => format!("(({a}) ? points : rank) > 1"),
            };
        }
        if self.with_consent && self.random.chance(15) {
            let purpose = self.random.pick(&["ads", "mail", "plain"]);
            let not = self.random.pick(&["", "!"]);
            return format!("{not}consent(\"{purpose}\")");
        }
        if self.names.context && self.random.chance(30) {
            return self.random.pick(&[
                "context.page == \"home\"".to_owned(),
                "context.page != \"home\"".to_owned(),
                "context.heat > points".to_owned(),
                "!has(context.heat)".to_owned(),
            ]);
        }
        if self.with_experiments && self.random.chance(15) {
            return self.on_experiments();
        }
        if !self.names.ratings.is_empty() && self.random.chance(20) {
            return self.on_ratings();
        }
        let kind = if self.names.trigger && self.random.chance(30) { 18 } else { self.random.below(20) };
        if self.with_affinities && self.random.chance(25) {
            return self.on_affinities();
        }
        match kind {
            0..=3 => self.on_attributes(),
            4..=10 => self.on_events(),
            11 | 12 if !self.names.segments.is_empty() => {
                let name = self.random.pick(&self.names.segments);
                self.is_odd |= name != "listed" && !self.names.plain.contains(&name);
                if self.random.chance(30) { format!("!{name}") } else { name }
            }
            13..=15 if self.with_held => self.held(),
            16 if !self.names.truths.is_empty() => {
                self.is_odd = true;
                self.random.pick(&self.names.truths)
            }
            17 if !self.names.held => self.on_clock(),
            18 if self.names.trigger => self.random.pick(&[
                "event.n > 1".to_owned(),
                "event.device == \"web\"".to_owned(),
                "event.n == points".to_owned(),
                "!has(event.device)".to_owned(),
            ]),
            _ => self.on_numbers(),
        }
    }

    /// Three experiments and a holdout, which conditions on attributes and events take part in.
    fn experiments(&mut self) -> Vec<String> {
        let algorithms = ["habitue", "habitue", "growthbook_v1", "growthbook_v2", "unleash"];
        let mut experiments = Vec::new();
        for number in 0..3 {
            let unit = self.random.pick(&["profile", "profile", "userId", "anonymousId", "name", "points"]);
            let (algorithm, traffic) =
                (self.random.pick(&algorithms), self.random.pick(&["100", "100", "50"]));
            let mut text = format!(
                "[experiments.x{number}]\nunit = \"{unit}\"\nalgorithm = \"{algorithm}\"\ntraffic = {traffic}\n\
                 variants = [\"a\", \"b\"]\n"
            );
            if self.random.chance(50) {
                // What is asked inside `held` may be asked everywhere.
                self.names.held = true;
                text.push_str(&format!("when = '{}'\n", self.condition(0)));
                self.names.held = false;
            }
            let time = self.random.pick(&TIMES);
            text.push_str(self.random.pick(&["", "", "forced = { ana = \"b\", v1 = \"a\" }\n"]));
            text.push_str(&self.random.pick(&[
                String::new(),
                String::new(),
                format!("from = \"{time}\"\n"),
                format!("until = \"{time}\"\n"),
            ]));
            experiments.push(text);
        }
        let of = self.random.pick(&["", "personalizations = [\"p0\"]\n", "experiments = [\"x0\"]\n"]);
        experiments.push(format!("[holdouts.h0]\npercent = 40\n{of}"));
        experiments
    }

    /// What limits several offers, and what a purchase is.
    fn shared_limits(&mut self) -> String {
        let (most, within) = (self.random.pick(&["1", "2", "3"]), self.length());
        // Of offers, only the first is there for certain.
        let of = self.random.pick(&["", "personalizations = [\"p0\"]\n", "offers = [\"o0\"]\n"]);
        format!(
            "[caps.all]\nmost = {most}\nwithin = \"{within}\"\n{of}[purchases.Order]\nproduct = \"qty\"\n\
             category = \"category\"\n[purchases.View]\ncategory = \"category\"\n"
        )
    }

    /// What limits one offer.
    fn limits(&mut self) -> String {
        let (most, length, time) =
            (self.random.pick(&["1", "1", "2"]), self.length(), self.random.pick(&TIMES));
        let stock = self.random.pick(&["0", "1", "4", "20"]);
        self.random.pick(&[
            String::new(),
            format!("cap = {{ most = {most}, within = \"{length}\" }}\n"),
            format!("cap = [{{ most = {most}, within = \"{length}\" }}, {{ most = 3, within = \"1d\" }}]\n"),
            format!("from = \"{time}\"\n"),
            format!("until = {time}\n"),
            format!("unless_bought = {{ products = [2, \"1\"], within = \"{length}\" }}\n"),
            "unless_bought = { categories = [\"x\", \"y\"] }\n".to_owned(),
            format!("stock = {stock}\n"),
        ])
    }

    fn on_experiments(&mut self) -> String {
        let number = self.random.below(3);
        self.random.pick(&[
            format!("variant(\"x{number}\") == \"a\""),
            format!("variant(\"x{number}\") != \"b\""),
            format!("has(variant(\"x{number}\"))"),
            format!("variant(\"x{number}\") in [\"b\"]"),
            "held_out(\"h0\")".to_owned(),
        ])
    }

    fn on_ratings(&mut self) -> String {
        self.is_odd = true;
        let (name, bound) = (self.random.pick(&self.names.ratings), self.bound());
        self.random.pick(&[
            format!("{name} {bound} 1"),
            format!("{name} >= 2"),
            format!("{name} == 1"),
            format!("{name} != 2"),
            format!("has({name})"),
            format!("{name} > points"),
        ])
    }

    fn held(&mut self) -> String {
        let depth = self.random.pick(&[0, 0, 1]);
        let outer = self.names.clone();
        let plain = outer.plain.clone();
        self.names = Names { segments: plain.clone(), plain, held: true, ..Names::default() };
        let condition = self.condition(depth);
        self.names = outer;
        format!("held({condition}, \"{}\")", self.length())
    }

    fn length(&mut self) -> String {
        self.random.pick(&LENGTHS).to_owned()
    }

    fn comparison(&mut self) -> &'static str {
        self.random.pick(&["<", "<=", ">", ">=", "==", "!="])
    }

    fn bound(&mut self) -> &'static str {
        self.random.pick(&["<", "<=", ">", ">="])
    }

    fn constant(&mut self) -> String {
        self.random.pick(&["0", "1", "2", "3", "-1", "0.5", "1.5", "2.5", "0.3", "10"]).to_owned()
    }

    fn on_attributes(&mut self) -> String {
        let (comparison, constant, length) = (self.comparison(), self.constant(), self.length());
        let time = self.random.pick(&TIMES);
        let (bound, tier) = (self.bound(), self.random.pick(&["a", "b", "c"]));
        self.random.pick(&[
            format!("points {comparison} {constant}"),
            format!("rank {comparison} {constant}"),
            format!("ltv {bound} {constant}"),
            format!("tier == \"{tier}\""),
            format!("tier != \"{tier}\""),
            format!("tier in [\"{tier}\", \"c\"]"),
            "!(tier in [\"a\", \"b\"])".to_owned(),
            "flag".to_owned(),
            "!flag".to_owned(),
            "has(name)".to_owned(),
            "has(ltv)".to_owned(),
            "name.startsWith(\"A\")".to_owned(),
            "name.lowerAscii().contains(\"n\")".to_owned(),
            "name.matches(\"^.n\") || name == \"\"".to_owned(),
            "\"x\" in tags".to_owned(),
            "tags.exists(t, t == name || t == \"y\")".to_owned(),
            "tags.all(t, t.endsWith(\"x\"))".to_owned(),
            format!("size(tags) {comparison} 1"),
            "place.city == \"Oulu\"".to_owned(),
            format!("place.floor {bound} 1"),
            "has(place.floor)".to_owned(),
            format!("seen {bound} timestamp(\"{time}\")"),
            format!("now - seen {bound} duration(\"{length}\")"),
            format!("seen + duration(\"{length}\") {bound} now"),
            format!("now {bound} seen"),
            format!("now {bound} timestamp(\"{time}\")"),
            format!("now - seen == duration(\"{length}\")"),
            format!("points {bound} ltv"),
            "points == rank".to_owned(),
        ])
    }

    /// Two affinities. None gives and takes of one item: scores that nearly cancel out have few digits.
    fn affinities(&mut self) -> String {
        let mut affinity = |name: &str| {
            let (half_life, weight) = (self.length(), self.random.pick(&["1", "2", "0.5", "3"]));
            let view = self.random.pick(&[
                "{ item = \"category\" }",
                "{ item = \"labels\", weight = 1.5 }",
                "{ item = \"category\", weight = \"price\" }",
            ]);
            let order = self.random.pick(&[
                format!("{{ list = \"lines\", item = \"brand\", weight = {weight} }}"),
                "{ list = \"lines\", item = \"brand\", weight = \"price\" }".to_owned(),
            ]);
            let login = self.random.pick(&["weight = -0.5", "weight = \"n\"", "weight = 1"]);
            format!(
                "[affinities.{name}]\nhalf_life = \"{half_life}\"\nof.View = {view}\nof.Order = {order}\n\
                 of.Login = {{ item = \"device\", {login} }}\n"
            )
        };
        affinity("liking") + &affinity("other")
    }

    fn on_affinities(&mut self) -> String {
        let (bound, constant) = (self.bound(), self.constant());
        let item = self.random.pick(&["x", "x", "y", "z", "web", "nothing"]);
        let name = self.random.pick(&["liking", "liking", "other"]);
        let mut choices = vec![
            format!("{name}[\"{item}\"] {bound} {constant}"),
            format!("{name}.{item} {bound} {constant}"),
            format!("{name}[tier] {bound} 0"),
            format!("{name}[events(\"View\").last(category)] {bound} {constant}"),
            format!("\"{item}\" in {name}.top(2)"),
            format!("{name}.top(1)[0] == \"{item}\""),
            format!("{name}.top(3)[1] != {name}.top(1)[0]"),
            format!("size({name}.top(3)) {bound} 1"),
            format!("{name}.top(2).exists(e, e == tier || e.startsWith(\"x\"))"),
        ];
        if !self.names.held && self.random.chance(20) {
            self.is_odd = true;
            choices = vec![format!("{name}.{item} * 2 {bound} {constant}")];
        }
        self.random.pick(&choices)
    }

    /// Comparisons of times that need more than one length, and moving values in odd places.
    fn on_clock(&mut self) -> String {
        self.is_odd = true;
        let (length, bound) = (self.length(), self.bound());
        let events = self.events("View");
        let mut choices = vec![
            format!("now - {events}.last() {bound} {events}.last() - {events}.first()"),
            format!("now - duration(\"{length}\") {bound} {events}.last(until)"),
            format!("{events}.last() - seen {bound} duration(\"{length}\")"),
            format!("seen {bound} {events}.first()"),
            "hours(\"daily\", \"02:00\", \"14:00\", \"Europe/Helsinki\")".to_owned(),
            "hours(\"thu,sat\", \"00:00\", \"24:00\", \"UTC\")".to_owned(),
        ];
        if self.with_decayed {
            let constant = self.constant();
            choices.push(format!("{events}.decayed(\"{length}\") * 2 {bound} {constant}"));
            choices.push(format!("{events}.decayed(price, \"{length}\") / 4 {bound} ltv"));
            choices.push(format!("{events}.decayed(qty, \"{length}\") {bound} points"));
        }
        self.random.pick(&choices)
    }

    fn on_events(&mut self) -> String {
        let name = self.random.pick(&["View", "View", "View", "Order", "Login", "Page Viewed", "", "Ping"]);
        let name = if self.strict && name == "Ping" { "View" } else { name };
        let events = self.events(name);
        let (comparison, bound, constant, length) =
            (self.comparison(), self.bound(), self.constant(), self.length());
        let small = self.random.pick(&["1", "1", "2", "3"]);
        let other = self.random.pick(&["Order", "View", "Login"]);
        let mut choices = vec![
            format!("{events}.count() {comparison} {small}"),
            format!("{events}.count() {bound} {small}"),
            format!("{events}.exists()"),
            format!("!{events}.exists()"),
            format!("now - {events}.last() {bound} duration(\"{length}\")"),
            format!("now - {events}.first() {bound} duration(\"{length}\")"),
            format!("now - {events}.previous() {bound} duration(\"{length}\")"),
            format!("has({events}.previous())"),
            format!("{events}.followed_by(\"{other}\", \"{length}\")"),
            format!("{events}.not_followed_by(\"{other}\", \"{length}\")"),
            format!("{events}.not_followed_by(\"{other}\", \"{length}\")"),
        ];
        if self.with_decayed {
            choices.push(format!("{events}.decayed(\"{length}\") {bound} {constant}"));
        }
        if let Some((number, text)) = properties(name) {
            if let Some(number) = number {
                for function in ["sum", "avg", "min", "max", "first", "last", "distinct", "top"] {
                    choices.push(format!("{events}.{function}({number}) {bound} {constant}"));
                }
                choices.push(format!("{events}.sum({number}) {comparison} {constant}"));
                if self.with_decayed && number != "total" {
                    choices.push(format!("{events}.decayed({number}, \"{length}\") {bound} {constant}"));
                }
            }
            choices.push(format!("{events}.top({text}) == \"x\""));
            choices.push(format!("\"x\" in {events}.values({text}, 2)"));
            choices.push(format!("{events}.values({text}, 1) == [\"y\"]"));
            choices.push(format!("{events}.distinct({text}) {comparison} {small}"));
            choices.push(format!("{events}.last({text}) == \"y\""));
            choices.push(format!("{events}.first({text}) == {events}.last({text})"));
            choices.push(format!("{events}.max({text}) == \"y\""));
        }
        if name == "View" {
            choices.push(format!("now {bound} {events}.max(until)"));
            choices.push(format!("\"x\" in {events}.last(labels)"));
            choices.push(format!("{events}.last(sale)"));
            choices.push(format!("{events}.top(price) {bound} {constant}"));
        }
        self.random.pick(&choices)
    }

    fn events(&mut self, name: &str) -> String {
        let mut text = if name.is_empty() { "events()".to_owned() } else { format!("events(\"{name}\")") };
        if self.random.chance(35) && !name.is_empty() {
            text.push_str(&format!(".where({})", self.filter(name)));
        }
        for _ in 0..self.random.pick(&[0, 1, 1, 1, 2]) {
            let length = self.length();
            let time = self.time();
            let zone = self.random.pick(&["UTC", "Europe/Helsinki", "America/Sao_Paulo"]);
            let days = self.random.pick(&["1", "2"]);
            let step = match self.random.below(13) {
                0..=5 => format!(".within(\"{length}\")"),
                6 => format!(".older_than(\"{length}\")"),
                7 | 8 => self
                    .random
                    .pick(&[
                        ".between(\"10s\", \"2s\")",
                        ".between(\"1m\", \"5s\")",
                        ".between(\"2s\", \"1s\")",
                    ])
                    .to_owned(),
                9 | 10 => format!(".after({time})"),
                12 => format!(".calendar_days({days}, \"{zone}\")"),
                _ => format!(".before({time})"),
            };
            // Two such windows may leave no time at all, which a catalog is refused for.
            let contradicts = |steps: &[&str]| steps.iter().any(|step| text.contains(step));
            if !contradicts(&[".within", ".between", ".older_than"])
                || step.starts_with(".after")
                || step.starts_with(".before")
            {
                text.push_str(&step);
            }
        }
        text
    }

    fn time(&mut self) -> String {
        let time = self.random.pick(&TIMES);
        self.random.pick(&[
            "seen".to_owned(),
            format!("timestamp(\"{time}\")"),
            "events(\"Login\").last()".to_owned(),
            "events(\"Order\").first()".to_owned(),
            "events(\"View\").within(\"5s\").last()".to_owned(),
            "events(\"View\").last(until)".to_owned(),
        ])
    }

    fn filter(&mut self, name: &str) -> String {
        let (comparison, constant) = (self.comparison(), self.constant());
        let category = self.random.pick(&["x", "y", "z"]);
        let choices = match name {
            "View" => vec![
                format!("category == \"{category}\""),
                format!("category == \"{category}\" && price > 0.2"),
                format!("price {comparison} {constant}"),
                "sale".to_owned(),
                "!sale".to_owned(),
                "labels.exists(l, l == category)".to_owned(),
                "has(until)".to_owned(),
                format!("qty in [1, 2] || category != \"{category}\""),
            ],
            "Order" => vec![
                format!("total {comparison} {constant}"),
                format!("category == \"{category}\""),
                "qty == 2".to_owned(),
            ],
            "Ping" => vec![
                format!("p {comparison} {constant}"),
                format!("p == \"{category}\""),
                "has(p)".to_owned(),
            ],
            "Login" => vec!["device == \"web\"".to_owned(), format!("n {comparison} {constant}")],
            _ => vec!["name == \"home\"".to_owned(), "has(category)".to_owned()],
        };
        self.random.pick(&choices)
    }

    fn number(&mut self) -> String {
        let events = self.events("View");
        let length = self.length();
        let mut choices = vec![
            "points".to_owned(),
            "ltv + 1".to_owned(),
            "points % 3".to_owned(),
            "points * points".to_owned(),
            "points / rank".to_owned(),
            "10 / points".to_owned(),
            "size(name)".to_owned(),
            format!("{events}.count()"),
            format!("{events}.sum(price)"),
            format!("{events}.sum(qty)"),
            format!("{events}.avg(price)"),
            format!("{events}.avg(qty)"),
            format!("{events}.max(price) - {events}.min(price)"),
            format!("{events}.distinct(category) + points"),
            format!("events(\"Order\").sum(total) + {events}.sum(price)"),
        ];
        if self.with_decayed && !self.names.held {
            choices.push(format!("{events}.decayed(\"{length}\")"));
            choices.push(format!("{events}.decayed(price, \"{length}\")"));
        }
        if self.with_affinities && !self.names.held {
            choices.push("liking.x".to_owned());
            choices.push("other.y".to_owned());
        }
        if !self.names.numbers.is_empty() && self.random.chance(30) {
            self.is_odd = true;
            choices.clone_from(&self.names.numbers);
        }
        self.random.pick(&choices)
    }

    fn text(&mut self) -> String {
        let events = self.events("View");
        if self.with_affinities && self.random.chance(30) {
            return "liking.top(1)[0]".to_owned();
        }
        self.random.pick(&[
            "name".to_owned(),
            "tier + name".to_owned(),
            format!("{events}.top(category)"),
            format!("{events}.last(category)"),
        ])
    }

    fn on_numbers(&mut self) -> String {
        let (bound, constant) = (self.bound(), self.constant());
        format!("{} {bound} {constant}", self.number())
    }

    fn personalization(&mut self, number: usize) -> String {
        let strategy = self.random.pick(&["first", "all", "best"]);
        let on = self.random.pick(&["", "Login", "Login", "Page Viewed"]);
        self.names.trigger = on == "Login";
        self.names.context = self.with_calls;
        let mut text = format!("[personalizations.p{number}]\nstrategy = \"{strategy}\"\n");
        if !on.is_empty() {
            text.push_str(&format!("on = \"{on}\"\n"));
        }
        if self.with_calls {
            text.push_str(self.random.pick(&["", "", "most = 1\n", "most = 2\n"]));
        }
        if self.random.chance(50) {
            let attribute = self.random.pick(&["\"points\", \"ltv\"", "\"*\"", "\"tags\""]);
            text.push_str(&format!("attributes = [{attribute}]\n"));
        }
        if self.random.chance(60) {
            text.push_str(
                "fallback = { name = \"none\", text = \"Hello {{ name | default(\\\"you\\\") }}\" }\n",
            );
        }
        for offer in 0..self.random.below(4) + 1 {
            text.push_str(&format!("[[personalizations.p{number}.offers]]\nname = \"o{offer}\"\n"));
            if self.random.chance(90) {
                let depth = self.random.pick(&[0, 0, 1]);
                text.push_str(&format!("when = '{}'\n", self.condition(depth)));
            }
            if self.with_limits {
                text.push_str(&self.limits());
            }
            if self.with_calls {
                text.push_str(self.random.pick(&[
                    "",
                    "",
                    "exclusive = \"a\"\n",
                    "exclusive = [\"a\", \"b\"]\n",
                ]));
            }
            if self.random.chance(40) {
                text.push_str(&format!("priority = {}\n", self.random.pick(&["-1", "0", "1", "2"])));
            }
            if strategy == "best" && self.random.chance(80) {
                text.push_str(&format!("score = '{}'\n", self.number()));
            }
            let words = ["Hi {{ name }}", "{{ points }} of {{ rank }}", "{{ tags }}", "plain"];
            if self.random.chance(40) {
                text.push_str(&format!("text = \"{}\"\n", self.random.pick(&words)));
            }
        }
        self.names.trigger = false;
        self.names.context = false;
        text
    }
}

/// A number and a text among the properties of an event.
fn properties(event: &str) -> Option<(Option<&'static str>, &'static str)> {
    match event {
        "View" => Some((Some("price"), "category")),
        "Order" => Some((Some("total"), "category")),
        "Login" => Some((Some("n"), "device")),
        "Page Viewed" => Some((None, "name")),
        "Ping" => Some((Some("p"), "p")),
        _ => None,
    }
}
