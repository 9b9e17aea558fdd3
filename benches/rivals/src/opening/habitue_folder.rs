//! Habitue: a folder.

use std::path::Path;
use std::time::Duration;

use habitue::{Catalog, Database, Durability, OpenOptions};

use crate::Outcome;
use crate::habitue_words::{all_of, declarations};

/// What the name says of the one that reads all profiles.
pub(crate) const ALL: &str = "-all-read";

fn catalog() -> Outcome<Catalog> {
    let mut text = declarations();
    text.push_str("[personalizations.home]\nfallback = { name = \"hello\" }\n");
    text.push_str("[[personalizations.home.offers]]\nname = \"high\"\nwhen = 'a0 > 500.0'\n");
    Ok(Catalog::from_toml(&text)?)
}

pub(crate) fn load(folder: &Path, profiles: u64) -> Outcome<()> {
    let options = OpenOptions::new().catalog(catalog()?).memory_budget(1 << 30);
    let database =
        options.durability(Durability::Group(Duration::from_millis(50))).open(folder.join("data"))?;
    for number in 0..profiles {
        database.apply(all_of(number))?;
    }
    database.compact()?;
    Ok(database.close()?)
}

/// Nothing: what is read is the folder of the other one.
pub(crate) fn load_nothing(_folder: &Path, _profiles: u64) -> Outcome<()> {
    Ok(())
}

pub(crate) fn decide(folder: &Path, id: &str) -> Outcome<bool> {
    decide_by(Database::open(folder.join("data"))?, id)
}

/// The same after reading and making all profiles anew.
pub(crate) fn decide_after_all(folder: &Path, id: &str) -> Outcome<bool> {
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let folder = folder.with_file_name(name.replace(ALL, ""));
    decide_by(OpenOptions::new().open_read_only(folder.join("data"))?, id)
}

fn decide_by(database: Database, id: &str) -> Outcome<bool> {
    let decided = database.decide(id, "home")?;
    // Closing is not part of it.
    std::mem::forget(database);
    Ok(decided.decision.name() == Some("high"))
}
