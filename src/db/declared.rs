//! What a catalog declares, by name, for programs that make messages of something else or write answers
//! down.

use std::collections::BTreeMap;

use crate::base::names::{Names, nearest};
use crate::db::catalog::Catalog;
use crate::db::database::Database;
use crate::model::declaration::FieldDeclaration;
use crate::model::import_mapping::ImportMapping;
use crate::model::value::Type;
use crate::rules::definitions::{Definitions, SegmentDefinition};
use crate::rules::typing::type_of;

/// What a catalog declares, in the order written.
///
/// ```
/// use habitue::{Catalog, Type};
///
/// let declared = Catalog::from_toml("schema = 1\n[attributes]\npoints = \"int\"\n")?.declared();
/// assert_eq!(declared.attribute("points"), Some(&Type::Int));
/// assert_eq!(declared.near_attribute("pionts"), Some("points"));
/// # Ok::<(), habitue::CatalogError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Declared {
    /// Whether what is not declared is refused.
    pub strict: bool,
    /// The attributes.
    pub attributes: Vec<DeclaredName>,
    /// The computed attributes; [`Type::Any`] if the type is not certain.
    pub computed: Vec<DeclaredName>,
    /// The events and their properties.
    pub events: BTreeMap<String, Vec<DeclaredName>>,
    /// The segments.
    pub segments: Vec<String>,
    /// Those of the segments that are lists, whose members can be published.
    pub lists: Vec<String>,
    /// How rows of files become messages, by name.
    pub imports: BTreeMap<String, ImportMapping>,
}

/// A name and its type.
#[derive(Clone, Debug, PartialEq)]
pub struct DeclaredName {
    /// The name.
    pub name: String,
    /// The type.
    pub ty: Type,
}

impl Catalog {
    /// What the catalog declares.
    pub fn declared(&self) -> Declared {
        Declared::of(&self.definitions)
    }
}

impl Database {
    /// What the catalog in force declares.
    pub fn declared(&self) -> Declared {
        Declared::of(&self.shards.program().definitions)
    }
}

impl Declared {
    fn of(definitions: &Definitions) -> Declared {
        let fields = |names: &Names, fields: &[FieldDeclaration]| {
            let pairs = names.iter().zip(fields);
            pairs.map(|(name, field)| DeclaredName { name: name.to_owned(), ty: field.ty.clone() }).collect()
        };
        let computed =
            definitions.computed_names.iter().zip(&definitions.computed).map(|(name, computed)| {
                DeclaredName { name: name.to_owned(), ty: type_of(&computed.value, definitions) }
            });
        let events = definitions.event_names.iter().zip(&definitions.events);
        let segments = definitions.segment_names.iter().zip(&definitions.segments);
        let lists = segments.filter(|(_, segment)| matches!(segment, SegmentDefinition::Members(_)));
        Declared {
            strict: definitions.strict,
            attributes: fields(&definitions.attribute_names, &definitions.attributes),
            computed: computed.collect(),
            events: events
                .map(|(name, event)| (name.to_owned(), fields(&event.property_names, &event.properties)))
                .collect(),
            segments: definitions.segment_names.iter().map(str::to_owned).collect(),
            lists: lists.map(|(name, _)| name.to_owned()).collect(),
            imports: definitions.imports.clone(),
        }
    }

    /// The type of an attribute that is not computed.
    pub fn attribute(&self, name: &str) -> Option<&Type> {
        type_among(&self.attributes, name)
    }

    /// The type of a property of an event.
    pub fn property(&self, event: &str, name: &str) -> Option<&Type> {
        type_among(self.events.get(event)?, name)
    }

    /// The attribute that is probably meant by a name.
    pub fn near_attribute(&self, name: &str) -> Option<&str> {
        nearest(name, self.attributes.iter().map(|known| &*known.name))
    }

    /// The property of an event that is probably meant by a name.
    pub fn near_property(&self, event: &str, name: &str) -> Option<&str> {
        nearest(name, self.events.get(event)?.iter().map(|known| &*known.name))
    }

    /// The list that is probably meant by a name.
    pub fn near_list(&self, name: &str) -> Option<&str> {
        nearest(name, self.lists.iter().map(String::as_str))
    }

    /// The import that is probably meant by a name.
    pub fn near_import(&self, name: &str) -> Option<&str> {
        nearest(name, self.imports.keys().map(String::as_str))
    }
}

fn type_among<'a>(names: &'a [DeclaredName], name: &str) -> Option<&'a Type> {
    names.iter().find(|known| known.name == name).map(|known| &known.ty)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::catalog::CatalogError;
    use crate::model::import_mapping::ImportKind;

    const HEAD: &str = "schema = 1\n[attributes]\ntier = \"string\"\n[computed]\nn = 'size(tier)'\n[segments]\nl = { list = true }\ns = 'n > 1'\n[events.E]\np = \"int\"\n";

    /// `code: message | help` of each finding of a catalog with this import.
    fn findings(head: &str, import: &str) -> Vec<String> {
        let text = format!("{head}{HEAD}[imports.i]\n{import}\n");
        let report = match Catalog::from_toml(&text) {
            Ok(catalog) => catalog.report().clone(),
            Err(CatalogError::Invalid(report)) => report,
            Err(error) => panic!("{error}"),
        };
        let line = |finding: &crate::base::diagnostic::Finding| {
            format!("{}: {} | {}", finding.code, finding.message, finding.help.as_deref().unwrap_or_default())
        };
        report.findings().iter().map(line).collect()
    }

    #[test]
    fn what_an_import_says_is_declared() {
        let import = "kind = \"track\"\nevent = \"E\"\nuser = \"u\"\ncolumns = { c = \"p\" }\nnull = [\"-\"]\nrepeats = true";
        let catalog = Catalog::from_toml(&format!("{HEAD}[imports.i]\n{import}\n")).unwrap();
        assert!(catalog.report().findings().is_empty());
        let declared = catalog.declared();
        let mapping = &declared.imports["i"];
        assert_eq!(mapping.kind, ImportKind::Track("E".to_owned()));
        assert_eq!((mapping.columns["c"].as_str(), mapping.repeats), ("p", true));
        assert_eq!(declared.property("E", "p"), Some(&Type::Int));
        assert_eq!(declared.computed, [DeclaredName { name: "n".to_owned(), ty: Type::Int }]);
        assert_eq!(declared.near_import("j"), Some("i"));
        assert_eq!((declared.lists.as_slice(), declared.near_list("k")), (&["l".to_owned()][..], Some("l")));
        let import = "kind = \"list\"\nlist = \"l\"\nuser = \"u\"\nnull = [\"-\"]\ndelimiter = \";\"";
        let catalog = Catalog::from_toml(&format!("{HEAD}[imports.i]\n{import}\n")).unwrap();
        assert!(catalog.report().findings().is_empty());
        assert_eq!(catalog.declared().imports["i"].kind, ImportKind::List("l".to_owned()));
    }

    #[test]
    fn an_import_that_cannot_work_is_an_error() {
        for (import, expected) in [
            ("user = \"u\"", "missing_key: an import needs a `kind`"),
            ("kind = \"track\"", "missing_key: an import of events needs an `event`"),
            ("kind = \"trakc\"", "unknown_name: `kind` cannot be `trakc` | did you mean `track`?"),
            ("kind = \"identify\"\nevent = \"E\"", "misplaced_key: attributes are of no event and no list"),
            ("kind = \"track\"\nevent = \"E\"\nlist = \"l\"", "misplaced_key: events are of no list"),
            (
                "kind = \"list\"\nlist = \"l\"\nevent = \"E\"",
                "misplaced_key: members of a list are of no event",
            ),
            (
                "kind = \"list\"\nlist = \"l\"\nid = \"c\"",
                "misplaced_key: a row of a list is an id, and nothing else",
            ),
            ("kind = \"list\"", "missing_key: an import of members needs a `list`"),
            ("kind = \"list\"\nlist = \"k\"", "unknown_name: there is no list `k` | did you mean `l`?"),
            (
                "kind = \"list\"\nlist = \"s\"",
                "unknown_name: there is no list `s` | it is a segment with a condition",
            ),
            (
                "kind = \"track\"\nevent = \"E\"\nevent_column = \"e\"",
                "misplaced_key: an import has an `event` or an `event_column`, not both",
            ),
            ("kind = \"identify\"\nzone = \"Mars\"", "bad_time_format: there is no time zone `Mars`"),
            (
                "kind = \"identify\"\ntime_format = \"%H:%M\"",
                "bad_time_format: `00:00` is not a time as `%H:%M` has it",
            ),
            (
                "kind = \"identify\"\ntime_format = \"%d.%m.%Y\"",
                "bad_time_format: `01.01.1970` has no offset",
            ),
            ("kind = \"identify\"\ndelimiter = \";;\"", "bad_delimiter: a delimiter is one ASCII character"),
            (
                "kind = \"identify\"\ncolumns = { c = \"n\" }",
                "unknown_name: there is no attribute `n` | it follows from what is known",
            ),
            (
                "kind = \"identify\"\ncolumns = { c = \"teir\" }",
                "undeclared_import: there is no attribute `teir` | did you mean `tier`?",
            ),
            (
                "kind = \"track\"\nevent = \"E\"\ncolumns = { c = \"q\" }",
                "undeclared_import: there is no property `q`",
            ),
        ] {
            let found = findings("", import);
            assert_eq!(found.len(), 1, "{import}: {found:?}");
            assert!(found[0].starts_with(expected), "{}", found[0]);
        }
        let found = findings("strict = true\n", "kind = \"track\"\nevent = \"F\"");
        assert!(found[0].starts_with("unknown_name: there is no event `F`"), "{found:?}");
    }
}
