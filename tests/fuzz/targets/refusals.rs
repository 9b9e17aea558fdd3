//! What the targets share: a catalog that is refused must say where and why.

use habitue::{Catalog, CatalogError};

/// The compiled catalog, or `None` if it is refused, with a place and words for each finding.
pub fn compile(text: &str) -> Option<Catalog> {
    let report = match Catalog::from_toml(text) {
        Ok(catalog) => return Some(catalog),
        Err(CatalogError::Unreadable(error)) => panic!("nothing is read: {error}"),
        Err(CatalogError::Invalid(report)) => report,
    };
    assert!(report.has_errors());
    for finding in report.located() {
        assert!(!finding.message.is_empty() && finding.length >= 1);
        let line = text.split('\n').nth(finding.line - 1);
        let line = line.unwrap_or_else(|| panic!("no line {} in the catalog", finding.line));
        assert!(finding.column <= line.chars().count() + 1, "column {}: {line}", finding.column);
    }
    assert!(!report.to_string().is_empty());
    None
}
