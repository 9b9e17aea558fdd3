//! What the grocer wrote about each segment, for people: its chapter, description and condition.
//!
//! The library compiles the catalog and forgets how it was laid out; the report shows the text as it
//! was written. So this file reads the same TOML once more, and takes the chapters from the comments
//! `# --- Segments: … ---` between the tables.

use serde::Serialize;

/// A segment as the catalog's author described it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct SegmentText {
    pub(super) name: String,
    /// The chapter of the catalog that it stands in, such as `money and baskets`.
    pub(super) chapter: String,
    pub(super) description: String,
    /// The condition on as few lines as it was written, or what is said of a static list.
    pub(super) condition: String,
}

const CHAPTER: &str = "# --- Segments: ";

/// The segments of `catalog`, in the order of its text.
///
/// # Errors
/// If the text is not TOML.
pub(super) fn segments(catalog: &str) -> Result<Vec<SegmentText>, String> {
    let document: toml::Table =
        catalog.parse().map_err(|error| format!("the catalog is not TOML: {error}"))?;
    let mut chapter = String::new();
    let mut segments = Vec::new();
    for line in catalog.lines() {
        if let Some(title) = line.strip_prefix(CHAPTER) {
            chapter = title.trim_end_matches(['-', ' ']).to_owned();
        }
        let header = line.strip_prefix("[segments.").and_then(|rest| rest.strip_suffix(']'));
        let Some(name) = header else { continue };
        let Some(table) = document.get("segments").and_then(|segments| segments.get(name)) else { continue };
        let text = |key| table.get(key).and_then(toml::Value::as_str).unwrap_or_default();
        let condition = match table.get("members").and_then(toml::Value::as_array) {
            Some(members) => format!("a list of {} households, kept by hand", members.len()),
            None => unindented(text("when")),
        };
        let (name, description) = (name.to_owned(), text("description").to_owned());
        segments.push(SegmentText { name, chapter: chapter.clone(), description, condition });
    }
    Ok(segments)
}

/// The names of the personalizations of `catalog`, in the order of its text.
pub(super) fn personalizations(catalog: &str) -> Vec<String> {
    let header = |line: &str| Some(line.strip_prefix("[personalizations.")?.strip_suffix(']')?.to_owned());
    catalog.lines().filter_map(header).collect()
}

/// The lines of a condition without the indentation that they share.
fn unindented(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let indent = lines.iter().map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
    lines.iter().map(|line| &line[indent..]).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::sample::CATALOG;

    #[test]
    fn every_segment_has_a_chapter_and_a_condition() {
        let segments = segments(CATALOG).unwrap();
        assert_eq!(segments.len(), 44);
        for segment in &segments {
            assert!(!segment.chapter.is_empty() && !segment.condition.is_empty(), "{segment:?}");
        }
        assert_eq!(segments[0].chapter, "the course of a customer's life");
        assert_eq!(personalizations(CATALOG).len(), 6);
        assert_eq!(segments[0].condition, r#"now - first_order < duration("30d")"#);
    }
}
