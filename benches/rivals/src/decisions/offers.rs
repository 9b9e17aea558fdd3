//! The segments and offers, as data: what all sides are made from.

use std::fmt::Write;

use crate::customers::{ATTRIBUTES, Row};
use crate::workload::random::Random;

pub(crate) const OFFERS: usize = 20;

/// Two attributes, one of which has to be greater and the other less than a number.
#[derive(Clone, Copy)]
pub(crate) struct Segment {
    pub high: usize,
    pub least: f64,
    pub low: usize,
    pub most: f64,
}

#[derive(Clone)]
pub(crate) struct Offers {
    pub segments: Vec<Segment>,
    /// Of the offers, and last of who gets none.
    pub texts: Vec<String>,
}

impl Segment {
    pub(crate) fn holds(&self, row: &Row) -> bool {
        row[self.high] > self.least && row[self.low] < self.most
    }
}

impl Offers {
    /// Segments so small that each offer is for one customer in twenty.
    pub(crate) fn new(segments: usize) -> Offers {
        let mut random = Random(7);
        let part = (OFFERS as f64 / segments as f64 / 20.0).sqrt() * 1e6;
        let mut about = || (part * (0.75 + random.below(1_000) as f64 / 2_000.0)).round();
        let parts: Vec<[f64; 2]> = (0..segments).map(|_| [about(), about()]).collect();
        let segment = |[high, low]: [f64; 2]| Segment {
            high: random.below(ATTRIBUTES as u64) as usize,
            least: (1e6 - high) / 1_000.0,
            low: random.below(ATTRIBUTES as u64) as usize,
            most: low / 1_000.0,
        };
        let texts = (0..OFFERS).map(|offer| format!("Offer {offer}: ten percent off until Sunday"));
        Offers {
            segments: parts.into_iter().map(segment).collect(),
            texts: texts.chain(["Welcome".to_owned()]).collect(),
        }
    }

    /// The numbers of an offer's segments.
    pub(crate) fn of(&self, offer: usize) -> impl Iterator<Item = usize> {
        (offer..self.segments.len()).step_by(OFFERS)
    }

    /// An offer's condition, written by how one segment is and what stands between two.
    #[cfg(feature = "rules")]
    pub(crate) fn condition(&self, offer: usize, write: impl Fn(&Segment) -> String, or: &str) -> String {
        let parts: Vec<String> = self.of(offer).map(|number| write(&self.segments[number])).collect();
        parts.join(or)
    }

    /// The same in the words that most languages share.
    #[cfg(feature = "rules")]
    pub(crate) fn in_common_words(&self, offer: usize) -> String {
        let write = |segment: &Segment| {
            let Segment { high, least, low, most } = segment;
            format!("(a{high} > {least:?} && a{low} < {most:?})")
        };
        self.condition(offer, write, " || ")
    }

    /// Which text a customer sees.
    pub(crate) fn winner(&self, row: &Row) -> usize {
        let wins = |offer: &usize| self.of(*offer).any(|number| self.segments[number].holds(row));
        (0..OFFERS).find(wins).unwrap_or(OFFERS)
    }

    /// The same as a catalog.
    pub(crate) fn catalog(&self) -> String {
        let mut text = crate::habitue_words::declarations() + "[segments]\n";
        for (number, Segment { high, least, low, most }) in self.segments.iter().enumerate() {
            let _ = writeln!(text, "s{number} = 'a{high} > {least:?} && a{low} < {most:?}'");
        }
        let welcome = &self.texts[OFFERS];
        let _ = writeln!(text, "[personalizations.homepage]");
        let _ = writeln!(text, "fallback = {{ name = \"none\", text = \"{welcome}\" }}");
        for offer in 0..OFFERS {
            let names: Vec<String> = self.of(offer).map(|number| format!("s{number}")).collect();
            let _ = writeln!(text, "[[personalizations.homepage.offers]]\nname = \"o{offer}\"");
            let _ = writeln!(text, "when = '{}'\ntext = \"{}\"", names.join(" || "), self.texts[offer]);
        }
        text
    }
}
