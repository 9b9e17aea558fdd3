//! What does a database in a folder cost: to load, to open, to read from images and from disk, in bytes?
//!
//! `cargo bench --bench folder` prints its findings line by line. Profiles are those of the other
//! benches: 40 float attributes, and some events. Numbers after `--` are how many profiles (100,000) and
//! the memory budget in megabytes of the bounded run (256); names of questions (`open`, `images`,
//! `bounded`, `rewrite`) ask those only. It works in a folder of its own under the
//! system's one for temporary files, or under `HABITUE_BENCH_FOLDER`, and removes it at the end.
//!
//! "Live" is a profile that was changed since opening, "image" one that was not: both are in memory, and
//! are asked in turn, the same ids in the same order.

#![expect(
    clippy::print_stdout,
    clippy::panic,
    reason = "a bench prints what it finds and stops when it is wrong"
)]

#[path = "workload/random.rs"]
mod random;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use habitue::{Catalog, Clock, Database, Durability, ManualClock, Message, OpenOptions, Time, Value};

use random::Random;

const ATTRIBUTES: u64 = 40;
const ROUNDS: usize = 21;
const READS: usize = 20_000;
/// Reads of the run under a budget.
const RUN: u64 = 300_000;
/// What takes longer came from disk.
const FROM_DISK: Duration = Duration::from_micros(10);
/// The variable that makes this program a run under a budget: folder, profiles, budget.
const CHILD: &str = "HABITUE_BENCH_CHILD";
const QUESTIONS: [&str; 4] = ["open", "images", "bounded", "rewrite"];

fn main() {
    if let Ok(task) = std::env::var(CHILD) {
        return run_bounded(&task);
    }
    let numbers: Vec<u64> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let profiles = numbers.first().copied().unwrap_or(100_000);
    let budget = numbers.get(1).copied().unwrap_or(256) * 1024 * 1024;
    let folder = std::env::var_os("HABITUE_BENCH_FOLDER").map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = folder.join(format!("habitue-bench-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let asked: Vec<String> =
        std::env::args().skip(1).filter(|argument| QUESTIONS.contains(&&**argument)).collect();
    let asks = |question: &str| asked.is_empty() || asked.iter().any(|name| name == question);
    load(&folder, profiles);
    if asks("open") {
        open(&folder, profiles);
    }
    if asks("images") {
        images(&folder, profiles);
    }
    if asks("bounded") {
        bounded(&folder, profiles, budget);
    }
    if asks("rewrite") {
        rewrite(&folder, profiles);
    }
    let _ = std::fs::remove_dir_all(&folder);
}

fn catalog() -> Catalog {
    let mut text = String::from("schema = 1\n[attributes]\n");
    (0..ATTRIBUTES).for_each(|number| text.push_str(&format!("a{number} = \"float\"\n")));
    text.push_str("[events.Purchased]\ntotal = \"float\"\n[segments]\n");
    text.push_str("high = 'a0 > 500.0'\n");
    text.push_str("buyer = 'events(\"Purchased\").within(\"30d\").count() >= 1'\n");
    text.push_str("[personalizations.home]\nfallback = { name = \"hello\" }\n");
    text.push_str("[[personalizations.home.offers]]\nname = \"high\"\nwhen = 'high && !buyer'\n");
    Catalog::from_toml(&text).unwrap_or_else(|error| panic!("{error}"))
}

fn options(clock: &ManualClock) -> OpenOptions {
    OpenOptions::new()
        .catalog(catalog())
        .clock(Clock::Manual(clock.clone()))
        .durability(Durability::Group(Duration::from_millis(50)))
}

fn clock(day: i64) -> ManualClock {
    ManualClock::new(Time::from_millis(1_767_225_600_000 + day * 86_400_000).unwrap_or_default())
}

fn id(number: u64) -> String {
    format!("customer-{number:07}")
}

fn value(number: u64, attribute: u64) -> f64 {
    let mut random = Random(number * 64 + attribute + 1);
    random.below(1_000_000) as f64 / 1_000.0
}

fn identify(number: u64) -> Message {
    (0..ATTRIBUTES).fold(Message::identify(id(number)).with_id(format!("i{number}")), |message, attribute| {
        message.with_trait(format!("a{attribute}"), value(number, attribute))
    })
}

fn opened(options: OpenOptions, folder: &Path) -> Database {
    options.open(folder).unwrap_or_else(|error| panic!("{error}"))
}

fn load(folder: &Path, profiles: u64) {
    let clock = clock(0);
    let begun = Instant::now();
    let database = opened(options(&clock), folder);
    for number in 0..profiles {
        database.apply(identify(number)).unwrap_or_else(|refusal| panic!("{refusal}"));
    }
    println!(
        "load: {:.0} profiles per second, acknowledged",
        profiles as f64 / begun.elapsed().as_secs_f64()
    );
    database.close().unwrap_or_else(|error| panic!("{error}"));
    println!("load and close: {:.0} per second", profiles as f64 / begun.elapsed().as_secs_f64());
    let database = opened(options(&clock), folder);
    let begun = Instant::now();
    database.compact().unwrap_or_else(|error| panic!("{error}"));
    println!("base: {:.1} s", begun.elapsed().as_secs_f64());
    drop(database);
    sizes(folder, profiles);
}

fn sizes(folder: &Path, profiles: u64) {
    let per_profile = |bytes: u64| bytes / profiles;
    let part = |wanted: &str| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let of_part = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(wanted));
        of_part.map(|entry| bytes_of(&entry.path())).sum::<u64>()
    };
    println!(
        "bytes per profile: base {}, live store {}, message ids {}, journal {}, all {}",
        per_profile(part("base")),
        per_profile(part("live")),
        per_profile(part("messages")),
        per_profile(part("journal")),
        per_profile(bytes_of(folder)),
    );
}

fn bytes_of(path: &Path) -> u64 {
    match std::fs::read_dir(path) {
        Ok(entries) => entries.flatten().map(|entry| bytes_of(&entry.path())).sum(),
        Err(_) => std::fs::metadata(path).map_or(0, |found| found.len()),
    }
}

/// From closed to the first correct decision.
fn open(folder: &Path, profiles: u64) {
    let mut times = Vec::new();
    for round in 0..5 {
        let begun = Instant::now();
        let database = opened(options(&clock(0)), folder);
        let number = (round * 7_919) % profiles;
        let decided = database.decide(&id(number), "home").unwrap_or_else(|error| panic!("{error}"));
        let expected = if value(number, 0) > 500.0 { "high" } else { "hello" };
        assert_eq!(decided.decision.name(), Some(expected));
        times.push(begun.elapsed());
        assert!(database.warnings().is_empty(), "{:?}", database.warnings());
    }
    println!("open and first decision: {:.1} ms (median of 5)", median(times).as_secs_f64() * 1e3);
}

fn images(folder: &Path, profiles: u64) {
    let sample = profiles.min(20_000);
    let (image_clock, live_clock) = (clock(1), clock(1));
    let image = opened(options(&image_clock), folder);
    let live = Database::in_memory_with_clock(catalog(), Clock::Manual(live_clock));
    let ids: Vec<String> = (0..sample).map(id).collect();
    for number in 0..sample {
        live.apply(identify(number)).unwrap_or_else(|refusal| panic!("{refusal}"));
        let loaded = image.attribute(&ids[number as usize], "a0");
        assert_eq!(loaded.unwrap_or_default(), Some(Value::Float(value(number, 0))));
    }
    let mut random = Random(3);
    type Ask<'a> = &'a dyn Fn(&Database, &str, u64);
    let attribute = |database: &Database, id: &str, number: u64| {
        let name = ["a3", "a11", "a19", "a27", "a35"][number as usize % 5];
        std::hint::black_box(database.attribute(id, name).ok());
    };
    let member = |database: &Database, id: &str, _: u64| {
        std::hint::black_box(database.is_member(id, "high").ok());
    };
    let decision = |database: &Database, id: &str, _: u64| {
        std::hint::black_box(database.decide(id, "home").ok());
    };
    let asks: [(&str, Ask<'_>); 3] =
        [("attribute", &attribute), ("membership", &member), ("decision, kept", &decision)];
    for (name, ask) in asks {
        let (mut of_image, mut of_live) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let chosen: Vec<u64> = (0..READS).map(|_| random.below(sample)).collect();
            for (database, times) in [(&image, &mut of_image), (&live, &mut of_live)] {
                let begun = Instant::now();
                chosen.iter().for_each(|number| ask(database, &ids[*number as usize], *number));
                times.push(begun.elapsed() / READS as u32);
            }
        }
        let (of_image, of_live) = (median(of_image), median(of_live));
        println!(
            "{name}: image {} ns, live {} ns, ratio {:.2}",
            of_image.as_nanos(),
            of_live.as_nanos(),
            of_image.as_secs_f64() / of_live.as_secs_f64()
        );
    }
}

/// A skewed run under a memory budget, and one without, each in a process of its own: the answers are
/// the same.
fn bounded(folder: &Path, profiles: u64, budget: u64) {
    let mut hashes = Vec::new();
    for budget in [Some(budget), None] {
        // Both begin with the same files.
        let copy = folder.with_extension("bounded");
        let _ = std::fs::remove_dir_all(&copy);
        copy_folder(folder, &copy);
        let program = std::env::current_exe().unwrap_or_else(|error| panic!("{error}"));
        let budget = budget.map_or_else(|| "none".to_owned(), |bytes| bytes.to_string());
        let task = format!("{}\n{profiles}\n{budget}", copy.display());
        let ended = Command::new(program).env(CHILD, task).stderr(Stdio::inherit()).output();
        let ended = ended.unwrap_or_else(|error| panic!("{error}"));
        assert!(ended.status.success(), "the run ended with {}", ended.status);
        let text = String::from_utf8_lossy(&ended.stdout);
        let (said, hash) = text.trim_end().rsplit_once('\n').unwrap_or_default();
        println!("{said}");
        hashes.push(hash.to_owned());
        let _ = std::fs::remove_dir_all(&copy);
    }
    assert_eq!(hashes[0], hashes[1], "answers under a budget are those without one");
}

fn copy_folder(from: &Path, to: &Path) {
    let copy = || -> std::io::Result<()> {
        std::fs::create_dir_all(to)?;
        for entry in std::fs::read_dir(from)? {
            let path = entry?.path();
            let target = to.join(path.file_name().unwrap_or_default());
            if path.is_dir() {
                copy_folder(&path, &target);
            } else {
                std::fs::copy(&path, &target)?;
            }
        }
        Ok(())
    };
    copy().unwrap_or_else(|error| panic!("{error}"));
}

/// One run, in the process that the bench started for it. The last line is a hash of all answers.
fn run_bounded(task: &str) {
    let mut words = task.lines();
    let folder = PathBuf::from(words.next().unwrap_or_default());
    let profiles: u64 = words.next().and_then(|text| text.parse().ok()).unwrap_or_default();
    let budget: Option<u64> = words.next().and_then(|text| text.parse().ok());
    let clock = clock(2);
    let mut options = options(&clock);
    if let Some(bytes) = budget {
        options = options.memory_budget(bytes);
    }
    let database = opened(options, &folder);
    let mut random = Random(5);
    let (mut hits, mut misses) = (Vec::new(), Vec::new());
    let mut hasher = DefaultHasher::new();
    for round in 0..RUN {
        // Zipf with exponent 1, by inverting its integral; the most asked are spread over all.
        let rank = ((profiles as f64).powf(random.below(1 << 30) as f64 / (1 << 30) as f64) - 1.0) as u64;
        let number = rank.wrapping_mul(0x9e37_79b9) % profiles;
        let id = id(number);
        let begun = Instant::now();
        let found = database.attribute(&id, "a0").unwrap_or_else(|error| panic!("{error}"));
        let took = begun.elapsed();
        assert_eq!(found, Some(Value::Float(value(number, 0))));
        // One is a few hundred nanoseconds, the other needs the disk.
        if took < FROM_DISK {
            hits.push(took);
        } else {
            misses.push(took);
        }
        let decided = database.decide(&id, "home").unwrap_or_else(|error| panic!("{error}"));
        decided.decision.name().hash(&mut hasher);
        if round % 10 == 0 {
            let message =
                Message::track(&id, "Purchased").with_id(format!("p{round}")).with_property("total", 10.0);
            database.apply(message).unwrap_or_else(|refusal| panic!("{refusal}"));
        }
    }
    for (segment, size) in database.segment_sizes().unwrap_or_else(|error| panic!("{error}")) {
        (segment, size).hash(&mut hasher);
    }
    let peak = most_memory();
    let loaded = database.stats().loaded;
    println!(
        "budget {}: {} reads in memory, median {} ns, p99 {} ns; {} longer ones ({loaded} profiles came from disk), median {:.1} us, p99 {:.1} us; \
         most memory ever {} MB{}",
        budget.map_or_else(|| "none".to_owned(), |bytes| format!("{} MB", bytes >> 20)),
        hits.len(),
        percentile(&mut hits, 50).as_nanos(),
        percentile(&mut hits, 99).as_nanos(),
        misses.len(),
        percentile(&mut misses, 50).as_secs_f64() * 1e6,
        percentile(&mut misses, 99).as_secs_f64() * 1e6,
        peak >> 20,
        budget.map_or_else(String::new, |bytes| format!(", {:.2} of the budget", peak as f64 / bytes as f64)),
    );
    println!("{:016x}", hasher.finish());
}

/// Every profile changed again and again.
fn rewrite(folder: &Path, profiles: u64) {
    let clock = clock(3);
    let database = opened(options(&clock), folder);
    let begun = Instant::now();
    for round in 0..20 {
        for number in 0..profiles {
            let message = Message::identify(id(number)).with_trait("a1", f64::from(round));
            database.apply(message).unwrap_or_else(|refusal| panic!("{refusal}"));
        }
        database.checkpoint().unwrap_or_else(|error| panic!("{error}"));
    }
    println!(
        "20 rewrites: {:.0} profiles per second",
        20.0 * profiles as f64 / begun.elapsed().as_secs_f64()
    );
    sizes(folder, profiles);
}

/// The most memory that this process ever had resident, bytes.
fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() * 1024
}

fn median(mut times: Vec<Duration>) -> Duration {
    percentile(&mut times, 50)
}

fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort();
    times.get(times.len() * percent / 100).copied().unwrap_or_default()
}
