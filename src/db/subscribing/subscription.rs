//! A subscription: what a subscriber holds.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crate::base::error::Error;
use crate::db::database::Database;
use crate::db::questions::{resolve, resolve_personalization};
use crate::db::reports::Reports;
use crate::db::subscribing::change::Change;
use crate::db::subscribing::options::SubscribeOptions;
use crate::db::subscribing::stream::{Found, Stream};

/// The changes that somebody subscribed to, each customer's in the order in which they happened. It is an
/// iterator that waits for the next one, and ends once the database is closed and everything taken. Dropping
/// it ends the subscription, and whoever waits because of it goes on.
///
/// ```
/// use habitue::{Catalog, Database, Message, SubscribeOptions};
///
/// let database = Database::in_memory(Catalog::from_toml(
///     "schema = 1\n[attributes]\npoints = \"int\"\n[segments]\nmany = 'points >= 200'\n",
/// )?);
/// let subscription = database.subscribe(SubscribeOptions::new())?;
/// let listener = std::thread::spawn(move || {
///     subscription.map(|change| change.profile().to_owned()).collect::<Vec<String>>()
/// });
/// for customer in ["ana", "ben"] {
///     database.apply(Message::identify(customer).with_trait("points", 250))?;
/// }
/// database.close()?;
/// assert_eq!(listener.join().unwrap(), ["ana", "ben"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Subscription {
    stream: Arc<Stream>,
    reports: Weak<Reports>,
}

impl Database {
    /// Subscribes to what changes from now on: to transitions, and to decisions if they are asked for.
    ///
    /// A change is told when the call that brought it about returns, or a moment before. Transitions go both
    /// to every subscription and to [`Database::take_transitions`]; neither takes anything from the other.
    ///
    /// # Errors
    /// `NotFound` if the catalog in force has no such segment or personalization. A later one may leave it
    /// out; then nothing is told of it any more.
    pub fn subscribe(&self, options: SubscribeOptions) -> Result<Subscription, Error> {
        let program = self.shards.program();
        for name in options.segments.names() {
            resolve(&program.definitions.segment_names, "segment", name)?;
        }
        for name in options.personalizations.names() {
            resolve_personalization(&program, name)?;
        }
        let stream = Arc::new(Stream::new(options));
        self.reports.admit(&stream);
        Ok(Subscription { stream, reports: Arc::downgrade(&self.reports) })
    }
}

impl Subscription {
    /// The next change, if one is there.
    pub fn try_next(&self) -> Option<Change> {
        match self.stream.find() {
            Found::Change(change) => Some(change),
            Found::Nothing | Found::End => None,
        }
    }

    /// The next change, if one comes within this time.
    pub fn next_within(&self, time: Duration) -> Option<Change> {
        match Instant::now().checked_add(time) {
            Some(deadline) => self.next_until(Some(deadline)),
            None => self.next_until(None),
        }
    }

    /// How many changes were dropped because the subscriber had not taken them
    /// ([`WhenFull::DropOldest`](crate::WhenFull::DropOldest)).
    pub fn dropped(&self) -> u64 {
        self.stream.dropped()
    }

    fn next_until(&self, deadline: Option<Instant>) -> Option<Change> {
        loop {
            match self.stream.find() {
                Found::Change(change) => return Some(change),
                Found::End => return None,
                Found::Nothing if !self.stream.wait(deadline) => return None,
                Found::Nothing => {}
            }
        }
    }
}

impl Iterator for Subscription {
    type Item = Change;

    /// The next change, when it comes; nothing once the database is closed.
    fn next(&mut self) -> Option<Change> {
        self.next_until(None)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.stream.leave();
        if let Some(reports) = self.reports.upgrade() {
            reports.dismiss(&self.stream);
        }
    }
}
