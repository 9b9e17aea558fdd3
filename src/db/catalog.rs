//! A catalog that was read, checked and found to be without errors.

use std::fmt;
use std::path::Path;

use crate::base::diagnostic::{Finding, Report};
use crate::base::error::{Error, ErrorKind};
use crate::catalog::{CatalogText, decode};
use crate::rules::check::check;
use crate::rules::definitions::Definitions;

/// A catalog, ready to be used by a database.
///
/// ```
/// use habitue::Catalog;
///
/// let catalog = Catalog::from_toml(r#"
///     schema = 1
///     [attributes]
///     points = "int"
///     [segments]
///     regular = 'points >= 100'
/// "#)?;
/// assert!(catalog.report().findings().is_empty());
///
/// let error = Catalog::from_toml("schema = 1\n[segments]\nregular = 'point >= 100'").unwrap_err();
/// assert!(error.to_string().contains("there is no"));
/// # Ok::<(), habitue::CatalogError>(())
/// ```
#[derive(Debug)]
pub struct Catalog {
    pub(crate) definitions: Definitions,
    /// What it was read from.
    pub(crate) text: CatalogText,
    report: Report,
}

/// Codes of findings that keep a file, or much of it, from being read. What it declares would be called
/// unknown wherever it is named, which says nothing of what is wrong.
const UNREAD: [&str; 4] = ["syntax", "too_large", "too_deep", "number"];

/// Why a catalog cannot be used.
#[derive(Debug)]
pub enum CatalogError {
    /// It has errors; the report names all that could be found in one run.
    Invalid(Report),
    /// A file or folder could not be read.
    Unreadable(Error),
}

impl Catalog {
    /// Reads a catalog from a TOML or JSON file, or from a folder of them.
    ///
    /// # Errors
    /// If a file cannot be read, or the catalog has errors.
    pub fn load(path: impl AsRef<Path>) -> Result<Catalog, CatalogError> {
        Catalog::from_text(CatalogText::read(path.as_ref()).map_err(CatalogError::Unreadable)?)
    }

    /// Reads a catalog from TOML text.
    ///
    /// # Errors
    /// If it has errors.
    pub fn from_toml(text: &str) -> Result<Catalog, CatalogError> {
        Catalog::from_text(CatalogText::from_toml(text))
    }

    /// Reads a catalog from JSON text of the same shape.
    ///
    /// # Errors
    /// If it has errors.
    pub fn from_json(text: &str) -> Result<Catalog, CatalogError> {
        Catalog::from_text(CatalogText::from_json(text))
    }

    pub(crate) fn from_text(text: CatalogText) -> Result<Catalog, CatalogError> {
        let (declarations, mut report) = decode(&text);
        let unread = |finding: &Finding| UNREAD.contains(&finding.code);
        if report.findings().iter().any(unread) {
            return Err(CatalogError::Invalid(report));
        }
        let definitions = check(&declarations, &mut report);
        report.sort();
        match definitions {
            Some(definitions) if !report.has_errors() => Ok(Catalog { definitions, text, report }),
            _ => Err(CatalogError::Invalid(report)),
        }
    }

    /// Warnings: what is probably not meant.
    pub fn report(&self) -> &Report {
        &self.report
    }
}

impl fmt::Display for CatalogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CatalogError::Invalid(report) => report.fmt(f),
            CatalogError::Unreadable(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for CatalogError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            CatalogError::Invalid(_) => None,
            CatalogError::Unreadable(error) => Some(error),
        }
    }
}

impl From<CatalogError> for Error {
    fn from(error: CatalogError) -> Error {
        match error {
            CatalogError::Unreadable(error) => error,
            CatalogError::Invalid(_) => {
                Error::new(ErrorKind::InvalidCatalog, "the catalog has errors").caused_by(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::*;
    use crate::base::clock::{Clock, ManualClock};
    use crate::base::time::{Duration, Time};
    use crate::db::database::Database;
    use crate::model::message::Message;
    use crate::model::value::Value;

    #[test]
    fn a_catalog_that_cannot_be_read_is_not_checked() {
        let folder = std::env::temp_dir().join(format!("habitue-unread-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("a.toml"), "schema = 1\nattributes.tier \"string\"\n").unwrap();
        std::fs::write(folder.join("b.toml"), "schema = 1\nsegments.vip = 'tier == \"gold\"'\n").unwrap();
        let Err(CatalogError::Invalid(report)) = Catalog::load(&folder) else { panic!("an invalid catalog") };
        assert_eq!(report.findings().iter().map(|finding| finding.code).collect::<Vec<_>>(), ["syntax"]);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn the_example_of_the_design_answers_as_it_says() {
        let json = Catalog::from_json(include_str!("../../examples/catalogs/design.json")).unwrap();
        assert_eq!(json.report().findings().len(), 3);
        let catalog = Catalog::from_toml(include_str!("../../examples/catalogs/design.toml")).unwrap();
        assert!(catalog.report().findings().iter().all(|finding| finding.code == "undeclared_event"));
        let start = Time::parse("2026-01-01T09:00:00Z").unwrap();
        let clock = ManualClock::new(start);
        let database = Database::in_memory_with_clock(catalog, Clock::Manual(clock.clone()));
        let track = |event: &str, id: &str| Message::track("ana", event).with_id(id).with_timestamp(start);
        database.apply(track("Product Added", "m1").with_property("product_id", "p1")).unwrap();
        clock.set(start + Duration::parse("48h").unwrap());
        assert!(database.is_member("ana", "cart_abandoner").unwrap());
        assert_eq!(database.decide("ana", "homepage").unwrap().decision.name(), Some("default"));
        for (id, total) in
            [("m2", Json::from(2)), ("m3", Json::from(0.5)), ("m4", Json::from("3")), ("m5", Json::Null)]
        {
            database.apply(track("Order Completed", id).with_property("total", total)).unwrap();
        }
        assert!(!database.is_member("ana", "cart_abandoner").unwrap());
        assert_eq!(database.attribute("ana", "spend_90d").unwrap(), Some(Value::Float(2.5)));
        assert_eq!(database.apply_and_decide(track("Logged In", "m6")).unwrap().1.len(), 1);
    }
}
