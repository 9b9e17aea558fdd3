//! Names given numbers, and the near name for one that was not found.

use std::sync::Arc;

use ahash::AHashMap;

/// A table of distinct names; a name's number is its place in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    names: Vec<Arc<str>>,
    numbers: AHashMap<Arc<str>, u32>,
}

impl Names {
    /// Adds `name` and returns its number, or the number it already has.
    pub(crate) fn add(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        let number = u32::try_from(self.names.len()).expect("declarations are far fewer than 2^32");
        let name: Arc<str> = Arc::from(name);
        self.names.push(Arc::clone(&name));
        self.numbers.insert(name, number);
        number
    }

    /// The number of `name`.
    pub(crate) fn get(&self, name: &str) -> Option<u32> {
        self.numbers.get(name).copied()
    }

    /// The name of `number`.
    pub(crate) fn name(&self, number: u32) -> &str {
        &self.names[number as usize]
    }

    /// The same, to be kept.
    pub(crate) fn shared(&self, number: u32) -> Arc<str> {
        Arc::clone(&self.names[number as usize])
    }

    /// How many names there are.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// All names, in the order of their numbers.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }
}

/// The candidate nearest to a misspelt `name` (Damerau-Levenshtein, letter case counted half), if one
/// is near enough to be meant.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_lowercase();
    let allowed = 1 + name.chars().count() / 4;
    candidates
        .into_iter()
        .map(|candidate| {
            let distance = strsim::damerau_levenshtein(&lower, &candidate.to_lowercase());
            (distance, candidate)
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, candidate)| (*distance, candidate.len()))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_the_one_meant() {
        let names = ["loyalty_tier", "ltv", "first_name"];
        assert_eq!(nearest("loyalty_teir", names), Some("loyalty_tier"));
        assert_eq!(nearest("LTV", names), Some("ltv"));
        assert_eq!(nearest("shoe_size", names), None);
    }
}
