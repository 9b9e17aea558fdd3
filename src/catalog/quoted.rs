//! Where each byte of a quoted string lies in the file.
//!
//! The parsers decode strings, but do not say what became of each escape. This file goes over the same
//! characters once more and notes where runs of unchanged bytes begin, so that a caret under a part of
//! a condition stands under the right character. It trusts the parser that the string is well formed.
//!
//! A string without escapes costs one pair of numbers.

use crate::base::source_text::{Span, Text};

/// The text of a quoted string: `value` as the parser decoded it, written as `raw` at `span`.
pub(super) fn text(value: String, raw: &str, span: Span) -> Text {
    let (opening, escapes) = match raw.as_bytes() {
        [b'\'', b'\'', b'\'', ..] => (3, Escapes::None),
        [b'\'', ..] => (1, Escapes::None),
        [b'"', b'"', b'"', ..] => (3, Escapes::Backslash),
        _ => (1, Escapes::Backslash),
    };
    let start = opening + if opening == 3 { leading_newline(&raw[opening..]) } else { 0 };
    let mut runs = vec![(0, start)];
    let end = raw.len().saturating_sub(opening).max(start);
    let mut decoded = end - start;
    if escapes == Escapes::Backslash {
        decoded = escaped_runs(&raw[..end], start, &mut runs);
    }
    debug_assert_eq!(decoded, value.len(), "the parser decodes {raw} alike");
    if decoded != value.len() {
        return Text::new(value, span, Vec::new());
    }
    let runs = runs.into_iter().map(|(at, source)| (number(at), span.start + number(source))).collect();
    Text::new(value, span, runs)
}

/// Whether a backslash means something in a string.
#[derive(PartialEq, Eq)]
enum Escapes {
    None,
    Backslash,
}

/// Files are far smaller than 2^32 bytes.
fn number(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

/// Length of the newline that TOML cuts from the beginning of a multi-line string.
fn leading_newline(inner: &str) -> usize {
    match inner.as_bytes() {
        [b'\n', ..] => 1,
        [b'\r', b'\n', ..] => 2,
        _ => 0,
    }
}

/// Adds the runs after each escape of `raw[start..]`, and returns the length of the decoded text.
fn escaped_runs(raw: &str, start: usize, runs: &mut Vec<(usize, usize)>) -> usize {
    let mut decoded = 0;
    let mut at = start;
    while let Some(plain) = raw[at..].find('\\') {
        decoded += plain;
        at += plain;
        let (source_length, decoded_length) = escape(&raw[at..]);
        runs.push((decoded, at));
        decoded += decoded_length;
        at += source_length;
        runs.push((decoded, at));
    }
    // A run of no bytes is followed by one of the same place in the text, which is the one to keep.
    runs.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            *kept = *next;
        }
        same
    });
    decoded + raw.len() - at
}

/// How many bytes the escape at the start of `rest` takes, and how many it stands for.
fn escape(rest: &str) -> (usize, usize) {
    match rest.as_bytes().get(1) {
        Some(b'x') => (4, character(rest, 2, 2)),
        Some(b'U') => (10, character(rest, 2, 8)),
        Some(b'u') => match code_point(rest, 2, 4) {
            Some(0xD800..=0xDBFF) => (12, 4),
            _ => (6, character(rest, 2, 4)),
        },
        Some(b' ' | b'\t' | b'\r' | b'\n') => {
            let gap = rest[1..].bytes().take_while(|byte| b" \t\r\n".contains(byte)).count();
            (1 + gap, 0)
        }
        _ => (rest.len().min(2), 1),
    }
}

fn code_point(rest: &str, start: usize, digits: usize) -> Option<u32> {
    u32::from_str_radix(rest.get(start..start + digits)?, 16).ok()
}

fn character(rest: &str, start: usize, digits: usize) -> usize {
    code_point(rest, start, digits).and_then(char::from_u32).map_or(0, char::len_utf8)
}

#[cfg(test)]
mod tests {
    use crate::catalog::{CatalogText, decode};
    use crate::model::declaration::SegmentDeclaration;

    /// What stands in the file at the place of `part` of the only segment's condition.
    fn found(catalog: &CatalogText, part: &str) -> String {
        let (declarations, report) = decode(catalog);
        assert_eq!(report.to_string(), "");
        let SegmentDeclaration::Condition(text) = &declarations.segments[0].body else {
            panic!("a condition")
        };
        let start = text.value.find(part).unwrap_or_else(|| panic!("{part:?} in {:?}", text.value));
        let span = text.locate(start, start + part.len());
        catalog.files()[0].text[span.start as usize..span.end as usize].to_owned()
    }

    #[test]
    fn parts_of_toml_strings_are_found() {
        for (written, part, expected) in [
            ("'ltv > 5'", "> 5", "> 5"),
            ("'it\\n > 5'", "> 5", "> 5"),
            ("\"a == \\\"x\\\" && ltv\"", "ltv", "ltv"),
            ("\"a == \\\"x\\\" && ltv\"", "\"x\"", "\\\"x\\"),
            ("\"\\u00e9\\U0001F600\\x41 ltv\"", "ltv", "ltv"),
            ("\"\\u00e9\\U0001F600\\x41 ltv\"", "\u{e9}", "\\u"),
            ("\"\\tltv\\\\\"", "ltv", "ltv"),
            ("'''\nltv\n  > 5'''", "> 5", "> 5"),
            ("'''\r\nltv\r\n  > 5'''", "ltv\r\n  > 5", "ltv\r\n  > 5"),
            ("\"\"\"\nltv \\\n     > \\\"5\\\"\"\"\"", "> ", "> "),
            ("\"\"\"\\\r\n   ltv > 5\"\"\"", "ltv", "ltv"),
            ("\"\"\"ltv == \"5\"\"\"\"", "\"5\"", "\"5\""),
            ("''''5' == ltv'''", "ltv", "ltv"),
        ] {
            let catalog = CatalogText::from_toml(&format!("schema = 1\n[segments]\nvip = {written}\n"));
            assert_eq!(found(&catalog, part), expected, "{written}");
        }
    }

    #[test]
    fn parts_of_json_strings_are_found() {
        for (written, part, expected) in [
            (r#""ltv > 5""#, "> 5", "> 5"),
            (r#""a == \"x\" \/\\ && ltv""#, "ltv", "ltv"),
            (r#""\u00e9 \ud83d\ude00 \u0041 ltv""#, "ltv", "ltv"),
            (r#""é😀\n ltv""#, "ltv", "ltv"),
        ] {
            let catalog =
                CatalogText::from_json(&format!("{{\"schema\": 1, \"segments\": {{\"vip\": {written}}}}}"));
            assert_eq!(found(&catalog, part), expected, "{written}");
        }
    }

    #[test]
    fn the_end_of_a_text_is_its_closing_quote() {
        for written in ["'a >'", "\"a >\"", "\"a \\u003e\"", "\"\"\"a >\"\"\"", "''", "\"\""] {
            let catalog = CatalogText::from_toml(&format!("schema = 1\n[segments]\nvip = {written}\n"));
            let (declarations, _) = decode(&catalog);
            let SegmentDeclaration::Condition(text) = &declarations.segments[0].body else {
                panic!("a condition")
            };
            let span = text.locate(text.value.len(), text.value.len());
            assert_eq!(&catalog.files()[0].text[span.start as usize..][..1], &written[..1], "{written}");
        }
    }

    #[test]
    fn a_caret_stands_under_the_part() {
        let catalog =
            CatalogText::from_json(r#"{"schema": 1, "segments": {"vip": "tier == \"gold\" && ltw > 5"}}"#);
        let (declarations, mut report) = decode(&catalog);
        let SegmentDeclaration::Condition(text) = &declarations.segments[0].body else {
            panic!("a condition")
        };
        let start = text.value.find("ltw").unwrap();
        report.push(crate::base::diagnostic::Finding::error(
            "unknown_name",
            text.locate(start, start + 3),
            "unknown `ltw`",
        ));
        assert_eq!(
            report.to_string(),
            "<catalog>:1:56: error: unknown `ltw`\n    \
             {\"schema\": 1, \"segments\": {\"vip\": \"tier == \\\"gold\\\" && ltw > 5\"}}\n    \
             \u{20}                                                      ^^^\n"
        );
    }
}
