//! Rows of a CSV file, of which the first names the columns.
//!
//! A quote that is left open would make one row of the rest of the file, so how much is read for one row is
//! bounded.

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;
use std::sync::Arc;

use csv::{ByteRecord, Reader, ReaderBuilder};

use super::row::{Cells, Row, Rows};

/// Longest row.
const MAX_ROW_BYTES: usize = 16 * 1024 * 1024;
/// What may stand between columns; of those that are equally frequent in the first line, the first.
const DELIMITERS: [u8; 4] = *b",;\t|";
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The rows of a CSV file.
pub(super) struct CsvRows<'a> {
    reader: Reader<Bounded<'a>>,
    /// How much may still be read for the row under way.
    room: Rc<Cell<usize>>,
    columns: Arc<[String]>,
    rows: u64,
}

/// A reader that stops when one row takes too much.
struct Bounded<'a> {
    reader: Box<dyn BufRead + 'a>,
    room: Rc<Cell<usize>>,
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        let Some(room) = self.room.get().checked_sub(read) else {
            return Err(io::Error::other("a row is longer than 16 MiB; is a quote left open?"));
        };
        self.room.set(room);
        Ok(read)
    }
}

impl<'a> CsvRows<'a> {
    pub(super) fn new(
        mut reader: Box<dyn BufRead + 'a>,
        delimiter: Option<char>,
    ) -> Result<CsvRows<'a>, String> {
        let head = reader.fill_buf().map_err(|error| error.to_string())?;
        let delimiter = delimiter.map_or_else(|| most_frequent(head), |letter| letter as u8);
        if head.starts_with(BYTE_ORDER_MARK) {
            reader.consume(BYTE_ORDER_MARK.len());
        }
        let room = Rc::new(Cell::new(MAX_ROW_BYTES));
        let bounded = Bounded { reader, room: Rc::clone(&room) };
        let mut reader = ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(bounded);
        let header = reader.byte_headers().map_err(|error| said(&error))?;
        let columns: Result<Vec<String>, _> =
            header.iter().map(|name| String::from_utf8(name.trim_ascii().to_vec())).collect();
        let columns = columns.map_err(|_| "line 1 is not UTF-8 text; save the file as UTF-8")?;
        if let Some(twice) = columns
            .iter()
            .enumerate()
            .find_map(|(place, name)| (!name.is_empty() && columns[..place].contains(name)).then_some(name))
        {
            return Err(format!("line 1 names the column `{twice}` twice"));
        }
        Ok(CsvRows { reader, room, columns: columns.into(), rows: 0 })
    }
}

impl Rows for CsvRows<'_> {
    fn columns(&self) -> Option<&[String]> {
        Some(&self.columns)
    }

    fn next_row(&mut self) -> Result<Option<Row>, String> {
        self.room.set(MAX_ROW_BYTES);
        let mut texts = ByteRecord::new();
        let is_there = self
            .reader
            .read_byte_record(&mut texts)
            .map_err(|error| format!("line {}: {}", self.reader.position().line(), said(&error)))?;
        if !is_there {
            return Ok(None);
        }
        self.rows += 1;
        let (has, wanted) = (texts.len(), self.columns.len());
        let flaw =
            (has != wanted).then(|| format!("it has {has} columns where the first line names {wanted}"));
        let line = texts.position().map(csv::Position::line);
        let columns = Arc::clone(&self.columns);
        Ok(Some(Row { number: self.rows, line, cells: Cells::Texts { columns, texts }, flaw }))
    }
}

/// An error without the place, which is said by who knows the file.
fn said(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Io(error) => error.to_string(),
        _ => error.to_string(),
    }
}

fn most_frequent(head: &[u8]) -> u8 {
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let (mut counts, mut is_quoted) = ([0_usize; DELIMITERS.len()], false);
    for byte in line {
        is_quoted ^= *byte == b'"';
        if let Some(place) = DELIMITERS.iter().position(|known| known == byte).filter(|_| !is_quoted) {
            counts[place] += 1;
        }
    }
    let most = counts.into_iter().max().unwrap_or_default();
    counts.iter().position(|count| *count == most).map_or(b',', |place| DELIMITERS[place])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of each row its line, how many columns it has, and what is wrong with it.
    type Seen = (Option<u64>, usize, Option<String>);

    fn rows(text: &'static str) -> Result<Vec<Seen>, String> {
        let mut rows = CsvRows::new(Box::new(text.as_bytes()), None)?;
        let mut all = Vec::new();
        while let Some(row) = rows.next_row()? {
            let Cells::Texts { texts, .. } = &row.cells else { panic!("texts") };
            all.push((row.line, texts.len(), row.flaw));
        }
        Ok(all)
    }

    #[test]
    fn the_first_line_says_what_stands_between_columns() {
        for (head, expected) in [
            ("a,b;c,d", b','),
            ("\u{feff}a;b", b';'),
            ("a\tb", b'\t'),
            ("\"a,b,c\"|d\nx,y,z", b'|'),
            ("a", b','),
        ] {
            assert_eq!(most_frequent(head.as_bytes()), expected, "{head}");
        }
    }

    #[test]
    fn rows_know_their_lines_and_what_is_wrong_with_them() {
        let found = rows("a,b\n1,\"two\nlines\"\n3\n4,5\n").unwrap();
        let flaw = "it has 1 columns where the first line names 2".to_owned();
        assert_eq!(found, [(Some(2), 2, None), (Some(4), 1, Some(flaw)), (Some(5), 2, None)]);
        assert_eq!(rows("a,a\n").unwrap_err(), "line 1 names the column `a` twice");
    }

    #[test]
    fn a_quote_that_is_left_open_does_not_take_all_memory() {
        let text: &'static str =
            Box::leak(format!("a,b\n\"{}", "x".repeat(2 * MAX_ROW_BYTES)).into_boxed_str());
        assert!(rows(text).unwrap_err().ends_with("is a quote left open?"));
    }
}
