//! The rounds: all stores in turn, first alone, then with a writer each.

use std::hint::black_box;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::dash_map::DashMapStore;
use super::floor::{Floor, Nothing};
use super::habitue_memory::{Habitue, What};
use super::lmdb_file::Lmdb;
use super::moka_cache::MokaCache;
use super::redb_file::Redb;
use super::redis_hash::RedisHash;
use super::sharded_maps::ShardedMaps;
use super::sled_tree::SledTree;
use super::sqlite_file::SqliteFile;
use super::sqlite_memory::SqliteMemory;
use super::store::Store;
use crate::arguments::Arguments;
use crate::customers::{chosen, id, nth};
use crate::redis_server;
use crate::table::Table;
use crate::times::{Summary, Times};
use crate::workload::random::Random;
use crate::{Outcome, machine};

/// Reads of one transaction where it is kept.
const KEPT: usize = 100;

/// A store and its name.
struct Side {
    name: &'static str,
    store: Box<dyn Store>,
}

pub(crate) fn compare(arguments: &Arguments) -> Outcome<Vec<Table>> {
    let profiles = arguments.profiles;
    let folder = arguments.folder.join(format!("reads-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let sides = sides(profiles, &folder)?;
    // The last first: that a decision is made and kept forgets what is at hand of other answers.
    for side in sides.iter().rev() {
        warm(side, profiles)?;
    }
    println!("load before measuring: {}", machine::load());
    let alone = Table::new(format!("Attribute by string id, {profiles} customers, nobody writes"));
    let written = Table::new(format!("Attribute by string id, {profiles} customers, a writer at full speed"));
    let tables = vec![measure(alone, &sides, arguments, false)?, measure(written, &sides, arguments, true)?];
    drop(sides);
    std::fs::remove_dir_all(&folder)?;
    Ok(tables)
}

fn sides(profiles: u64, folder: &Path) -> Outcome<Vec<Side>> {
    let mut sides: Vec<Side> = Vec::new();
    let (mut begun, mut memory) = (Instant::now(), machine::own_memory());
    let mut add = |name, store: Box<dyn Store>| {
        let bytes = (machine::own_memory() - memory) / profiles as f64;
        println!(
            "{name}: loaded in {:.1} s, {bytes:.0} bytes of memory a customer",
            begun.elapsed().as_secs_f64()
        );
        (begun, memory) = (Instant::now(), machine::own_memory());
        sides.push(Side { name, store });
    };
    add("nothing", Box::new(Nothing));
    add("floor: one HashMap without a lock", Box::new(Floor::new(profiles)));
    add("RwLock HashMap, 64 shards", Box::new(ShardedMaps::new(profiles)));
    add("DashMap 6", Box::new(DashMapStore::new(profiles)));
    add("moka", Box::new(MokaCache::new(profiles)));
    let lmdb = Lmdb::new(profiles, folder, KEPT)?;
    let fresh = lmdb.fresh();
    add("LMDB, 100 reads a transaction", Box::new(lmdb));
    add("LMDB", Box::new(fresh));
    let redb = Redb::new(profiles, folder, KEPT)?;
    let fresh = redb.fresh();
    add("redb, 100 reads a transaction", Box::new(redb));
    add("redb", Box::new(fresh));
    add("sled 0.34", Box::new(SledTree::new(profiles, folder)?));
    add("SQLite in memory", Box::new(SqliteMemory::new(profiles)?));
    let sqlite = SqliteFile::new(profiles, folder, KEPT)?;
    let fresh = sqlite.fresh();
    add("SQLite, 100 reads a transaction", Box::new(sqlite));
    add("SQLite in a file", Box::new(fresh));
    if redis_server::is_installed() {
        add("Redis, unix socket", Box::new(RedisHash::new(profiles, folder)?));
    }
    let habitue = Habitue::new(profiles)?;
    let [membership, decision] = [What::Membership, What::Decision].map(|what| habitue.asked_for(what));
    add("Habitue, attribute", Box::new(habitue));
    add("Habitue, membership", Box::new(membership));
    add("Habitue, decision of 20 offers", Box::new(decision));
    Ok(sides)
}

/// Reads everybody, and checks every answer.
fn warm(side: &Side, profiles: u64) -> Outcome<()> {
    let mut reader = side.store.reader()?;
    for _ in 0..side.store.passes() {
        for number in 0..profiles {
            let (found, right) = (reader(&id(number))?, side.store.right(number));
            if found != right {
                return Err(format!("{}: {} has {found}, not {right}", side.name, id(number)).into());
            }
        }
    }
    Ok(())
}

fn measure(mut table: Table, sides: &[Side], arguments: &Arguments, is_written: bool) -> Outcome<Table> {
    let mut times: Vec<Times> = sides.iter().map(|_| Times::default()).collect();
    let mut written = vec![0.0; sides.len()];
    for round in 0..arguments.rounds {
        for (place, (side, times)) in sides.iter().zip(&mut times).enumerate() {
            // Others than any side was asked for shortly before, since some sides share a store.
            let [alone, together] = [0, 1].map(|part| {
                let seed = (round * sides.len() + place) * 2 + part;
                chosen(seed as u64, arguments.calls, arguments.profiles)
            });
            let is_over = AtomicBool::new(false);
            let speed = std::thread::scope(|scope| {
                let writer = is_written.then(|| scope.spawn(|| write(side, arguments.profiles, &is_over)));
                let measured = read(side, times, &alone, &together);
                is_over.store(true, Ordering::Relaxed);
                let speed = writer.map_or(Ok(0.0), |writer| writer.join().unwrap_or(Err("panicked".into())));
                measured.map_err(|error| error.to_string()).and(speed)
            })?;
            written[place] += speed / arguments.rounds as f64;
        }
    }
    let nothing = times[0].summary(Summary::default());
    for (side, times) in sides.iter().zip(&mut times).skip(1) {
        table.rows.push((side.name.to_owned(), times.summary(nothing)));
    }
    if is_written {
        let speeds: Vec<String> = sides
            .iter()
            .zip(&written)
            .skip(1)
            .map(|(side, speed)| format!("{} {speed:.0}", side.name))
            .collect();
        table.notes.push(format!("Writes per second beside the reads: {}.", speeds.join("; ")));
    }
    Ok(table)
}

fn read(side: &Side, times: &mut Times, alone: &str, together: &str) -> Outcome<()> {
    let mut reader = side.store.reader()?;
    let mut ask = |id: &str| {
        black_box(reader(id)?);
        Ok(())
    };
    let calls = alone.len() / 16;
    times.alone(calls, |number| ask(nth(alone, number)))?;
    times.together(calls, || (0..calls).try_for_each(|number| ask(nth(together, number))))
}

/// Writes until it is over; how many in a second.
fn write(side: &Side, profiles: u64, is_over: &AtomicBool) -> Result<f64, String> {
    let go = || -> Outcome<f64> {
        let mut writer = side.store.writer()?;
        let (mut random, begun, mut writes) = (Random(11), Instant::now(), 0_u64);
        while !is_over.load(Ordering::Relaxed) {
            writer(&id(random.below(profiles)), random.below(1_000) as f64)?;
            writes += 1;
        }
        Ok(writes as f64 / begun.elapsed().as_secs_f64())
    };
    go().map_err(|error| error.to_string())
}
