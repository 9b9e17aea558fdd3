//! What the stories have asked, so that a run that asks nothing is seen.

use std::collections::BTreeMap;
use std::fmt;

use habitue::Answers;

/// Parts of a condition by which segments are counted.
const FAMILIES: [&str; 38] = [
    ".count()",
    ".exists()",
    ".sum(",
    ".avg(",
    ".min(",
    ".max(",
    ".first()",
    ".last()",
    ".previous()",
    ".first(",
    ".last(",
    ".distinct(",
    ".values(",
    ".top(",
    ".decayed(",
    ".followed_by(",
    ".not_followed_by(",
    "held(",
    "consent(",
    "variant(",
    "held_out(",
    "hours(",
    ".within(",
    ".between(",
    ".older_than(",
    ".calendar_days(",
    ".after(",
    ".before(",
    ".where(",
    "liking",
    "now - seen",
    "tags",
    "place",
    "tier",
    "events()",
    "c0",
    "q0",
    "k0",
];

/// Counts of reads.
#[derive(Clone, Debug, Default)]
pub(crate) struct Coverage {
    /// Of the catalog in force: each segment with the families in its condition.
    segments: BTreeMap<String, Vec<&'static str>>,
    /// Of each family, how many reads gave false and true.
    truths: BTreeMap<&'static str, [u64; 2]>,
    /// Of each fate, how many messages met it.
    messages: BTreeMap<String, u64>,
    close_calls: u64,
    offers: u64,
    fallbacks: u64,
}

/// In so many steps, a folder is closed or killed more than once.
const FOLDER_STEPS: u64 = 50_000;

impl Coverage {
    /// Nothing read yet, under this catalog.
    pub(crate) fn of(catalog: &str) -> Coverage {
        let mut coverage = Coverage::default();
        coverage.turn_to(catalog);
        coverage
    }

    /// Another catalog is in force.
    pub(crate) fn turn_to(&mut self, catalog: &str) {
        // Conditions of one function of events only: in larger ones a part may not matter.
        let lines = catalog.lines().filter(|line| line.starts_with('s') && line.contains(" = '"));
        let simple = lines.filter(|line| line.matches("events(").count() <= 1 && !line.contains("||"));
        self.segments = simple
            .filter_map(|line| line.split_once(" = "))
            .map(|(name, text)| {
                (name.to_owned(), FAMILIES.into_iter().filter(|family| text.contains(family)).collect())
            })
            .collect();
    }

    /// Counts one message.
    pub(crate) fn message(&mut self, fate: &str) {
        *self.messages.entry(fate.to_owned()).or_default() += 1;
    }

    /// Counts the answers of one read.
    pub(crate) fn read(&mut self, answers: &Answers) {
        for (segment, member) in &answers.segments {
            for family in self.segments.get(segment).into_iter().flatten() {
                self.truths.entry(family).or_default()[usize::from(*member)] += 1;
            }
        }
        for consent in answers.consents.values() {
            self.message(consent.state.as_str());
        }
        self.close_calls += answers.close_calls.len() as u64;
        for shown in answers.decisions.values() {
            match shown.offers.first() {
                Some((name, _)) if name == "none" => self.fallbacks += 1,
                Some(_) => self.offers += 1,
                None => {}
            }
        }
    }

    /// Adds the counts of another run.
    pub(crate) fn add(&mut self, other: &Coverage) {
        for (family, [no, yes]) in &other.truths {
            let counts = self.truths.entry(family).or_default();
            counts[0] += no;
            counts[1] += yes;
        }
        for (fate, count) in &other.messages {
            *self.messages.entry(fate.clone()).or_default() += count;
        }
        self.close_calls += other.close_calls;
        self.offers += other.offers;
        self.fallbacks += other.fallbacks;
    }

    /// Families and fates that were met too seldom for a run of so many steps.
    pub(crate) fn gaps(&self, steps: u64) -> Vec<String> {
        let least = steps / 20_000;
        let mut gaps = Vec::new();
        for family in FAMILIES {
            let counts = self.truths.get(family).copied().unwrap_or_default();
            if counts.iter().any(|count| *count <= least) {
                gaps.push(format!("{family} was {counts:?} times false and true"));
            }
        }
        for fate in [
            "accepted",
            "duplicate",
            "late",
            "conflict",
            "skew",
            "schema",
            "blocked",
            "erase",
            "erased",
            "summarised",
            "shared",
            "changed",
            "alias",
            "unmerge",
            "limit",
            "triggered",
            "cached",
            "transitions",
            "granted",
            "denied",
            "revoked",
            "untriggered",
            "called",
            "placed",
            "past",
            "cut",
            "listed",
        ] {
            if self.messages.get(fate).copied().unwrap_or_default() <= least {
                gaps.push(format!("no message was {fate}"));
            }
        }
        // One story in a hundred is told to a folder: a short run has a handful of them.
        for fate in ["opened", "killed"] {
            let count = self.messages.get(fate).copied().unwrap_or_default();
            if steps >= 20 * FOLDER_STEPS && count <= steps / FOLDER_STEPS {
                gaps.push(format!("{count} times something was {fate}"));
            }
        }
        gaps
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (family, [no, yes]) in &self.truths {
            writeln!(f, "  {family:<18} {no:>9} false {yes:>9} true")?;
        }
        for (fate, count) in &self.messages {
            writeln!(f, "  {fate:<18} {count:>9}")?;
        }
        let Coverage { offers, fallbacks, close_calls, .. } = self;
        write!(f, "  offers {offers}, fallbacks {fallbacks}, close calls left out {close_calls}")
    }
}
