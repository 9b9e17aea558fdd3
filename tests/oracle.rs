//! Random catalogs, random streams, random questions: the database against the naive reference.
//!
//! `HABITUE_ORACLE_SECONDS` (default 5) says how long, `HABITUE_ORACLE_STEPS` how many steps instead,
//! `HABITUE_ORACLE_SEED` from where: a number, or `fresh`; `HABITUE_ORACLE_ON_DISK` how many stories of a
//! hundred are told to a database in a folder (default 1). A step is one message, question, tick or new
//! catalog. A case that fails is made smaller and written to `tests/oracle/kept/`
//! (or to `HABITUE_ORACLE_FAILURES`), from where it is told again on each run.

#![expect(clippy::print_stderr, reason = "seed and coverage are what a run is judged by")]

#[path = "oracle/case.rs"]
mod case;
#[path = "oracle/catalogs.rs"]
mod catalogs;
#[path = "crash/copying.rs"]
mod copying;
#[path = "oracle/coverage.rs"]
mod coverage;
#[path = "oracle/folder.rs"]
mod folder;
#[path = "oracle/past.rs"]
mod past;
#[path = "oracle/published.rs"]
mod published;
#[path = "oracle/random.rs"]
mod random;
#[path = "oracle/run.rs"]
mod run;
#[path = "oracle/stories.rs"]
mod stories;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use case::{Case, try_random};
use coverage::Coverage;
use random::Random;

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.replace('_', "").parse().unwrap_or_else(|_| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        now.as_nanos() as u64
    }))
}

fn kept() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/kept")
}

#[test]
fn the_database_answers_as_the_reference_does() {
    let seed = number("HABITUE_ORACLE_SEED").unwrap_or(1);
    let wanted_steps = number("HABITUE_ORACLE_STEPS");
    let end = Instant::now() + Duration::from_secs(number("HABITUE_ORACLE_SECONDS").unwrap_or(5));
    let most_failures = number("HABITUE_ORACLE_MOST_FAILURES").unwrap_or(1);
    let folder = std::env::var_os("HABITUE_ORACLE_FAILURES").map_or_else(kept, PathBuf::from);
    let mut seeds = Random::new(seed);
    let on_disk = number("HABITUE_ORACLE_ON_DISK").unwrap_or(1);
    let (mut steps, mut cases) = (0, 0);
    let mut coverage = Coverage::default();
    let mut failures = Vec::new();
    // A case that takes long is a find, too: something is looked at again and again.
    let mut slowest = (Duration::ZERO, 0);
    while wanted_steps.map_or_else(|| Instant::now() < end, |wanted| steps < wanted) {
        cases += 1;
        let case_seed = seeds.next();
        let begin = Instant::now();
        let told = try_random(case_seed, on_disk, &mut coverage);
        slowest = slowest.max((begin.elapsed(), cases));
        match told {
            Ok(taken) => steps += taken,
            Err((case, failure)) => {
                let (case, failure) = case.shrunk(failure);
                let text = case.to_text(&format!("seed {seed} case {cases}\n{}", failure.what));
                let path = folder.join(format!("{seed}-{cases}.txt"));
                let written = std::fs::write(&path, &text);
                eprintln!("{text}{} ({written:?})\n", path.display());
                failures.push(failure.what);
                if failures.len() as u64 >= most_failures {
                    break;
                }
            }
        }
    }
    eprintln!("oracle: seed {seed}, {cases} cases, {steps} steps, slowest {slowest:?}\n{coverage}");
    assert!(failures.is_empty(), "seed {seed}: {failures:#?}");
    if steps >= 20_000 {
        let gaps = coverage.gaps(steps);
        assert!(gaps.is_empty(), "seed {seed}: too little was asked: {gaps:#?}");
    }
}

#[test]
fn kept_cases_hold() {
    let mut cases: Vec<PathBuf> = std::fs::read_dir(kept())
        .expect("the folder is there")
        .map(|entry| entry.expect("readable").path())
        .collect();
    cases.sort();
    for path in cases.iter().filter(|path| path.extension().is_some_and(|extension| extension == "txt")) {
        let text = std::fs::read_to_string(path).expect("a case is text");
        let told = Case::parse(&text).tell();
        assert!(told.is_ok(), "{}: {}", path.display(), told.unwrap_err().what);
    }
}
