//! A catalog's text into its declarations, with everything that is wrong in it found in one run.
//!
//! Each file is parsed into a tree and its sections are added to those of the files before. A
//! declaration with a mistake is kept as far as it was understood; one that was not understood is left
//! out, and its name noted in [`Declarations::left_out`], so that a later stage does not call it unknown.
//!
//! Invariants:
//! 1. If the report has no error, `left_out` is empty and every name, text and list is within its bound.
//! 2. `schema = 1` stands in at least one file, and no file says another number.

use ahash::AHashMap;

use super::fields::{Fields, bool, bounded_int, duration, int, table};
use super::load::{CatalogText, Language, too_large};
use super::naming::{Namespace, is_bare_name, is_name, place_of, warn_if_unreadable};
use super::shape::{CATALOG, HISTORY, LIMITS};
use super::tree::{Entry, Node};
use super::{
    affinities, attributes, crowds, definitions, experiments, goals, history, identifiers, imports,
    json_text, offers, purposes, quantiles, scores, toml_text,
};
use crate::base::diagnostic::{Finding, Report};
use crate::base::limits::{MAX_CATALOG_BYTES, MAX_DECLARATIONS, MAX_DEFINITIONS, MAX_ENTRIES_PER_AGGREGATE};
use crate::base::source_text::{SourceFile, Span, Spanned};
use crate::model::declaration::{Declarations, Named};

/// The version of the catalog format that this program reads.
const SCHEMA: i64 = 1;

/// Reads the declarations of a catalog, and reports all that is wrong with its form.
///
/// A finding of code `syntax`, `number` or `too_deep` may mean that a whole file was not read; names
/// declared in it are then missing from the declarations.
pub(crate) fn decode(catalog: &CatalogText) -> (Declarations, Report) {
    let mut decoder = Decoder {
        files: catalog.files(),
        report: Report::new(catalog.files().to_vec()),
        declarations: Declarations::default(),
        bare_names: Namespace::new(catalog.files()),
        names: AHashMap::new(),
        settings: AHashMap::new(),
    };
    let mut all_parsed = true;
    for (number, (file, language)) in catalog.parts().enumerate() {
        match parse(file, language, u32::try_from(number).unwrap_or(u32::MAX)) {
            Ok(node) => decoder.file(&node),
            Err(findings) => {
                all_parsed = false;
                findings.into_iter().for_each(|finding| decoder.report.push(finding));
            }
        }
    }
    if all_parsed && !decoder.settings.contains_key("schema") {
        let finding = Finding::error("missing_key", Span::default(), "the catalog does not say its `schema`");
        decoder.report.push(finding.with_help("begin it with `schema = 1` (in JSON, `\"schema\": 1`)"));
    }
    decoder.report.sort();
    decoder.declarations.published = catalog.published.clone();
    (decoder.declarations, decoder.report)
}

fn parse(file: &SourceFile, language: Language, number: u32) -> Result<Node, Vec<Finding>> {
    if file.text.len() > MAX_CATALOG_BYTES {
        let place = Span { file: number, start: 0, end: 0 };
        return Err(vec![Finding::error("too_large", place, too_large(&file.name))]);
    }
    match language {
        Language::Toml => toml_text::parse(&file.text, number),
        Language::Json => json_text::parse(&file.text, number),
    }
}

struct Decoder<'t> {
    files: &'t [SourceFile],
    report: Report,
    declarations: Declarations,
    /// Attributes, computed attributes and segments.
    bare_names: Namespace<'t>,
    /// The names of each other section, which are its own.
    names: AHashMap<&'static str, Namespace<'t>>,
    /// Settings that stand only once in a catalog, and where they do.
    settings: AHashMap<&'static str, Span>,
}

impl<'t> Decoder<'t> {
    fn file(&mut self, node: &Node) {
        let Some(fields) = Fields::open(node, &CATALOG, &mut self.report) else { return };
        self.schema(&fields);
        if let Some(value) = self.setting(&fields, "strict").and_then(|node| bool(node, &mut self.report)) {
            self.declarations.strict = value;
        }
        if let Some(node) = self.setting(&fields, "max_skew") {
            self.declarations.max_skew = duration(node, &mut self.report);
        }
        if let Some(node) = fields.get("limits") {
            self.limits(node);
        }
        self.known(&fields);
        self.derived(&fields);
        self.shown(&fields);
        fields.close();
    }

    /// What is known of customers, and what happens.
    fn known(&mut self, fields: &Fields<'_>) {
        let attribute = ("an attribute", "the attribute");
        self.bare(fields, "attributes", attribute, |all| &mut all.attributes, attributes::attribute);
        self.identifiers(fields.get("identifiers"));
        self.events(fields.get("events"));
        let context = ("what a call may say", "the context");
        let left_out = self.quoted(
            fields,
            "context",
            context,
            |all| &mut all.context,
            |entry, report| {
                warn_if_unreadable(&entry.key, "the context", report);
                attributes::context(&entry.value, report)
            },
        );
        self.declarations.left_out.extend(left_out);
        let purpose = ("a purpose", "the purpose");
        let left_out =
            self.quoted(fields, "purposes", purpose, |all| &mut all.purposes, of(purposes::purpose));
        self.declarations.left_out.extend(left_out);
        if let Some(node) = fields.get("history") {
            self.history(node);
        }
        self.purchases(fields.get("purchases"));
        self.quoted(
            fields,
            "imports",
            ("an import", "the import"),
            |all| &mut all.imports,
            |entry, report| imports::import(&entry.value, entry.key.span, report),
        );
    }

    /// What follows from that.
    fn derived(&mut self, fields: &Fields<'_>) {
        let computed = ("a computed attribute", "the computed attribute");
        self.bare(fields, "computed", computed, |all| &mut all.computed, definitions::computed);
        let quantile = ("a quantile", "the quantile");
        self.bare(fields, "quantiles", quantile, |all| &mut all.quantiles, quantiles::quantile);
        if let Some(node) = self.setting(fields, "rfm") {
            self.declarations.rfm = quantiles::rfm(node, &mut self.report);
        }
        self.bare(fields, "scores", ("a score", "the score"), |all| &mut all.scores, scores::score);
        let affinity = ("an affinity", "the affinity");
        self.bare(fields, "affinities", affinity, |all| &mut all.affinities, affinities::affinity);
        self.bare(
            fields,
            "segments",
            ("a segment", "the segment"),
            |all| &mut all.segments,
            definitions::segment,
        );
        self.quoted(fields, "crowd", ("a crowd", "the crowd"), |all| &mut all.crowds, of(crowds::crowd));
    }

    /// What is shown, to whom and how often, and what is hoped for.
    fn shown(&mut self, fields: &Fields<'_>) {
        let files = self.files;
        let experiment = ("an experiment", "the experiment");
        let left_out = self.quoted(
            fields,
            "experiments",
            experiment,
            |all| &mut all.experiments,
            of(|node, report| experiments::experiment(node, files, report)),
        );
        self.declarations.left_out.extend(left_out);
        let holdout = ("a holdout", "the holdout");
        let left_out =
            self.quoted(fields, "holdouts", holdout, |all| &mut all.holdouts, of(experiments::holdout));
        self.declarations.left_out.extend(left_out);
        self.quoted(fields, "caps", ("a cap", "the cap"), |all| &mut all.caps, of(offers::shared_cap));
        let personalization = ("a personalization", "the personalization");
        self.quoted(
            fields,
            "personalizations",
            personalization,
            |all| &mut all.personalizations,
            of(|node, report| definitions::personalization(node, files, report)),
        );
        let placement = ("a placement", "the placement");
        self.quoted(fields, "placements", placement, |all| &mut all.placements, of(definitions::placement));
        self.quoted(fields, "goals", ("a goal", "the goal"), |all| &mut all.goals, of(goals::goal));
    }

    /// Reads the declarations of a section whose names are its own; gives the names of those that are left out.
    fn quoted<T>(
        &mut self,
        fields: &Fields<'_>,
        section: &'static str,
        (one, the): (&str, &'static str),
        list: impl Fn(&mut Declarations) -> &mut Vec<Named<T>>,
        read: impl Fn(&Entry, &mut Report) -> Option<T>,
    ) -> Vec<String> {
        let mut left_out = Vec::new();
        let so_far = list(&mut self.declarations).len();
        // The one section that is not called by a plural.
        let what = if section == "crowd" { "crowds" } else { section };
        for entry in self.section(fields.get(section), so_far, what) {
            let key = &entry.key;
            let named = is_name(&key.value, one, key.span, &mut self.report) && self.claim(section, key, the);
            match read(entry, &mut self.report).filter(|_| named) {
                Some(body) => list(&mut self.declarations).push(Named { name: key.clone(), body }),
                None => left_out.push(key.value.clone()),
            }
        }
        left_out
    }

    /// Reads the declarations of a section whose names conditions use without quotes.
    fn bare<T>(
        &mut self,
        fields: &Fields<'_>,
        section: &'static str,
        (one, the): (&str, &'static str),
        list: impl Fn(&mut Declarations) -> &mut Vec<Named<T>>,
        read: impl Fn(&Node, &mut Report) -> Option<T>,
    ) {
        let so_far = list(&mut self.declarations).len();
        for Entry { key, value } in self.section(fields.get(section), so_far, section) {
            let body = read(value, &mut self.report);
            match body.filter(|_| self.bare_name(key, one, the)) {
                Some(body) => list(&mut self.declarations).push(Named { name: key.clone(), body }),
                None => self.leave_out(&key.value),
            }
        }
    }

    /// Gives a name of a section to `what`, unless it is taken.
    fn claim(&mut self, section: &'static str, key: &Spanned<String>, what: &'static str) -> bool {
        let names = self.names.entry(section).or_insert_with(|| Namespace::new(self.files));
        names.claim(key, what, &mut self.report)
    }

    fn schema(&mut self, fields: &Fields<'_>) {
        let Some(entry) = fields.entry("schema") else { return };
        self.settings.entry("schema").or_insert(entry.key.span);
        let Some(version) = int(&entry.value, &mut self.report) else { return };
        if version != SCHEMA {
            let message = format!("schema {version} is not known to this program");
            let finding = Finding::error("unknown_schema", entry.value.span, message);
            self.report.push(finding.with_help(format!("it reads schema {SCHEMA}")));
        }
    }

    /// The value of a setting, unless another file has it too.
    fn setting<'n>(&mut self, fields: &Fields<'n>, key: &'static str) -> Option<&'n Node> {
        let entry = fields.entry(key)?;
        if let Some(other) = self.settings.insert(key, entry.key.span) {
            let message = format!("`{key}` is written twice");
            let help = format!("the other one is at {}", place_of(self.files, other));
            self.report.push(Finding::error("duplicate", entry.key.span, message).with_help(help));
            return None;
        }
        Some(&entry.value)
    }

    fn limits(&mut self, node: &Node) {
        let Some(fields) = Fields::open(node, &LIMITS, &mut self.report) else { return };
        if let Some(node) = self.setting(&fields, "entries_per_aggregate") {
            let bounds = 1..=MAX_ENTRIES_PER_AGGREGATE;
            self.declarations.entries_per_aggregate =
                bounded_int(node, "entries_per_aggregate", &bounds, &mut self.report)
                    .or(self.declarations.entries_per_aggregate);
        }
        fields.close();
    }

    fn identifiers(&mut self, section: Option<&Node>) {
        let so_far = self.declarations.identifiers.len();
        for Entry { key, value } in self.section(section, so_far, "identifiers") {
            let named = self.claim("identifiers", key, "the rules");
            let body = identifiers::identifier(value, &mut self.report);
            if let Some(body) = body.filter(|_| named) {
                self.declarations.identifiers.push(Named { name: key.clone(), body });
            }
        }
    }

    fn events(&mut self, section: Option<&Node>) {
        for Entry { key, value } in self.section(section, self.declarations.events.len(), "events") {
            let named = is_name(&key.value, "an event", key.span, &mut self.report)
                && self.claim("events", key, "the event");
            match attributes::event_table(value, &mut self.report) {
                Some(entries) => {
                    let entries = bounded(entries, 0, "properties", MAX_DECLARATIONS, &mut self.report);
                    let left_out = &mut self.declarations.left_out;
                    let body = attributes::event(entries, left_out, &mut self.report);
                    if named {
                        self.declarations.events.push(Named { name: key.clone(), body });
                    }
                }
                None => self.leave_out(&key.value),
            }
        }
    }

    fn history(&mut self, node: &Node) {
        let Some(fields) = Fields::open(node, &HISTORY, &mut self.report) else { return };
        if let Some(node) = self.setting(&fields, "margin") {
            self.declarations.history_margin = history::kept(node, &mut self.report);
        }
        let so_far = self.declarations.kept_events.len();
        for Entry { key, value } in self.section(fields.get("keep"), so_far, "events to keep") {
            let named = self.claim("keep", key, "how long to keep the event");
            if let Some(body) = history::kept(value, &mut self.report).filter(|_| named) {
                self.declarations.kept_events.push(Named { name: key.clone(), body });
            }
        }
        fields.close();
    }

    fn purchases(&mut self, section: Option<&Node>) {
        for Entry { key, value } in self.section(section, self.declarations.purchases.len(), "purchases") {
            let named = self.claim("purchases", key, "the purchase");
            if let Some(body) = offers::purchase(value, &mut self.report).filter(|_| named) {
                self.declarations.purchases.push(Named { name: key.clone(), body });
            }
        }
    }

    /// The entries of a section, as many as are still allowed.
    fn section<'n>(&mut self, node: Option<&'n Node>, so_far: usize, what: &str) -> &'n [Entry] {
        let entries = node.and_then(|node| table(node, &mut self.report)).unwrap_or_default();
        let most =
            if matches!(what, "segments" | "personalizations") { MAX_DEFINITIONS } else { MAX_DECLARATIONS };
        bounded(entries, so_far, what, most, &mut self.report)
    }

    /// Whether `key` can be the name of `what`, one of the things that conditions name without quotes.
    fn bare_name(&mut self, key: &Spanned<String>, what: &str, the: &'static str) -> bool {
        is_bare_name(&key.value, what, key.span, &mut self.report)
            && self.bare_names.claim(key, the, &mut self.report)
    }

    fn leave_out(&mut self, name: &str) {
        self.declarations.left_out.push(name.to_owned());
    }
}

/// What reads an entry of a section by its value alone.
fn of<T>(read: impl Fn(&Node, &mut Report) -> Option<T>) -> impl Fn(&Entry, &mut Report) -> Option<T> {
    move |entry, report| read(&entry.value, report)
}

/// The first of `entries`, so that with the `so_far` ones there are at most `most`.
fn bounded<'n>(
    entries: &'n [Entry],
    so_far: usize,
    what: &str,
    most: usize,
    report: &mut Report,
) -> &'n [Entry] {
    let room = most.saturating_sub(so_far);
    if let Some(first_beyond) = entries.get(room) {
        let message = format!("{} {what}; at most {most} are allowed", so_far + entries.len());
        report.push(Finding::error("too_many", first_beyond.key.span, message));
    }
    &entries[..room.min(entries.len())]
}

#[cfg(test)]
mod tests {
    use crate::base::time::Duration;
    use std::path::Path;

    use super::*;
    use crate::model::declaration::SegmentDeclaration;

    /// The declarations without their places.
    fn plain(declarations: &Declarations) -> String {
        let text = format!("{declarations:?}");
        let mut plain = String::new();
        let mut rest = text.as_str();
        while let Some(start) = rest.find("span: Span {") {
            plain += &rest[..start];
            rest = &rest[start + rest[start..].find('}').unwrap() + 1..];
        }
        plain += rest;
        let mut parts = plain.split("runs: [");
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |so_far, part| so_far + &part[part.find(']').unwrap()..])
    }

    fn of_toml(text: &str) -> (Declarations, Report) {
        decode(&CatalogText::from_toml(&format!("schema = 1\n{text}")))
    }

    /// `line:column code: message` of each finding of a catalog, less its first line; then `| help`.
    fn findings(text: &str) -> Vec<String> {
        let (declarations, report) = of_toml(text);
        assert!(report.has_errors() || declarations.left_out.is_empty());
        let line = |finding: crate::base::diagnostic::LocatedFinding<'_>| {
            let help = finding.help.map_or_else(String::new, |help| format!(" | {help}"));
            format!("{}:{} {}: {}{help}", finding.line - 1, finding.column, finding.code, finding.message)
        };
        report.located().map(line).collect()
    }

    fn finding(text: &str) -> String {
        let mut findings = findings(text);
        assert_eq!(findings.len(), 1, "{text}: {findings:#?}");
        findings.remove(0)
    }

    #[test]
    fn the_example_is_the_same_in_every_form() {
        let read = |path: &str| {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/catalogs").join(path);
            let (declarations, report) = decode(&CatalogText::read(&path).unwrap());
            assert_eq!(report.to_string(), "");
            declarations
        };
        let toml = read("design.toml");
        assert_eq!(plain(&toml), plain(&read("design.json")));
        assert_eq!(plain(&toml), plain(&read("design")));
        let names = |names: Vec<&str>| names.join(" ");
        assert_eq!(
            names(toml.attributes.iter().map(|a| a.name.value.as_str()).collect()),
            "first_name loyalty_tier ltv email"
        );
        assert_eq!(
            names(toml.segments.iter().map(|s| s.name.value.as_str()).collect()),
            "vip hot cart_abandoner lapsed"
        );
        let email = &toml.attributes[3].body;
        assert!(email.identifier && email.sensitive && !email.required);
        assert_eq!(toml.attributes[2].body.default, Some(crate::model::value::Value::Float(0.0)));
        assert_eq!(toml.attributes[1].body.values.len(), 3);
        assert_eq!(toml.events[0].body[2].body.ty.to_string(), "float");
        assert_eq!(toml.personalizations[0].body.offers[0].name.value, "vip-preview");
        let SegmentDeclaration::Condition(vip) = &toml.segments[0].body else { panic!("a condition") };
        assert_eq!(vip.value, r#"ltv > 500.0 || loyalty_tier == "gold""#);
    }

    #[test]
    fn settings_are_read() {
        let (declarations, report) =
            of_toml("strict = true\nmax_skew = \"1m30s\"\nlimits.entries_per_aggregate = 7");
        assert!(report.findings().is_empty());
        assert!(declarations.strict);
        assert_eq!(declarations.max_skew.map(Duration::millis), Some(90_000));
        assert_eq!(declarations.entries_per_aggregate, Some(7));
    }

    #[test]
    fn the_schema_is_required_and_known() {
        let (_, report) = decode(&CatalogText::from_toml("strict = true"));
        assert_eq!(report.findings()[0].message, "the catalog does not say its `schema`");
        let (_, report) = decode(&CatalogText::from_toml("schema = 2"));
        assert_eq!(report.findings()[0].code, "unknown_schema");
        let (_, report) = decode(&CatalogText::from_json("[]"));
        assert_eq!(report.findings()[0].message, "expected a table, found a list");
    }

    #[test]
    fn unknown_keys_are_errors_with_the_nearest_key() {
        assert_eq!(
            finding("[attribute]\nltv = \"float\""),
            "1:2 unknown_key: unknown key `attribute`: a catalog has no such key | did you mean `attributes`? known here: \
             `schema`, `strict`, `max_skew`, `limits`, `attributes`, `identifiers`, `events`, `context`, `purposes`, `history`, `computed`, `segments`, `experiments`, `holdouts`, `caps`, `purchases`, `quantiles`, `rfm`, `scores`, `affinities`, `crowd`, `personalizations`, `placements`, `goals`, `imports`"
        );
        assert_eq!(
            finding("[segments]\nvip = { wen = 'ltv > 1', members = [] }"),
            "2:9 unknown_key: unknown key `wen`: a segment has no such key | did you mean `when`? known here: `when`, \
             `members`, `list`, `description`"
        );
        assert!(
            finding("[attributes]\na = { type = \"int\", required = true }")
                .starts_with("2:21 misplaced_key: an attribute has no `required` | only a property")
        );
        assert!(
            finding("[events.E]\na = { type = \"int\", default = 1 }")
                .starts_with("2:21 misplaced_key: a property has no `default` | it belongs to an attribute")
        );
    }

    #[test]
    fn wrong_types_are_named_with_what_was_found() {
        assert_eq!(finding("strict = 1"), "1:10 wrong_type: expected a bool, found an integer");
        assert_eq!(
            finding("segments.vip = 1.5"),
            "1:16 wrong_type: expected a condition, as a string, or a table, found a float"
        );
        assert_eq!(
            finding("events.E = \"int\""),
            "1:12 wrong_type: expected a table of properties, found a string | an event is a table of its properties, such as `{ price = \"float\" }`"
        );
        assert_eq!(
            finding("personalizations.p.offers = [1]"),
            "1:30 wrong_type: expected a table, found an integer"
        );
        assert_eq!(finding("max_skew = \"5 min\"").split(':').nth(1), Some("12 bad_duration"));
        assert_eq!(
            finding("limits.entries_per_aggregate = 0"),
            "1:32 out_of_range: `entries_per_aggregate` is 1 to 1000000, not 0"
        );
    }

    #[test]
    fn names_must_be_usable_where_they_are_used() {
        assert!(finding("attributes.first-name = \"int\"").ends_with("such as `first_name`"));
        assert!(finding("segments.now = 'true'").starts_with(
            "1:10 bad_name: `now` cannot be the name of a segment: conditions give it another meaning"
        ));
        assert_eq!(
            finding("computed.\"\" = '1'"),
            "1:10 bad_name: the name of a computed attribute is empty"
        );
        assert!(
            finding(&format!("[events]\n{} = {{}}", "a".repeat(257)))
                .ends_with("has 257 bytes; at most 256 are allowed")
        );
        let (declarations, report) =
            of_toml("[events.\"Any, näme\"]\n\"unit price\" = \"float\"\nsize = \"string\"\n");
        assert!(!report.has_errors());
        assert_eq!(report.findings().len(), 1);
        assert_eq!(report.findings()[0].code, "unreadable_name");
        assert_eq!(declarations.events[0].body.len(), 2);
    }

    #[test]
    fn a_name_is_given_once() {
        assert_eq!(
            finding("[attributes]\nvip = \"bool\"\n[segments]\nvip = 'true'"),
            "4:1 duplicate: `vip` is the name of the attribute already | the other one is at <catalog>:3"
        );
        let offers =
            "[[personalizations.p.offers]]\nname = \"a\"\n[[personalizations.p.offers]]\nname = \"a\"";
        assert_eq!(
            finding(offers),
            "4:8 duplicate: the offer `a` is written twice | the other one is at <catalog>:3"
        );
    }

    #[test]
    fn duplicates_across_files_name_the_other_place() {
        let folder = std::env::temp_dir().join(format!("habitue-duplicates-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("a.toml"), "schema = 1\nstrict = true\n[events.E]\n").unwrap();
        std::fs::write(
            folder.join("b.json"),
            "{\"strict\": true, \"events\": {\"E\": {}},\n \"segments\": {\"s\": \"t\"}}",
        )
        .unwrap();
        std::fs::write(folder.join("c.toml"), "schema = 1\nsegments.s = 't'\n").unwrap();
        let (declarations, report) = decode(&CatalogText::read(&folder).unwrap());
        let found: Vec<_> = report
            .located()
            .map(|at| {
                format!("{}:{}:{} {} | {}", at.file, at.line, at.column, at.message, at.help.unwrap_or(""))
            })
            .map(|line| line.replace(&format!("{}/", folder.display()), ""))
            .collect();
        assert_eq!(
            found,
            [
                "b.json:1:2 `strict` is written twice | the other one is at a.toml:2",
                "b.json:1:29 the event `E` is written twice | the other one is at a.toml:3",
                "c.toml:2:10 the segment `s` is written twice | the other one is at b.json:2",
            ]
        );
        assert_eq!(declarations.segments.len(), 1);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn all_that_is_wrong_is_found_in_one_run() {
        let text = "strict = 1\n[attributes]\na = \"strng\"\nb = \"int\"\n[segments]\nc = 3\nd = 'a > 1'\n";
        assert_eq!(findings(text).len(), 3);
        let (declarations, _) = of_toml(text);
        assert_eq!((declarations.attributes.len(), declarations.segments.len()), (1, 1));
        assert_eq!(declarations.left_out, ["a", "c"]);
        let (_, report) = decode(&CatalogText::from_toml("schema 1"));
        assert_eq!(
            report.located().map(|at| (at.code, at.line, at.column)).collect::<Vec<_>>(),
            [("syntax", 1, 8)]
        );
    }

    #[test]
    fn texts_and_lists_are_bounded() {
        let long = "x".repeat(8 * 1024 + 1);
        assert_eq!(
            finding(&format!("segments.a = '{long}'")).split(": ").nth(1),
            Some("a condition of 8193 bytes; at most 8192 are allowed")
        );
        let many: String = (0..=MAX_DECLARATIONS).map(|number| format!("p{number} = \"int\"\n")).collect();
        assert_eq!(
            finding(&format!("[events.E]\n{many}")),
            "10002:1 too_many: 10001 properties; at most 10000 are allowed"
        );
    }

    #[test]
    fn a_text_that_is_too_large_is_not_parsed() {
        let (_, report) = decode(&CatalogText::from_toml(&"[".repeat(MAX_CATALOG_BYTES + 1)));
        assert_eq!(report.findings().iter().map(|finding| finding.code).collect::<Vec<_>>(), ["too_large"]);
    }

    /// Characters of the examples are replaced, dropped and repeated at random; nothing may panic, and
    /// every finding must have a place that can be shown.
    #[test]
    fn damaged_catalogs_are_reported_calmly() {
        let toml = include_str!("../../examples/catalogs/design.toml").to_owned()
            + "[computed.x]\nvalue = \"\"\"\na \\u00e9 \\\n  b\"\"\"\n";
        let json = include_str!("../../examples/catalogs/design.json");
        let alphabet: Vec<char> = "\"'\\[]{}=.,:#\r\n\té😀u0x1-".chars().collect();
        let mut state: u64 = 7;
        let mut random = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as usize % below
        };
        for round in 0..4_000 {
            let mut text: Vec<char> = if round % 2 == 0 { toml.chars() } else { json.chars() }.collect();
            for _ in 0..=random(4) {
                let (at, letter) = (random(text.len()), alphabet[random(alphabet.len())]);
                match random(3) {
                    0 => text[at] = letter,
                    1 => text.insert(at, letter),
                    _ => drop(text.remove(at)),
                }
            }
            let text: String = text.into_iter().collect();
            let catalog =
                if round % 2 == 0 { CatalogText::from_toml(&text) } else { CatalogText::from_json(&text) };
            let (_, report) = decode(&catalog);
            assert_eq!(report.to_string().is_empty(), report.findings().is_empty(), "round {round}: {text}");
        }
    }

    #[test]
    fn segments_and_computed_say_what_they_need() {
        assert_eq!(
            finding("segments.a = {}"),
            "1:14 missing_key: a segment needs a condition, `when`, or a list of `members`, or `list = true`"
        );
        assert!(finding("segments.a = { when = 'x', members = [] }").starts_with("1:28 misplaced_key"));
        assert_eq!(finding("computed.a = {}"), "1:14 missing_key: a computed attribute needs a `value`");
        assert!(finding("segments.a.members = [\"\"]").contains("bad_id"));
        assert!(finding("personalizations.a.strategy = \"frist\"").contains("did you mean `first`?"));
        assert_eq!(
            finding("personalizations.a.fallback = {}"),
            "1:31 missing_key: a fallback needs a `name`"
        );
    }
}
