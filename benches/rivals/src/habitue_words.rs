//! What Habitue is told of the customers: declarations, and a message for each.

use habitue::{Clock, ManualClock, Message, Time};

use crate::Outcome;
use crate::customers::{ATTRIBUTES, id, values};

/// The beginning of a catalog.
pub(crate) fn declarations() -> String {
    let mut text = String::from("schema = 1\n[attributes]\n");
    (0..ATTRIBUTES).for_each(|number| text.push_str(&format!("a{number} = \"float\"\n")));
    text
}

/// All attributes of a customer.
pub(crate) fn all_of(number: u64) -> Message {
    let message = Message::identify(id(number)).with_id(format!("i{number}"));
    values(number)
        .into_iter()
        .enumerate()
        .fold(message, |message, (place, value)| message.with_trait(format!("a{place}"), value))
}

/// A clock that is set by hand, at the time the workload begins.
pub(crate) fn clock() -> Outcome<(ManualClock, Clock)> {
    let clock = ManualClock::new(Time::from_millis(1_767_225_600_000)?);
    Ok((clock.clone(), Clock::Manual(clock)))
}
