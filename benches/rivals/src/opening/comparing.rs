//! The stores that open, in turn.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{flat_file, habitue_folder, redb_file, redis_snapshot, sqlite_file};
use crate::{Outcome, customers, redis_server};

/// What can be asked of a store.
struct Rival {
    name: &'static str,
    /// Fills an empty folder.
    load: fn(&Path, u64) -> Outcome<()>,
    /// Opens it and decides for one customer: whether the offer for high values is shown.
    decide: fn(&Path, &str) -> Outcome<bool>,
}

const RIVALS: [Rival; 6] = [
    Rival { name: "habitue", load: habitue_folder::load, decide: habitue_folder::decide },
    Rival { name: "sqlite", load: sqlite_file::load, decide: sqlite_file::decide },
    Rival { name: "redb", load: redb_file::load, decide: redb_file::decide },
    Rival { name: "redis snapshot", load: redis_snapshot::load, decide: redis_snapshot::decide },
    Rival { name: "flat file", load: flat_file::load, decide: flat_file::decide },
    Rival {
        name: "habitue all read",
        load: habitue_folder::load_nothing,
        decide: habitue_folder::decide_after_all,
    },
];
/// The argument that makes this program one opening.
pub(crate) const CHILD: &str = "--one-opening";

pub(crate) fn compare(profiles: u64, rounds: u64, folder: &Path) -> Outcome<()> {
    let mut present = Vec::new();
    for rival in &RIVALS {
        if rival.name.starts_with("redis") && !redis_server::is_installed() {
            println!("{}: not installed, left out", rival.name);
            continue;
        }
        let place = folder.join(format!("{}-{profiles}", rival.name.replace(' ', "-")));
        if !place.join("loaded").exists() {
            let _ = std::fs::remove_dir_all(&place);
            std::fs::create_dir_all(&place)?;
            let begun = Instant::now();
            (rival.load)(&place, profiles)?;
            println!("{}: loaded in {:.0} s", rival.name, begun.elapsed().as_secs_f64());
            std::fs::write(place.join("loaded"), "")?;
        }
        present.push((rival, place, Vec::new()));
    }
    for round in 0..rounds {
        for (rival, place, times) in &mut present {
            times.push(time_of(rival, place, round.wrapping_mul(7_919_777) % profiles)?);
        }
    }
    let medians: Vec<Duration> = present.iter_mut().map(|(_, _, times)| median(times)).collect();
    println!(
        "\n| {profiles} profiles | open and first decision | times as long as the first |\n|---|---|---|"
    );
    for ((rival, ..), time) in present.iter().zip(&medians) {
        let ratio = time.as_secs_f64() / medians[0].as_secs_f64();
        println!("| {} | {:.1} ms | {ratio:.1} |", rival.name, time.as_secs_f64() * 1e3);
    }
    Ok(())
}

/// How long one opening takes, in a process of its own, without the start of the process.
fn time_of(rival: &Rival, place: &Path, number: u64) -> Outcome<Duration> {
    let program: PathBuf = std::env::current_exe()?;
    let mut command = Command::new(program);
    command.arg(CHILD).arg(rival.name).arg(place).arg(number.to_string()).stderr(Stdio::inherit());
    let ended = command.output()?;
    if !ended.status.success() {
        return Err(format!("{} ended with {}", rival.name, ended.status).into());
    }
    Ok(Duration::from_nanos(String::from_utf8(ended.stdout)?.trim().parse()?))
}

pub(crate) fn open_once(name: &str, place: &Path, number: u64) -> Outcome<()> {
    let rival = RIVALS.iter().find(|rival| rival.name == name).ok_or("there is no such store")?;
    let id = customers::id(number);
    let begun = Instant::now();
    let is_high = (rival.decide)(place, &id)?;
    let took = begun.elapsed();
    if is_high != customers::is_high(customers::value(number, 0)) {
        return Err(format!("{name} decides wrongly for {id}").into());
    }
    println!("{}", took.as_nanos());
    Ok(())
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}
