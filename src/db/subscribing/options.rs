//! What somebody subscribes to.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::db::subscribing::change::Change;

/// How many changes wait for a subscriber, unless the caller says otherwise.
const CAPACITY: usize = 1_024;

/// What somebody subscribes to, and what happens when they do not keep up.
///
/// ```
/// use habitue::{Catalog, Change, Database, Message, SubscribeOptions, WhenFull};
///
/// let database = Database::in_memory(Catalog::from_toml(r#"
///     schema = 1
///     [attributes]
///     points = "int"
///     [segments]
///     some = 'points >= 100'
///     many = 'points >= 200'
///     [personalizations.banner]
///     fallback = { name = "default", text = "Welcome" }
///     [[personalizations.banner.offers]]
///     name = "preview"
///     when = "many"
///     text = "Your preview is open"
/// "#)?);
/// let options = SubscribeOptions::new()
///     .segments(["many"])
///     .personalizations(["banner"])
///     .when_full(WhenFull::DropOldest);
/// let subscription = database.subscribe(options)?;
/// database.apply(Message::identify("ana").with_trait("points", 150))?;
/// database.apply(Message::identify("ana").with_trait("points", 250))?;
///
/// let Some(Change::Transition(entered)) = subscription.try_next() else { panic!("ana entered") };
/// assert_eq!(&*entered.segment, "many");
/// let Some(Change::Decision(shown)) = subscription.try_next() else { panic!("the banner changed") };
/// assert_eq!(shown.decision.text(), Some("Your preview is open"));
/// assert_eq!(subscription.try_next(), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct SubscribeOptions {
    pub(super) segments: Chosen,
    pub(super) personalizations: Chosen,
    pub(super) capacity: usize,
    pub(super) when_full: WhenFull,
}

/// What happens when a change is told and the subscriber has not taken those before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum WhenFull {
    /// Nothing is lost: [`Database::apply`](crate::Database::apply) and
    /// [`Database::advance`](crate::Database::advance) return only once there is room for what they brought
    /// about. They hold no lock while they wait, so everything else goes on; questions never wait. The
    /// subscriber must not be the one who waits: take the changes in another thread.
    #[default]
    Block,
    /// Nobody waits: the oldest change is dropped, and [counted](crate::Subscription::dropped).
    DropOldest,
}

/// Some names, or all.
#[derive(Clone, Debug)]
pub(crate) enum Chosen {
    All,
    These(BTreeSet<Arc<str>>),
}

impl Chosen {
    /// No names.
    pub(super) fn none() -> Chosen {
        Chosen::These(BTreeSet::new())
    }

    fn these<N: Into<Arc<str>>>(names: impl IntoIterator<Item = N>) -> Chosen {
        Chosen::These(names.into_iter().map(Into::into).collect())
    }

    /// Whether a name is among them.
    pub(super) fn has(&self, name: &str) -> bool {
        match self {
            Chosen::All => true,
            Chosen::These(names) => names.contains(name),
        }
    }

    /// Whether there is none.
    pub(super) fn is_none(&self) -> bool {
        matches!(self, Chosen::These(names) if names.is_empty())
    }

    /// Whether they are all.
    pub(super) fn is_all(&self) -> bool {
        matches!(self, Chosen::All)
    }

    /// The names, unless they are all.
    pub(super) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        let names = match self {
            Chosen::All => None,
            Chosen::These(names) => Some(names),
        };
        names.into_iter().flatten()
    }
}

impl Default for SubscribeOptions {
    fn default() -> SubscribeOptions {
        SubscribeOptions::new()
    }
}

impl SubscribeOptions {
    /// The transitions of all segments and no decisions; 1,024 of them wait, and then
    /// [whoever applies](WhenFull::Block).
    pub fn new() -> SubscribeOptions {
        let (segments, personalizations) = (Chosen::All, Chosen::none());
        SubscribeOptions { segments, personalizations, capacity: CAPACITY, when_full: WhenFull::default() }
    }

    /// The transitions of these segments only; of a list without names, none.
    #[must_use]
    pub fn segments<N: Into<Arc<str>>>(mut self, names: impl IntoIterator<Item = N>) -> SubscribeOptions {
        self.segments = Chosen::these(names);
        self
    }

    /// The decisions of these personalizations, too. While somebody is subscribed to decisions, each change of
    /// a profile makes them anew.
    #[must_use]
    pub fn personalizations<N: Into<Arc<str>>>(
        mut self,
        names: impl IntoIterator<Item = N>,
    ) -> SubscribeOptions {
        self.personalizations = Chosen::these(names);
        self
    }

    /// The decisions of all personalizations, too.
    #[must_use]
    pub fn all_personalizations(mut self) -> SubscribeOptions {
        self.personalizations = Chosen::All;
        self
    }

    /// How many changes may wait for the subscriber: at least one. Their memory is taken at once, some 100
    /// bytes for each.
    #[must_use]
    pub fn capacity(mut self, changes: usize) -> SubscribeOptions {
        self.capacity = changes.max(1);
        self
    }

    /// What happens when so many wait.
    #[must_use]
    pub fn when_full(mut self, when_full: WhenFull) -> SubscribeOptions {
        self.when_full = when_full;
        self
    }

    /// Whether a change is among what was subscribed to.
    pub(super) fn want(&self, change: &Change) -> bool {
        match change {
            Change::Transition(transition) => self.segments.has(&transition.segment),
            Change::Decision(change) => self.personalizations.has(&change.decision.personalization),
        }
    }
}
