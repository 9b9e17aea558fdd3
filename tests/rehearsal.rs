//! Trying rules before they go live: scripts as tests, personas, and a catalog tried on a log.
#![cfg(feature = "cli")]
#![expect(clippy::unwrap_used, reason = "a test stops when it is wrong")]

#[path = "command_line/folder.rs"]
mod folder;
#[path = "rehearsal/junit.rs"]
mod junit;
#[path = "rehearsal/backtest.rs"]
mod backtest;
#[path = "rehearsal/personas.rs"]
mod personas;
#[path = "rehearsal/report.rs"]
mod report;

use folder::{Ended, Folder};
use serde_json::Value as Json;
use std::fs;

impl Folder {
    fn new(test: &str) -> Folder {
        Folder::empty(&format!("rehearsal_{test}"))
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }

    /// Runs `habitue` in the folder, with arguments that stand apart by spaces.
    fn habitue(&self, arguments: &str) -> Ended {
        self.run(&arguments.split_whitespace().collect::<Vec<_>>())
    }
}

impl Ended {
    fn lines(&self) -> Vec<Json> {
        self.results.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}
