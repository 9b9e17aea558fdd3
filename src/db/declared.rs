//! What a catalog declares, by name, for programs that make messages of something else or write answers
//! down.

use std::collections::BTreeMap;

use crate::base::names::{Names, nearest};
use crate::db::catalog::Catalog;
use crate::db::database::Database;
use crate::model::declaration::FieldDeclaration;
use crate::model::import_mapping::ImportMapping;
use crate::model::value::Type;
use crate::rules::definitions::Definitions;
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
        Declared {
            strict: definitions.strict,
            attributes: fields(&definitions.attribute_names, &definitions.attributes),
            computed: computed.collect(),
            events: events
                .map(|(name, event)| (name.to_owned(), fields(&event.property_names, &event.properties)))
                .collect(),
            segments: definitions.segment_names.iter().map(str::to_owned).collect(),
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

    /// The import that is probably meant by a name.
    pub fn near_import(&self, name: &str) -> Option<&str> {
        nearest(name, self.imports.keys().map(String::as_str))
    }
}

fn type_among<'a>(names: &'a [DeclaredName], name: &str) -> Option<&'a Type> {
    names.iter().find(|known| known.name == name).map(|known| &known.ty)
}
