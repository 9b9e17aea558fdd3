//! Lines that are refused: to a file for programs, and the first few to whoever watches.

use std::fmt;
use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use habitue::Refusal;
use serde::Serialize;
use serde_json::Value as Json;

use crate::console::Console;
use crate::failure::Failure;

/// How many are shown.
const SHOWN: u64 = 5;

/// Where refused lines go.
pub(crate) struct Rejects {
    file: Option<(String, BufWriter<File>)>,
    count: u64,
    /// The length of the file, with what is buffered.
    bytes: u64,
}

/// A line that was refused; a line of the file.
#[derive(Serialize)]
pub(crate) struct Reject<'a> {
    file: String,
    #[serde(flatten)]
    place: Place,
    reason: &'a str,
    field: &'a str,
    detail: &'a str,
    /// The message or row, or the line as text if it is no JSON.
    message: Json,
}

/// Where in a file something is; in one that has lines, people are told the line.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Place {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) row: Option<u64>,
}

impl Rejects {
    /// Begins the file, so that a place that takes none is found out before the work.
    pub(crate) fn new(path: Option<&Path>) -> Result<Rejects, Failure> {
        Rejects::from(path, 0)
    }

    /// Goes on with a file after so many bytes, and forgets what follows them.
    pub(crate) fn from(path: Option<&Path>, bytes: u64) -> Result<Rejects, Failure> {
        let Some(path) = path else { return Ok(Rejects { file: None, count: 0, bytes: 0 }) };
        let name = path.display().to_string();
        let begun = || {
            if bytes == 0 {
                return File::create(path);
            }
            let mut file = File::options().write(true).create(true).truncate(false).open(path)?;
            file.set_len(bytes)?;
            file.seek(SeekFrom::Start(bytes))?;
            Ok(file)
        };
        let file = begun().map_err(|error| failed(&name, &error))?;
        Ok(Rejects { file: Some((name, BufWriter::new(file))), count: 0, bytes })
    }

    /// Takes a refused line.
    pub(crate) fn add(&mut self, reject: &Reject<'_>, console: &mut Console) -> Result<(), Failure> {
        self.count += 1;
        if self.count <= SHOWN {
            let Reject { file, place, reason, field, detail, .. } = reject;
            let field = if field.is_empty() { String::new() } else { format!(" `{field}`:") };
            console.say(&format!("{file}, {place}: refused ({reason}):{field} {detail}\n"));
        }
        if self.count == SHOWN + 1 {
            let where_to = match &self.file {
                Some((name, _)) => format!("all are in `{name}`"),
                None => "write them all to a file with --rejects FILE".to_owned(),
            };
            console.say(&format!("more are refused; {where_to}\n"));
        }
        let Some((name, file)) = &mut self.file else { return Ok(()) };
        let text = serde_json::to_string(reject).map_err(|error| failed(name, &error.into()))?;
        self.bytes += text.len() as u64 + 1;
        writeln!(file, "{text}").map_err(|error| failed(name, &error))
    }

    /// Brings to stable storage what is there; says how many bytes that are.
    pub(crate) fn sync(&mut self) -> Result<u64, Failure> {
        if let Some((name, file)) = &mut self.file {
            file.flush().map_err(|error| failed(name, &error))?;
            let file = file.get_ref();
            // What is no file, such as a pipe, cannot be synced.
            if file.metadata().is_ok_and(|about| about.is_file()) {
                file.sync_data().map_err(|error| failed(name, &error))?;
            }
        }
        Ok(self.bytes)
    }

    /// Writes what is buffered.
    pub(crate) fn finish(&mut self) -> Result<(), Failure> {
        let Some((name, file)) = &mut self.file else { return Ok(()) };
        file.flush().map_err(|error| failed(name, &error))
    }
}

impl<'a> Reject<'a> {
    /// A line of messages.
    pub(super) fn new(file: &Path, line: u64, text: &[u8], refusal: &'a Refusal) -> Reject<'a> {
        let place = Place { line: Some(line), row: None };
        Reject::of(file, place, refusal, said(text))
    }

    /// Anything, as JSON.
    pub(crate) fn of(file: &Path, place: Place, refusal: &'a Refusal, message: Json) -> Reject<'a> {
        let Refusal { reason, field, detail, .. } = refusal;
        Reject { file: file.display().to_string(), place, reason: reason.as_str(), field, detail, message }
    }

    pub(super) fn unreadable(file: &Path, line: u64, text: &[u8], detail: &'a str) -> Reject<'a> {
        let place = Place { line: Some(line), row: None };
        let file = file.display().to_string();
        Reject { file, place, reason: "schema", field: "", detail, message: said(text) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.row) {
            (Some(line), _) => write!(f, "line {line}"),
            (None, row) => write!(f, "row {}", row.unwrap_or_default()),
        }
    }
}

/// A line as JSON, or as the text it is.
pub(crate) fn said(text: &[u8]) -> Json {
    let lossy = || Json::from(String::from_utf8_lossy(text.trim_ascii()));
    serde_json::from_slice(text).unwrap_or_else(|_| lossy())
}

fn failed(path: &str, error: &std::io::Error) -> Failure {
    Failure::Stopped(format!("cannot write the rejects to `{path}`: {error}"))
}
