//! A log of messages, read as `ingest` reads it: the lines of one file, on a thread of their own.

use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::thread;

use habitue::{Message, Refusal, RefusalReason};

use crate::failure::Failure;
use crate::ingest::lines::{Content, Line, MOST_BATCHES, read_all};
use crate::ingest::source;
use crate::progress;

/// What somebody makes of the messages of a file.
pub(crate) fn reading<T>(
    path: &Path,
    make: impl FnOnce(&mut dyn Iterator<Item = Result<Message, Refusal>>) -> T,
) -> Result<T, Failure> {
    let files = [path.to_owned()];
    let bar = progress::reading(source::total_bytes(&files)?);
    let mut failed = None;
    let made = thread::scope(|scope| {
        let (sender, receiver) = sync_channel(MOST_BATCHES);
        let files = &files;
        scope.spawn(move || read_all(files, &sender));
        let batches = receiver.into_iter().map_while(|sent| match sent {
            Ok(batch) => {
                bar.set_position(batch.bytes_read);
                Some(batch)
            }
            Err(problem) => {
                failed = Some(problem);
                None
            }
        });
        make(&mut batches.flat_map(|batch| batch.lines).map(message))
    });
    bar.finish_and_clear();
    match failed {
        Some(problem) => Err(Failure::Stopped(problem)),
        None => Ok(made),
    }
}

/// The message of a line; why there is none says which line it is.
fn message(line: Line) -> Result<Message, Refusal> {
    let Line { number, content, .. } = line;
    match content {
        Content::Message(message) => Ok(*message),
        Content::Refused(refusal) => {
            let detail = format!("line {number}: {}", refusal.detail);
            Err(Refusal { detail, ..refusal })
        }
        Content::Unreadable(detail) => {
            let (reason, field, value) = (RefusalReason::Schema, String::new(), None);
            Err(Refusal { reason, field, value, detail: format!("line {number}: {detail}") })
        }
    }
}
