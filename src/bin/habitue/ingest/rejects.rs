//! Lines that are refused: to a file for programs, and the first few to whoever watches.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use habitue::Refusal;
use serde::Serialize;
use serde_json::Value as Json;

use crate::console::Console;
use crate::failure::Failure;

/// How many are shown.
const SHOWN: u64 = 5;

/// Where refused lines go.
pub(super) struct Rejects {
    file: Option<(String, BufWriter<File>)>,
    count: u64,
}

/// A line that was refused; a line of the file.
#[derive(Serialize)]
pub(super) struct Reject<'a> {
    pub(super) file: String,
    pub(super) line: u64,
    pub(super) reason: &'a str,
    pub(super) field: &'a str,
    pub(super) detail: &'a str,
    /// The message, or the line as text if it is no JSON.
    pub(super) message: Json,
}

impl Rejects {
    /// Begins the file, so that a place that takes none is found out before the work.
    pub(super) fn new(path: Option<&Path>) -> Result<Rejects, Failure> {
        let Some(path) = path else { return Ok(Rejects { file: None, count: 0 }) };
        let name = path.display().to_string();
        let file = File::create(path).map_err(|error| failed(&name, &error))?;
        Ok(Rejects { file: Some((name, BufWriter::new(file))), count: 0 })
    }

    /// Takes a refused line.
    pub(super) fn add(&mut self, reject: &Reject<'_>, console: &mut Console) -> Result<(), Failure> {
        self.count += 1;
        if self.count <= SHOWN {
            let Reject { file, line, reason, field, detail, .. } = reject;
            let field = if field.is_empty() { String::new() } else { format!(" `{field}`:") };
            console.say(&format!("{file}, line {line}: refused ({reason}):{field} {detail}\n"));
        }
        if self.count == SHOWN + 1 {
            let where_to = match &self.file {
                Some((name, _)) => format!("all are in `{name}`"),
                None => "write them all to a file with --rejects FILE".to_owned(),
            };
            console.say(&format!("more lines are refused; {where_to}\n"));
        }
        let Some((name, file)) = &mut self.file else { return Ok(()) };
        let text = serde_json::to_string(reject).map_err(|error| failed(name, &error.into()))?;
        writeln!(file, "{text}").map_err(|error| failed(name, &error))
    }

    /// Writes what is buffered.
    pub(super) fn finish(&mut self) -> Result<(), Failure> {
        let Some((name, file)) = &mut self.file else { return Ok(()) };
        file.flush().map_err(|error| failed(name, &error))
    }
}

impl<'a> Reject<'a> {
    pub(super) fn new(file: &Path, line: u64, text: &[u8], refusal: &'a Refusal) -> Reject<'a> {
        let Refusal { field, detail, .. } = refusal;
        Reject { reason: refusal.reason.as_str(), field, detail, ..Reject::unreadable(file, line, text, "") }
    }

    pub(super) fn unreadable(file: &Path, line: u64, text: &[u8], detail: &'a str) -> Reject<'a> {
        let lossy = || Json::from(String::from_utf8_lossy(text.trim_ascii()));
        let message = serde_json::from_slice(text).unwrap_or_else(|_| lossy());
        Reject { file: file.display().to_string(), line, reason: "schema", field: "", detail, message }
    }
}

fn failed(path: &str, error: &std::io::Error) -> Failure {
    Failure::Stopped(format!("cannot write the rejects to `{path}`: {error}"))
}
