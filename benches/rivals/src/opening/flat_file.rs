//! A file with all profiles, deserialised into a hash map before the first answer.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use crate::Outcome;
use crate::customers::{id, is_high, values};

pub(crate) fn load(folder: &Path, profiles: u64) -> Outcome<()> {
    let all: Vec<(String, Vec<f64>)> =
        (0..profiles).map(|number| (id(number), values(number).to_vec())).collect();
    Ok(fs::write(folder.join("profiles.postcard"), postcard::to_stdvec(&all)?)?)
}

pub(crate) fn decide(folder: &Path, id: &str) -> Outcome<bool> {
    let bytes = fs::read(folder.join("profiles.postcard"))?;
    let all: Vec<(String, Vec<f64>)> = postcard::from_bytes(&bytes)?;
    let all: HashMap<String, Vec<f64>> = all.into_iter().collect();
    let first = all.get(id).and_then(|values| values.first()).copied().ok_or("there is no such customer")?;
    std::mem::forget(all);
    Ok(is_high(first))
}
