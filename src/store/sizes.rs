//! The sizes of what there is one of for each profile or message: whoever lets one grow says so here, and in
//! `docs/performance.md`.

use crate::derived::conclusions::Conclusions;
use crate::engine::cell::Cell;
use crate::facts::customer::Customer;
use crate::model::value::Value;
use crate::store::history::History;
use crate::store::packed_message::PackedMessage;
use crate::store::profile::{OnDisk, Profile};
use crate::store::shards::Place;

#[test]
fn nothing_that_there_are_millions_of_grows() {
    let sizes = [
        ("a profile", size_of::<Option<Profile>>(), 456),
        ("its cell", size_of::<Cell>(), 224),
        ("what is known of its customer", size_of::<Customer>(), 88),
        ("what is concluded", size_of::<Option<Conclusions>>(), 72),
        ("its history", size_of::<History>(), 96),
        ("what is on disk of it", size_of::<OnDisk>(), 32),
        ("where it is", size_of::<Place>(), 8),
        ("a message on record", size_of::<PackedMessage>(), 40),
        ("a value", size_of::<Option<Value>>(), 24),
    ];
    let grown: Vec<_> = sizes.into_iter().filter(|(_, size, most)| size > most).collect();
    assert!(grown.is_empty(), "what, bytes, most: {grown:?}");
}
