//! Where output goes: results to standard output, words about them to standard error.
//!
//! Results are buffered and written as UTF-8, whatever the locale; a reader that goes away is told
//! apart from a real failure. Words on standard error are written at once, and if even that fails there
//! is nobody left to tell.

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use serde::Serialize;

use crate::failure::Failure;
use crate::findings::Findings;

/// For whom output is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    People,
    /// One JSON object per line.
    Programs,
}

impl Output {
    /// The output under `--json`, or without.
    pub(crate) fn of(json: bool) -> Output {
        if json { Output::Programs } else { Output::People }
    }
}

/// The two outputs.
pub(crate) struct Console {
    results: BufWriter<StdoutLock<'static>>,
}

impl Console {
    pub(crate) fn new() -> Console {
        Console { results: BufWriter::new(io::stdout().lock()) }
    }

    /// Writes a line of results.
    pub(crate) fn line(&mut self, text: &str) -> Result<(), Failure> {
        writeln!(self.results, "{text}")?;
        Ok(())
    }

    /// Writes a result as one line of JSON.
    pub(crate) fn json(&mut self, result: &impl Serialize) -> Result<(), Failure> {
        serde_json::to_writer(&mut self.results, result).map_err(io::Error::from)?;
        self.line("")
    }

    /// Writes what is buffered.
    pub(crate) fn finish(&mut self) -> Result<(), Failure> {
        Ok(self.results.flush()?)
    }

    /// Says what stopped the command.
    pub(crate) fn report(&mut self, failure: &Failure, output: Output) {
        match (failure, output) {
            (Failure::Catalog(report), Output::People) => {
                self.say(&Findings::new(report).for_people(colours()));
            }
            (Failure::Catalog(report), Output::Programs) => {
                for finding in report.located() {
                    self.say(
                        &(serde_json::to_string(&finding).expect("findings have text keys only") + "\n"),
                    );
                }
                return;
            }
            _ => {}
        }
        self.say(&format!("error: {failure}\n"));
    }

    /// Writes words that are no results, after the results so far.
    pub(crate) fn say(&mut self, text: &str) {
        let _nobody_left_to_tell =
            self.results.flush().and_then(|()| io::stderr().write_all(text.as_bytes()));
    }
}

/// Whether words on standard error may be coloured: it is a terminal, and nobody asked for none.
pub(crate) fn colours() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !refused && io::stderr().is_terminal()
}
