//! A whole cell as it is archived, and the way back.
//!
//! Tables that are searched stand apart from what is found: the numbers of attributes and sources are
//! arrays of their own, so a search touches few cache lines.

use std::sync::Arc;

use rkyv::string::ArchivedString;
use rkyv::{Archive, Serialize};

use crate::base::time::Time;
use crate::derived::conclusions::Conclusions;
use crate::derived::held::Streak;
use crate::derived::subject::SubjectId;
use crate::derived::truths::Truths;
use crate::derived::watches::{Watched, Watches};
use crate::engine::cell::Cell;
use crate::engine::consents::Consenting;
use crate::engine::image::accumulator::SourceImage;
use crate::engine::image::value::{ArchivedValues, StampImage, ValueImage, read_each};
use crate::engine::transition::Trigger;
use crate::engine::typed_message::{Content, TypedMessage};
use crate::facts::attributes::{Attributes, Slot};
use crate::facts::customer::{Customer, Trigger as TriggerEvent};
use crate::facts::stamp::HistoryPlace;
use crate::facts::units::Units;
use crate::model::ids::{AggregateId, AttributeId, EventId, PurposeId, SourceId};

/// A cell under one program.
#[derive(Archive, Serialize, Debug)]
pub(super) struct CellImage {
    /// The fingerprint of the program.
    pub(super) program: u64,
    pub(super) as_of: i64,
    pub(super) last_change: i64,
    pub(super) last_cause: CauseImage,
    pub(super) deadline: i64,
    pub(super) stamp: u64,
    pub(super) attributes: Vec<u32>,
    pub(super) attribute_values: Vec<Option<ValueImage>>,
    pub(super) attribute_stamps: Vec<StampImage>,
    pub(super) sources: Vec<u32>,
    pub(super) source_states: Vec<SourceImage>,
    pub(super) triggers: Vec<TriggerImage>,
    /// Aggregates that lack what was up to a time.
    lacking: Vec<(u32, i64)>,
    pub(super) units: Option<UnitsImage>,
    pub(super) conclusions: Option<ConclusionsImage>,
    pending: Vec<PendingImage>,
}

/// The message that changed a cell last; without one it was the passing of time or a new catalog.
#[derive(Archive, Serialize, Debug)]
pub(super) enum CauseImage {
    Message(u32),
    Time,
    Catalog,
}

#[derive(Archive, Serialize, Debug)]
pub(super) struct TriggerImage {
    pub(super) event: u32,
    stamp: StampImage,
    pub(super) properties: Vec<Option<ValueImage>>,
}

/// The ids by which experiments know a customer.
#[derive(Archive, Serialize, Debug)]
pub(super) struct UnitsImage {
    user: Option<String>,
    visitor: Option<String>,
    visitor_first: bool,
}

#[derive(Archive, Serialize, Debug)]
pub(super) struct ConclusionsImage {
    /// The bits of the nodes, and then those of the rests of gates.
    pub(super) truths: Vec<u64>,
    watches: Vec<WatchImage>,
    streaks: Vec<StreakImage>,
}

#[derive(Archive, Serialize, Debug)]
struct WatchImage {
    held: bool,
    number: u32,
    deadline: i64,
}

#[derive(Archive, Serialize, Debug)]
struct StreakImage {
    since: Option<i64>,
    broken: Option<(i64, i64)>,
}

#[derive(Archive, Serialize, Debug)]
struct PendingImage {
    stamp: StampImage,
    content: ContentImage,
}

#[derive(Archive, Serialize, Debug)]
enum ContentImage {
    Attributes(Vec<(u32, Option<ValueImage>)>),
    Event {
        event: Option<u32>,
        properties: Vec<Option<ValueImage>>,
    },
    Presence,
    /// Words on purposes, before what else the message of that stamp says.
    Consents(Vec<(u32, bool)>),
}

impl CellImage {
    /// The image of a cell under the program with this fingerprint.
    pub(super) fn of(cell: &Cell, program: u64) -> CellImage {
        let Customer { attributes, triggers, .. } = &cell.customer;
        CellImage {
            program,
            as_of: cell.as_of.millis(),
            last_change: cell.last_change.millis(),
            last_cause: match cell.last_cause {
                Trigger::Message(place) => CauseImage::Message(place.0),
                Trigger::Time => CauseImage::Time,
                Trigger::Catalog => CauseImage::Catalog,
            },
            deadline: cell.deadline.millis(),
            stamp: cell.stamp,
            attributes: attributes.slots().map(|slot| slot.attribute.0).collect(),
            attribute_values: attributes
                .slots()
                .map(|slot| slot.value.as_ref().map(ValueImage::of))
                .collect(),
            attribute_stamps: attributes.slots().map(|slot| StampImage::of(slot.stamp)).collect(),
            sources: cell.customer.sources().map(|(source, _)| source.0).collect(),
            source_states: cell.customer.sources().map(|(_, state)| SourceImage::of(state)).collect(),
            triggers: triggers.iter().map(TriggerImage::of).collect(),
            lacking: cell.customer.lacking().iter().map(|(id, until)| (id.0, until.millis())).collect(),
            units: cell.customer.units().map(UnitsImage::of),
            conclusions: cell.conclusions.as_ref().map(ConclusionsImage::of),
            pending: cell.pending.iter().flat_map(PendingImage::of).collect(),
        }
    }
}

impl ArchivedCellImage {
    /// The cell; `nodes` is the number of nodes of the program's graph.
    pub(super) fn read(&self, nodes: u32) -> Cell {
        Cell {
            customer: self.customer(),
            conclusions: self.conclusions.as_ref().map(|conclusions| conclusions.read(nodes)),
            pending: self.pending(),
            as_of: Time::from_raw(self.as_of.to_native()),
            last_change: Time::from_raw(self.last_change.to_native()),
            last_cause: self.last_cause(),
            deadline: Time::from_raw(self.deadline.to_native()),
            stamp: self.stamp.to_native(),
        }
    }

    pub(super) fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    pub(super) fn last_cause(&self) -> Trigger {
        match &self.last_cause {
            ArchivedCauseImage::Message(place) => Trigger::Message(HistoryPlace(place.to_native())),
            ArchivedCauseImage::Time => Trigger::Time,
            ArchivedCauseImage::Catalog => Trigger::Catalog,
        }
    }

    fn pending(&self) -> Vec<TypedMessage> {
        let mut pending = Vec::with_capacity(self.pending.len());
        let mut consents: Vec<(PurposeId, bool)> = Vec::new();
        for image in self.pending.iter() {
            let rest = match &image.content {
                ArchivedContentImage::Consents(said) => {
                    let said = said.iter().map(|said| (PurposeId(said.0.to_native()), said.1));
                    consents.extend(said);
                    continue;
                }
                content => content.read(),
            };
            let consents = std::mem::take(&mut consents);
            let content = match consents.is_empty() {
                true => rest,
                false => Content::Consenting(Box::new(Consenting { consents, rest })),
            };
            pending.push(TypedMessage { stamp: image.stamp.read(), content });
        }
        pending
    }

    fn customer(&self) -> Customer {
        let values: &ArchivedValues = &self.attribute_values;
        let slots = self.attributes.iter().zip(read_each(values)).zip(self.attribute_stamps.iter());
        let slots = slots.map(|((attribute, value), stamp)| Slot {
            attribute: AttributeId(attribute.to_native()),
            stamp: stamp.read(),
            value,
        });
        let sources = self.sources.iter().zip(self.source_states.iter());
        Customer::from_parts(
            Attributes::from_slots(slots),
            sources.map(|(source, state)| (SourceId(source.to_native()), state.read())).collect(),
            self.triggers.iter().map(ArchivedTriggerImage::read).collect(),
            self.lacking(),
            self.units.as_ref().map(ArchivedUnitsImage::read),
        )
    }

    pub(super) fn lacking(&self) -> Vec<(AggregateId, Time)> {
        let lacking = self.lacking.iter();
        lacking
            .map(|lacking| (AggregateId(lacking.0.to_native()), Time::from_raw(lacking.1.to_native())))
            .collect()
    }
}

impl TriggerImage {
    fn of(trigger: &TriggerEvent) -> TriggerImage {
        TriggerImage {
            event: trigger.event.0,
            stamp: StampImage::of(trigger.stamp),
            properties: ValueImage::of_each(&trigger.properties),
        }
    }
}

impl ArchivedTriggerImage {
    fn read(&self) -> TriggerEvent {
        TriggerEvent {
            event: EventId(self.event.to_native()),
            stamp: self.stamp.read(),
            properties: read_each(&self.properties).collect(),
        }
    }
}

impl UnitsImage {
    fn of(units: &Units) -> UnitsImage {
        let text = |id: &Option<Arc<str>>| id.as_deref().map(str::to_owned);
        UnitsImage {
            user: text(&units.user),
            visitor: text(&units.visitor),
            visitor_first: units.visitor_first,
        }
    }
}

impl ArchivedUnitsImage {
    pub(super) fn read(&self) -> Units {
        let id = |text: &ArchivedString| Arc::from(text.as_str());
        Units {
            user: self.user.as_ref().map(id),
            visitor: self.visitor.as_ref().map(id),
            visitor_first: self.visitor_first,
        }
    }
}

impl ConclusionsImage {
    fn of(conclusions: &Conclusions) -> ConclusionsImage {
        let watches = conclusions.watches.iter().map(|(watched, deadline)| {
            let (held, number) = match watched {
                Watched::Subject(subject) => (false, subject.0),
                Watched::Held(place) => (true, place),
            };
            WatchImage { held, number, deadline: deadline.millis() }
        });
        let streaks = conclusions.streaks.iter().map(|streak| {
            let (since, broken) = streak.parts();
            let broken = broken.map(|(at, since)| (at.millis(), since.millis()));
            StreakImage { since: since.map(Time::millis), broken }
        });
        ConclusionsImage {
            truths: conclusions.truths.words().to_vec(),
            watches: watches.collect(),
            streaks: streaks.collect(),
        }
    }
}

impl ArchivedConclusionsImage {
    fn read(&self, nodes: u32) -> Conclusions {
        let watches = self.watches.iter().map(|watch| {
            let number = watch.number.to_native();
            let watched =
                if watch.held { Watched::Held(number) } else { Watched::Subject(SubjectId(number)) };
            (watched, Time::from_raw(watch.deadline.to_native()))
        });
        let time = |millis: &rkyv::rend::i64_le| Time::from_raw(millis.to_native());
        let streaks = self.streaks.iter().map(|streak| {
            let broken = streak.broken.as_ref().map(|broken| (time(&broken.0), time(&broken.1)));
            Streak::from_parts(streak.since.as_ref().map(time), broken)
        });
        Conclusions {
            truths: Truths::from_words(nodes, self.truths.iter().map(|word| word.to_native())),
            watches: watches.collect::<Watches>(),
            streaks: streaks.collect(),
        }
    }
}

impl PendingImage {
    /// Of a message with words on purposes two: these, and what else it says.
    fn of(message: &TypedMessage) -> impl Iterator<Item = PendingImage> + use<> {
        let consents = message.content.consents();
        let consents = consents.iter().map(|(purpose, is_granted)| (purpose.0, *is_granted));
        let consents: Vec<(u32, bool)> = consents.collect();
        let consents = (!consents.is_empty()).then_some(ContentImage::Consents(consents));
        let stamp = message.stamp;
        let contents = consents.into_iter().chain([ContentImage::of(message.content.rest())]);
        contents.map(move |content| PendingImage { stamp: StampImage::of(stamp), content })
    }
}

impl ContentImage {
    fn of(content: &Content) -> ContentImage {
        match content {
            Content::Attributes(set) => ContentImage::Attributes(
                set.iter().map(|(id, value)| (id.0, value.as_ref().map(ValueImage::of))).collect(),
            ),
            Content::Event { event, properties } => ContentImage::Event {
                event: event.map(|event| event.0),
                properties: ValueImage::of_each(properties),
            },
            // A summary is never of the future.
            Content::Presence | Content::Summary(_) => ContentImage::Presence,
            Content::Consenting(consenting) => ContentImage::of(&consenting.rest),
        }
    }
}

impl ArchivedContentImage {
    /// What a message says beside its words on purposes.
    fn read(&self) -> Content {
        match self {
            ArchivedContentImage::Attributes(set) => {
                let set = set.iter().map(|entry| {
                    (
                        AttributeId(entry.0.to_native()),
                        entry.1.as_ref().map(super::value::ArchivedValueImage::read),
                    )
                });
                Content::Attributes(set.collect())
            }
            ArchivedContentImage::Event { event, properties } => Content::Event {
                event: event.as_ref().map(|event| EventId(event.to_native())),
                properties: read_each(properties).collect::<Arc<[_]>>(),
            },
            ArchivedContentImage::Presence | ArchivedContentImage::Consents(_) => Content::Presence,
        }
    }
}
