//! A folder of one test in which `habitue` runs, and how a run ended.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// It is removed at the test's end.
pub(crate) struct Folder(pub(crate) PathBuf);

#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    /// What was written for programs, to standard output.
    pub(crate) results: String,
    /// What was written for people, to standard error.
    pub(crate) words: String,
}

impl Folder {
    /// An empty folder; no two tests that run at once have one of the same name.
    pub(crate) fn empty(name: &str) -> Folder {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _was_not_there = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder for the test");
        Folder(path)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().expect("a path in the folder")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }

    /// `habitue`, to be run in the folder with nothing to read.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_habitue"));
        command.args(arguments).current_dir(&self.0).stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.command(arguments).output().expect("`habitue` runs"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _in_the_way_of_nobody = fs::remove_dir_all(&self.0);
    }
}

impl Ended {
    pub(crate) fn of(output: Output) -> Ended {
        Ended {
            code: output.status.code(),
            results: String::from_utf8(output.stdout).expect("UTF-8"),
            words: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }
}
