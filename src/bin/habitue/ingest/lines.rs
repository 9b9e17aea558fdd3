//! Lines and the messages in them, in batches, read and parsed beside the thread that applies them.

use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;

use habitue::{Message, Refusal};
use xxhash_rust::xxh3::xxh3_128;

use super::source;

/// Longest line that is kept: many times the longest message.
pub(crate) const MAX_LINE_BYTES: usize = 1024 * 1024;
/// How many lines go to the other thread at once, and how many batches wait there at most.
const BATCH_LINES: usize = 256;
pub(crate) const MOST_BATCHES: usize = 8;

/// Lines of one file.
pub(crate) struct Batch {
    /// Which of the files.
    pub(crate) file: usize,
    pub(crate) lines: Vec<Line>,
    /// How many bytes of all files were read so far.
    pub(crate) bytes_read: u64,
}

/// One line that is not empty.
pub(crate) struct Line {
    /// From 1.
    pub(crate) number: u64,
    pub(crate) text: Vec<u8>,
    pub(crate) content: Content,
}

/// What a line holds.
pub(crate) enum Content {
    Message(Box<Message>),
    Refused(Refusal),
    /// No message that could be looked at, for the reason said.
    Unreadable(&'static str),
}

/// A batch, or why there are no more.
pub(crate) type Sent = Result<Batch, String>;

/// Reads all files and sends what is in them, until the other side hangs up.
pub(crate) fn read_all(files: &[PathBuf], to: &SyncSender<Sent>) {
    let bytes = AtomicU64::new(0);
    for (file, path) in files.iter().enumerate() {
        match read(file, path, &bytes, to) {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                let _nobody_waits = to.send(Err(format!("cannot read `{}`: {error}", path.display())));
                return;
            }
        }
    }
}

/// Reads one file; says whether anybody still listens.
fn read(file: usize, path: &Path, bytes: &AtomicU64, to: &SyncSender<Sent>) -> io::Result<bool> {
    let mut reader = source::open(path, bytes)?;
    let mut lines = Vec::with_capacity(BATCH_LINES);
    let mut number = 0;
    let mut failed = None;
    loop {
        let line = match next_line(&mut reader) {
            Ok(line) => line,
            // What was read before it is applied.
            Err(error) => {
                failed = Some(error);
                None
            }
        };
        let is_end = line.is_none();
        number += 1;
        lines.extend(line.and_then(|raw| Line::of(number, raw)));
        if lines.len() >= BATCH_LINES || is_end {
            let batch = Batch { file, lines, bytes_read: bytes.load(Ordering::Relaxed) };
            if to.send(Ok(batch)).is_err() {
                return Ok(false);
            }
            lines = Vec::with_capacity(BATCH_LINES);
        }
        if is_end {
            return failed.map_or(Ok(true), Err);
        }
    }
}

/// The next line without its end, of which no more is kept than the longest and one byte.
pub(crate) fn next_line(reader: &mut dyn BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let mut is_end = true;
    loop {
        let buffer = match reader.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if buffer.is_empty() {
            return Ok((!is_end).then_some(line));
        }
        is_end = false;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let part = &buffer[..end.unwrap_or(buffer.len())];
        let room = (MAX_LINE_BYTES + 1).saturating_sub(line.len());
        line.extend_from_slice(&part[..part.len().min(room)]);
        let consumed = end.map_or(buffer.len(), |end| end + 1);
        reader.consume(consumed);
        if end.is_some() {
            return Ok(Some(line));
        }
    }
}

impl Line {
    fn of(number: u64, mut raw: Vec<u8>) -> Option<Line> {
        let text = raw.trim_ascii();
        if text.is_empty() {
            return None;
        }
        let content = if raw.len() > MAX_LINE_BYTES {
            raw.truncate(0);
            Content::Unreadable("the line is longer than 1 MiB; is it one message?")
        } else {
            match std::str::from_utf8(text).map(Message::parse) {
                Err(_) => Content::Unreadable("the line is not UTF-8 text"),
                Ok(Err(refusal)) => Content::Refused(refusal),
                Ok(Ok(message)) => Content::Message(Box::new(named(message, text))),
            }
        };
        Some(Line { number, text: raw, content })
    }
}

/// The message with an id: of one without, its text is its id, so that it is known when it comes again.
fn named(message: Message, text: &[u8]) -> Message {
    match message.message_id() {
        Some(_) => message,
        None => message.with_id(format!("line-{:032x}", xxh3_128(text))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_where_they_end() {
        let mut text: &[u8] = b"a\n\nbc\r\nlast";
        let mut lines = Vec::new();
        while let Some(line) = next_line(&mut text).unwrap() {
            lines.push(String::from_utf8(line).unwrap());
        }
        assert_eq!(lines, ["a", "", "bc\r", "last"]);
        assert_eq!(next_line(&mut &b""[..]).unwrap(), None);
    }

    #[test]
    fn a_long_line_is_not_kept() {
        let long = vec![b'x'; 3 * MAX_LINE_BYTES];
        let mut text: &[u8] = &[&long, &b"\nnext"[..]].concat();
        let line = next_line(&mut text).unwrap().unwrap();
        assert_eq!(line.len(), MAX_LINE_BYTES + 1);
        assert!(matches!(Line::of(1, line).unwrap().content, Content::Unreadable(_)));
        assert_eq!(next_line(&mut text).unwrap().unwrap(), b"next");
    }
}
