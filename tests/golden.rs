//! Golden scripts: every folder of `tests/golden` is simulated, and its answers compared with
//! `expected.jsonl` beside it.
//!
//! The scripts of the guides and of the cookbook are simulated too: their expectations have to hold, and nothing is
//! warned about in their catalogs.
//!
//! No expectation of a golden script may fail, so what is compared says what the scripts print.
//! `UPDATE_GOLDEN=1` writes the files anew; read the difference before it is committed.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use habitue::Catalog;
use habitue::simulate::{Answer, Script, Simulation};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for folder in folders("tests/golden")? {
        trials.push(Trial::test(name(&folder), move || replay(&folder)));
    }
    let has_script = |folder: &PathBuf| folder.join("script.jsonl").exists();
    for folder in folders("examples/guides")?.into_iter().filter(has_script) {
        trials.push(Trial::test(format!("guide {}", name(&folder)), move || shown(&folder)));
    }
    for folder in folders("examples/cookbook")? {
        trials.push(Trial::test(format!("cookbook {}", name(&folder)), move || shown(&folder)));
    }
    libtest_mimic::run(&arguments, trials).exit()
}

/// The folders in one of the project's, sorted.
fn folders(path: &str) -> Result<Vec<PathBuf>, std::io::Error> {
    let entries = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))?;
    let mut folders = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, std::io::Error>>()?;
    folders.sort();
    Ok(folders)
}

fn name(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// What a script prints; an expectation that does not hold fails.
fn simulated(folder: &Path) -> Result<String, Failed> {
    let catalog = Catalog::load(folder.join("catalog.toml"))?;
    let script = Script::read(folder.join("script.jsonl"))?;
    let mut answers = String::new();
    let mut failures = String::new();
    for answer in Simulation::new(catalog).run(&script) {
        if let Answer::Failed(failure) = &answer {
            failures.push_str(&failure.to_string());
        }
        answers.push_str(&answer.to_json_line());
        answers.push('\n');
    }
    if !failures.is_empty() {
        return Err(failures.into());
    }
    Ok(answers)
}

/// What is shown to readers: nothing about it is doubtful.
fn shown(folder: &Path) -> Result<(), Failed> {
    let catalog = Catalog::load(folder.join("catalog.toml"))?;
    if let [finding, ..] = catalog.report().findings() {
        return Err(finding.message.clone().into());
    }
    simulated(folder).map(drop)
}

fn replay(folder: &Path) -> Result<(), Failed> {
    let answers = simulated(folder)?;
    let golden = folder.join("expected.jsonl");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        return Ok(fs::write(golden, answers)?);
    }
    let expected = fs::read_to_string(&golden).map_err(|error| {
        format!("cannot read {}: {error}; write it with UPDATE_GOLDEN=1", golden.display())
    })?;
    compare(&expected, &answers)
}

fn compare(expected: &str, answers: &str) -> Result<(), Failed> {
    if expected == answers {
        return Ok(());
    }
    let differs = expected.lines().zip(answers.lines()).position(|(expected, answer)| expected != answer);
    let place = differs.unwrap_or_else(|| expected.lines().count().min(answers.lines().count()));
    let line = |text: &str| text.lines().nth(place).unwrap_or("nothing").to_owned();
    let (expected, answer) = (line(expected), line(answers));
    Err(format!("answer {} differs\nexpected  {expected}\nanswered  {answer}", place + 1).into())
}
