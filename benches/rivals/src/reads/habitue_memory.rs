//! Habitue in memory, with 100 segments and a personalization of 20 offers over them; the clock stands still.
//! A write is a message to which all of that is brought up to date.

use std::sync::Arc;

use habitue::{Catalog, Database, Message, Value};

use super::store::{READ, Reader, Store, WRITTEN, Writer};
use crate::Outcome;
use crate::customers::{ATTRIBUTES, value};
use crate::habitue_words::{all_of, clock, declarations};

const SEGMENTS: usize = 100;
const OFFERS: usize = 20;
/// The segment that is asked for.
const ASKED: usize = 7;

/// What is asked.
#[derive(Clone, Copy)]
pub(crate) enum What {
    Attribute,
    Membership,
    Decision,
}

pub(crate) struct Habitue {
    database: Arc<Database>,
    what: What,
}

impl Habitue {
    pub(crate) fn new(profiles: u64) -> Outcome<Habitue> {
        let mut text = declarations() + "[segments]\n";
        for segment in 0..SEGMENTS {
            let (attribute, least) = bound(segment);
            text.push_str(&format!("s{segment} = 'a{attribute} > {least:?}'\n"));
        }
        text.push_str("[personalizations.homepage]\nfallback = { name = \"default\", text = \"Welcome\" }\n");
        for offer in 0..OFFERS {
            text.push_str(&format!("[[personalizations.homepage.offers]]\nname = \"o{offer}\"\n"));
            text.push_str(&format!("when = \"s{}\"\ntext = \"Offer {offer}\"\n", segment_of(offer)));
        }
        let database = Database::in_memory_with_clock(Catalog::from_toml(&text)?, clock()?.1);
        for number in 0..profiles {
            database.apply(all_of(number))?;
        }
        Ok(Habitue { database: Arc::new(database), what: What::Attribute })
    }

    /// The same database, asked for something else.
    pub(crate) fn asked_for(&self, what: What) -> Habitue {
        Habitue { database: Arc::clone(&self.database), what }
    }
}

/// The attribute of a segment and what it has to be greater than.
fn bound(segment: usize) -> (usize, f64) {
    (segment % ATTRIBUTES, segment as f64 * 10.0 + 0.5)
}

/// The offers go to the segments that are hardest to get into.
fn segment_of(offer: usize) -> usize {
    SEGMENTS - 1 - offer
}

fn is_member(number: u64, segment: usize) -> bool {
    let (attribute, least) = bound(segment);
    value(number, attribute) > least
}

impl Store for Habitue {
    fn reader(&self) -> Outcome<Reader<'_>> {
        Ok(match self.what {
            What::Attribute => Box::new(|id| match self.database.attribute(id, "a7")? {
                Some(Value::Float(value)) => Ok(value),
                other => Err(format!("{id} has {other:?}").into()),
            }),
            What::Membership => Box::new(|id| Ok(f64::from(u8::from(self.database.is_member(id, "s7")?)))),
            // The length of the text stands for it.
            What::Decision => Box::new(|id| {
                let decided = self.database.decide(id, "homepage")?;
                Ok(decided.decision.text().map_or(0.0, |text| text.len() as f64))
            }),
        })
    }

    fn writer(&self) -> Outcome<Writer<'_>> {
        Ok(Box::new(|id, value| {
            self.database.apply(Message::identify(id).with_trait(format!("a{WRITTEN}"), value))?;
            Ok(())
        }))
    }

    fn right(&self, number: u64) -> f64 {
        match self.what {
            What::Attribute => value(number, READ),
            What::Membership => f64::from(u8::from(is_member(number, ASKED))),
            What::Decision => {
                let won = (0..OFFERS).find(|offer| is_member(number, segment_of(*offer)));
                won.map_or("Welcome".to_owned(), |offer| format!("Offer {offer}")).len() as f64
            }
        }
    }
}
