//! Why the database answers as it does.
//!
//! An explanation is a pure read: it makes nothing of the profile but bringing it to now, fills no
//! cache and counts no work.

use ahash::AHashMap;

use crate::base::error::Error;
use crate::base::time::Time;
use crate::db::applying::Incoming;
use crate::db::database::{Database, Writing};
use crate::db::held::Heldback;
use crate::db::questions::{resolve, resolve_personalization};
use crate::derived::propagation::Scratch;
use crate::engine::consents::Told;
use crate::engine::decide::Decisions;
use crate::engine::explain::past::{Past, PastMessage};
use crate::engine::explain::segment::Explaining;
use crate::engine::explanation::Explanation;
use crate::engine::program::Program;
use crate::engine::retelling::{heard_until, withheld_until};
use crate::engine::typed_message::Content;
use crate::facts::identity::ties::Home;
use crate::facts::stamp::HistoryPlace;
use crate::model::identifier::Identifier;
use crate::model::ids::SegmentId;
use crate::rules::at_call::AtCall;
use crate::store::history::History;
use crate::store::packed_message::PackedMessage;
use crate::store::profile::{Ids, Profile, ids};
use crate::store::rebuilding::{Identified, rebuild};

impl Database {
    /// Why the customer `id` is a member of a segment, or why not: its condition with the value of
    /// every part, the messages behind each, what is missing, and when that changes by itself.
    ///
    /// # Errors
    /// If the catalog has no such segment.
    pub fn explain_segment(&self, id: &str, segment: &str) -> Result<Explanation, Error> {
        self.explain(id, |explaining| {
            let names = &explaining.program.definitions.segment_names;
            Ok(explaining.segment(SegmentId(resolve(names, "segment", segment)?)))
        })
    }

    /// Why the customer `id` is shown what a personalization decides: every offer with its condition,
    /// why it was chosen or not, and when the choice changes by itself.
    ///
    /// # Errors
    /// If the catalog has no such personalization.
    pub fn explain_decision(&self, id: &str, personalization: &str) -> Result<Explanation, Error> {
        self.explain(id, |explaining| {
            Ok(explaining.decision(resolve_personalization(explaining.program, personalization)?))
        })
    }

    pub(crate) fn explain(
        &self,
        id: &str,
        explain: impl FnOnce(&Explaining<'_>) -> Result<Explanation, Error>,
    ) -> Result<Explanation, Error> {
        let now = self.now();
        let Some(Writing { mut shard, place }) = self.write(id, now)? else {
            let program = self.shards.program();
            let ids = Ids::One(Identifier::user(id));
            let identity = &Identified { program: &program, ids };
            // Who is first seen in the future is nobody yet, but will be somebody.
            let history = self.held_history(id, &program);
            let mut scratch = Scratch::default();
            scratch.reserve(&program.graph);
            return explain(&Explaining {
                program: &program,
                user: id,
                exposures: &*self.shards.exposed,
                cell: &rebuild(&program, ids, &history, &mut scratch, now),
                decisions: &Decisions::default(),
                order: &history,
                past: &past(&history, &program, now),
                identity,
                call: AtCall::default(),
                now,
            });
        };
        shard.complete(place)?;
        let (program, exposures, profile, _) = shard.deciding(place);
        let Profile { name, key, known_as, body, decisions, history, .. } = profile;
        let ids = ids(key, known_as.as_deref());
        let identity = &Identified { program, ids };
        let (cell, past) = (&*body.cell(program), &past(history, program, now));
        let order: &dyn Told = history;
        let call = AtCall::default();
        let user = name;
        explain(&Explaining { program, user, exposures, cell, decisions, order, past, identity, call, now })
    }
}

impl Database {
    /// The messages that are held back of whoever comes under an id.
    fn held_history(&self, id: &str, program: &Program) -> History {
        let mut history = History::default();
        for Heldback { incoming, .. } in self.held.lock().iter() {
            let home = Home::of_accepted(&incoming.message, &program.definitions.identifiers);
            if home.identifier().text == id {
                let Incoming { message, message_id, time, .. } = incoming;
                history.push(PackedMessage::of(*time, message_id, message));
            }
        }
        history
    }
}

/// A history as the catalog understands it: the events, as far as they count at `now`.
fn past(history: &History, program: &Program, now: Time) -> Past {
    let definitions = &program.definitions;
    let (heard, later) = heard_until(now, history.told(definitions), &definitions.purposes);
    let events = heard.into_iter().chain(later);
    let events = events.filter(|message| matches!(message.content, Content::Event { .. }));
    let mut contents: AHashMap<HistoryPlace, Content> =
        events.map(|message| (message.stamp.place, message.content)).collect();
    let messages = history.iter().map(|(stamp, entry)| PastMessage {
        stamp,
        id: entry.message_id().into(),
        content: contents.remove(&stamp.place).unwrap_or(Content::Presence),
    });
    Past::new(messages, withheld_until(now, history.told(definitions), &definitions.purposes))
}
