//! From when until when an identifier was a person's.
//!
//! Nearly always it always was. A device that went from hand to hand was theirs from the message that took
//! it until the message that took it from them, again and again; what belongs to others in between is none
//! of an erasure's business.

use std::collections::BTreeMap;

use crate::base::time::{Duration, Time};
use crate::model::identifier::OwnedIdentifier;

/// Of identifiers, which messages that have them are a person's, in the order of time.
#[derive(Debug, Default)]
pub(crate) struct Periods {
    seen: BTreeMap<OwnedIdentifier, Vec<(Time, Whose)>>,
}

/// Whose a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    Theirs,
    Anothers,
}

impl Periods {
    /// Notes that a message which is not before those noted has an identifier.
    pub(crate) fn see(&mut self, identifier: &OwnedIdentifier, time: Time, whose: Whose) {
        match self.seen.get_mut(identifier) {
            Some(seen) => seen.push((time, whose)),
            None => drop(self.seen.insert(identifier.clone(), vec![(time, whose)])),
        }
    }

    /// Each identifier that was theirs, with when: the first and the last instant. Nothing is asked about
    /// after `cut_off`.
    pub(crate) fn theirs(&self, cut_off: Time) -> impl Iterator<Item = (&OwnedIdentifier, (Time, Time))> {
        self.seen.iter().flat_map(move |(identifier, seen)| {
            let runs: Vec<&[(Time, Whose)]> = seen.chunk_by(|(_, a), (_, b)| a == b).collect();
            let mut periods = Vec::new();
            for (number, run) in runs.iter().enumerate() {
                let [(first, Whose::Theirs), ..] = run else { continue };
                let from = if number == 0 { Time::BEFORE_ALL } else { *first };
                let last = run.last().map_or(*first, |(last, _)| *last);
                let until = match runs.get(number + 1).and_then(|next| next.first()) {
                    Some((next, _)) => last.max(*next - Duration::from_millis(1)),
                    None => cut_off,
                };
                periods.push((identifier, (from, until)));
            }
            periods
        })
    }

    /// How many identifiers that were theirs other people's messages have too.
    pub(crate) fn shared(&self) -> u64 {
        let has = |seen: &[(Time, Whose)], whose| seen.iter().any(|(_, known)| *known == whose);
        let is_shared = |seen: &&Vec<_>| has(seen, Whose::Theirs) && has(seen, Whose::Anothers);
        self.seen.values().filter(is_shared).count() as u64
    }

    /// Whether messages of other people have an identifier too.
    pub(crate) fn is_anothers(&self, identifier: &OwnedIdentifier) -> bool {
        let seen = self.seen.get(identifier);
        seen.is_some_and(|seen| seen.iter().any(|(_, whose)| *whose == Whose::Anothers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::identifier::Identifier;

    fn periods(seen: &[(i64, Whose)]) -> Vec<(i64, i64)> {
        let device = Identifier::anonymous("tablet").to_owned();
        let mut periods = Periods::default();
        for (time, whose) in seen {
            periods.see(&device, Time::from_raw(*time), *whose);
        }
        let theirs = periods.theirs(Time::from_raw(100));
        theirs.map(|(_, (from, until))| (from.millis(), until.millis())).collect()
    }

    #[test]
    fn a_device_is_somebodys_from_message_to_message() {
        use Whose::{Anothers, Theirs};
        let always = Time::BEFORE_ALL.millis();
        assert_eq!(periods(&[(5, Theirs), (7, Theirs)]), [(always, 100)]);
        assert_eq!(periods(&[(5, Anothers), (7, Theirs)]), [(7, 100)]);
        assert_eq!(periods(&[(5, Theirs), (7, Theirs), (9, Anothers)]), [(always, 8)]);
        assert_eq!(periods(&[(5, Theirs), (5, Anothers)]), [(always, 5)]);
        let there_and_back = [(1, Anothers), (2, Theirs), (4, Anothers), (6, Theirs)];
        assert_eq!(periods(&there_and_back), [(2, 3), (6, 100)]);
        assert_eq!(periods(&[(1, Anothers)]), []);
    }
}
