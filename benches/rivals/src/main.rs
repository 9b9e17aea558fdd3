//! From closed to the first correct decision, with all profiles on disk: Habitue and what else a shop
//! could use.
//!
//! ```sh
//! cd benches/rivals && cargo run --release -- 1000000 /tmp/rivals
//! ```
//!
//! Arguments: how many profiles (of 40 float attributes each), and a folder, which keeps the loaded
//! stores for the next run. Each opening is a process of its own; the stores take turns, five rounds; what
//! is printed are medians. The files are in the system's cache by then. Redis is the server of the system
//! (`apt-get install redis-server`), and is left out if there is none.
//!
//! "Flat file" is the floor of everything that reads all: one file of bare numbers, deserialised into one
//! hash map. "Habitue all read" makes every profile of the same folder from its messages before it answers
//! (`open_read_only`).

mod flat_file;
mod habitue_folder;
mod redb_file;
mod redis_snapshot;
mod sqlite_file;
mod workload;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

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
const ROUNDS: u64 = 5;
/// The argument that makes this program one opening.
const CHILD: &str = "--one-opening";

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, child, name, folder, number] = &arguments[..]
        && child == CHILD
    {
        return open_once(name, Path::new(folder), number.parse()?);
    }
    let [_, profiles, folder] = &arguments[..] else {
        return Err("usage: habitue-rivals PROFILES FOLDER".into());
    };
    compare(profiles.parse()?, Path::new(folder))
}

fn compare(profiles: u64, folder: &Path) -> Outcome<()> {
    let mut present = Vec::new();
    for rival in &RIVALS {
        if rival.name.starts_with("redis") && !redis_snapshot::is_installed() {
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
    for round in 0..ROUNDS {
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

fn open_once(name: &str, place: &Path, number: u64) -> Outcome<()> {
    let rival = RIVALS.iter().find(|rival| rival.name == name).ok_or("there is no such store")?;
    let id = workload::id(number);
    let begun = Instant::now();
    let is_high = (rival.decide)(place, &id)?;
    let took = begun.elapsed();
    if is_high != workload::is_high(workload::value(number, 0)) {
        return Err(format!("{name} decides wrongly for {id}").into());
    }
    println!("{}", took.as_nanos());
    Ok(())
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}
