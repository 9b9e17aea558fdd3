//! Trying rules before they go live: scripts as tests, personas, and a catalog tried on a log.
#![cfg(feature = "cli")]
#![expect(clippy::unwrap_used, reason = "a test stops when it is wrong")]

#[path = "rehearsal/junit.rs"]
mod junit;
#[path = "rehearsal/backtest.rs"]
mod backtest;
#[path = "rehearsal/personas.rs"]
mod personas;
#[path = "rehearsal/report.rs"]
mod report;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value as Json;

/// A folder of one test, removed at its end.
struct Folder(PathBuf);

struct Ended {
    code: Option<i32>,
    results: String,
    words: String,
}

impl Folder {
    fn new(test: &str) -> Folder {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("rehearsal_{test}"));
        let _was_not_there = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }

    /// Runs `habitue` in the folder, with arguments that stand apart by spaces.
    fn run(&self, arguments: &str) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_habitue"));
        command.args(arguments.split_whitespace()).current_dir(&self.0).stdin(Stdio::null());
        let output = command.output().unwrap();
        Ended {
            code: output.status.code(),
            results: String::from_utf8(output.stdout).unwrap(),
            words: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _in_the_way_of_nobody = fs::remove_dir_all(&self.0);
    }
}

impl Ended {
    fn lines(&self) -> Vec<Json> {
        self.results.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}
