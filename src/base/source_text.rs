//! Files of text that people wrote, and places in them.
//!
//! A value read from a catalog keeps the place it came from, so that an error found much later (an
//! unknown name in a condition) still points at the right character of the right file. A [`Text`]
//! also remembers how its decoded characters lie in the file, because TOML and JSON strings may
//! hold escapes.

/// A file of text: its name as people know it, and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// The path as it was given, or `<catalog>` for text that has none.
    pub name: String,
    /// The whole text.
    pub text: String,
}

/// A place in a [`SourceFile`]: a range of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Span {
    /// Which file, counted from 0 in the order they were read.
    pub file: u32,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// A value and the place it was written.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Spanned<T> {
    /// The value.
    pub(crate) value: T,
    /// Where it was written.
    pub(crate) span: Span,
}

/// Text from a quoted string, with the place of each of its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Text {
    /// The decoded text.
    pub(crate) value: String,
    /// Where the string was written, quotes included.
    pub(crate) span: Span,
    /// Sorted pairs (offset in `value`, offset in the file) from which a run of equal bytes starts.
    runs: Vec<(u32, u32)>,
}

impl<T> Spanned<T> {
    /// `value`, written at `span`.
    pub(crate) fn new(value: T, span: Span) -> Spanned<T> {
        Spanned { value, span }
    }
}

impl Text {
    /// Text decoded from the quoted string at `span`; `runs` says where its bytes lie, as pairs
    /// (offset in the text, offset in the file), sorted, the first one for offset 0.
    pub(crate) fn new(value: String, span: Span, runs: Vec<(u32, u32)>) -> Text {
        Text { value, span, runs }
    }

    /// Text that nobody wrote, because of what was written at `span`.
    pub(crate) fn generated(value: String, span: Span) -> Text {
        Text { value, span, runs: Vec::new() }
    }

    /// The place in the file of the bytes `start..end` of the text.
    pub(crate) fn locate(&self, start: usize, end: usize) -> Span {
        if self.runs.is_empty() {
            return self.span;
        }
        let first = self.offset(start);
        let last = if end > start { self.offset(end - 1) + 1 } else { first };
        Span { file: self.span.file, start: first, end: last }
    }

    fn offset(&self, at: usize) -> u32 {
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        let run = self.runs.partition_point(|(decoded, _)| *decoded <= at).saturating_sub(1);
        let (decoded, source) = self.runs[run];
        source + (at - decoded)
    }
}

impl SourceFile {
    /// The line and column of a byte, both counted from 1; a column is a character.
    pub fn line_and_column(&self, offset: u32) -> (usize, usize) {
        let mut offset = (offset as usize).min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &self.text[..offset];
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (line, before[start..].chars().count() + 1)
    }
}
