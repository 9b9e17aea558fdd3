//! What is left of a summary when its messages go on without the person.
//!
//! States of aggregates are left whose property the catalog declares and does not call sensitive; of others,
//! and of those that only an earlier catalog knew, nobody can say what they hold. Ids of messages become others,
//! in the order that the caller keeps. The summary does not stand for messages that are there any more, so it keeps none.

use ahash::AHashSet;
use serde_json::{Map, Value as Json};

use crate::model::message::{Message, MessageKind};
use crate::model::value::Type;
use crate::rules::definitions::Definitions;
use crate::rules::expression::Aggregate;

/// The ids of messages that the states of a message speak of, if it is a summary.
pub(crate) fn named_ids(message: &Message) -> impl Iterator<Item = &str> {
    let is_summary = *message.kind() == MessageKind::Summary;
    let ids = message.properties().get("ids").filter(|_| is_summary);
    let ids = ids.and_then(Json::as_array).into_iter().flatten();
    ids.filter_map(Json::as_str)
}

/// The properties of a summary without what may tell who it is of; `new_id` is what an id becomes.
pub(crate) fn stripped(
    summary: &Message,
    new_id: &dyn Fn(&str) -> String,
    definitions: &Definitions,
) -> Map<String, Json> {
    let mut properties = summary.properties().clone();
    properties.remove("kept");
    let renamed = named_ids(summary).map(|old| Json::from(new_id(old)));
    properties.insert("ids".to_owned(), renamed.collect());
    let texts = definitions.texts();
    let may_stay = |aggregate: &Aggregate| {
        let Some(event) = definitions.sources[aggregate.source.index()].event else { return true };
        let function = &aggregate.function;
        function.property().into_iter().chain(function.weight_property()).all(|property| {
            let declared = &definitions.event(event).properties[property.index()];
            declared.ty != Type::Any && !declared.sensitive
        })
    };
    let aggregates = definitions.aggregates.iter().zip(&texts.aggregates);
    let staying: AHashSet<&str> =
        aggregates.filter(|(aggregate, _)| may_stay(aggregate)).map(|(_, text)| text.as_str()).collect();
    if let Some(Json::Object(sources)) = properties.get_mut("sources") {
        sources.retain(|text, _| texts.sources.contains(text));
        for source in sources.values_mut() {
            if let Some(Json::Object(states)) = source.get_mut("aggregates") {
                states.retain(|text, _| staying.contains(text.as_str()));
            }
        }
    }
    if let Some(Json::Object(lacking)) = properties.get_mut("complete_since") {
        lacking.retain(|text, _| staying.contains(text.as_str()));
    }
    properties
}
