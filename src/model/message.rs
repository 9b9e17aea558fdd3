//! One call of the Segment spec: who did what, and when.
//!
//! A message comes from JSON ([`message_json`](super::message_json)) or is built here by hand. Both
//! ways end in [`Message::check`](super::message_check), the one place that knows its right shape. What
//! a catalog says of events and attributes is no matter of these files.

use serde_json::{Map, Value as Json};

use crate::base::time::Time;

/// One message of the Segment spec.
///
/// Messages are read from JSON by [`Message::parse`] and [`Message::from_json`], or built:
///
/// ```
/// use habitue::{Message, Time};
///
/// let message = Message::track("ana", "Product Viewed")
///     .with_id("m1")
///     .with_property("product_id", "p1")
///     .with_property("price", 59.90)
///     .with_timestamp(Time::parse("2026-01-01T09:00:00Z")?);
/// assert_eq!(message.user_id(), Some("ana"));
/// assert_eq!(message.properties()["price"], 59.90);
/// # Ok::<(), habitue::TimeError>(())
/// ```
///
/// A message built by hand is checked when it is applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub(super) kind: MessageKind,
    pub(super) message_id: Option<String>,
    pub(super) user_id: Option<String>,
    pub(super) anonymous_id: Option<String>,
    pub(super) timestamp: Option<Time>,
    pub(super) properties: Map<String, Json>,
    pub(super) traits: Map<String, Json>,
    pub(super) context: Map<String, Json>,
}

/// What a message says, with the data that only this kind has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// Sets attributes of a customer, its traits.
    Identify,
    /// The customer did something.
    Track {
        /// The name of the event.
        event: String,
    },
    /// The customer saw a page of a website.
    Page {
        /// The page's name.
        name: Option<String>,
        /// The page's category.
        category: Option<String>,
    },
    /// The customer saw a screen of an app.
    Screen {
        /// The screen's name.
        name: Option<String>,
        /// The screen's category.
        category: Option<String>,
    },
    /// The customer's earlier id is hers, too.
    Alias {
        /// The earlier id.
        previous_id: String,
    },
    /// The customer belongs to a group, whose traits follow.
    Group {
        /// The group's id.
        group_id: String,
    },
    /// Whatever tied the customer to other customers until now is taken back. Not of the Segment spec.
    Unmerge,
    /// What is left of messages that are no longer kept. Only the database makes one.
    Summary,
}

impl MessageKind {
    /// The value of `type` of each kind.
    pub(super) const NAMES: [&str; 7] = ["identify", "track", "page", "screen", "alias", "group", "unmerge"];

    /// The value of `type`, such as `track`.
    pub fn as_str(&self) -> &'static str {
        match self {
            MessageKind::Identify => "identify",
            MessageKind::Track { .. } => "track",
            MessageKind::Page { .. } => "page",
            MessageKind::Screen { .. } => "screen",
            MessageKind::Alias { .. } => "alias",
            MessageKind::Group { .. } => "group",
            MessageKind::Unmerge => "unmerge",
            MessageKind::Summary => "summary",
        }
    }

    /// Whether messages of this kind have properties.
    pub(super) fn has_properties(&self) -> bool {
        use MessageKind::{Page, Screen, Summary, Track};
        matches!(self, Track { .. } | Page { .. } | Screen { .. } | Summary)
    }

    /// Whether messages of this kind have traits.
    pub(super) fn has_traits(&self) -> bool {
        matches!(self, MessageKind::Identify | MessageKind::Group { .. })
    }
}

/// Building a message.
impl Message {
    /// A message of any kind about the customer `user_id`.
    ///
    /// ```
    /// use habitue::{Message, MessageKind};
    /// let kind = MessageKind::Page { name: Some("Boots".into()), category: Some("shoes".into()) };
    /// assert_eq!(Message::new(kind, "ana").kind().as_str(), "page");
    /// ```
    pub fn new(kind: MessageKind, user_id: impl Into<String>) -> Message {
        Message {
            kind,
            message_id: None,
            user_id: Some(user_id.into()),
            anonymous_id: None,
            timestamp: None,
            properties: Map::new(),
            traits: Map::new(),
            context: Map::new(),
        }
    }

    /// The customer's attributes; add them with [`Message::with_trait`].
    pub fn identify(user_id: impl Into<String>) -> Message {
        Message::new(MessageKind::Identify, user_id)
    }

    /// The customer did `event`.
    pub fn track(user_id: impl Into<String>, event: impl Into<String>) -> Message {
        Message::new(MessageKind::Track { event: event.into() }, user_id)
    }

    /// The customer saw the page `name`.
    pub fn page(user_id: impl Into<String>, name: impl Into<String>) -> Message {
        Message::new(MessageKind::Page { name: Some(name.into()), category: None }, user_id)
    }

    /// The customer saw the screen `name`.
    pub fn screen(user_id: impl Into<String>, name: impl Into<String>) -> Message {
        Message::new(MessageKind::Screen { name: Some(name.into()), category: None }, user_id)
    }

    /// The customer was known as `previous_id` before.
    pub fn alias(user_id: impl Into<String>, previous_id: impl Into<String>) -> Message {
        Message::new(MessageKind::Alias { previous_id: previous_id.into() }, user_id)
    }

    /// The customer belongs to the group `group_id`.
    pub fn group(user_id: impl Into<String>, group_id: impl Into<String>) -> Message {
        Message::new(MessageKind::Group { group_id: group_id.into() }, user_id)
    }

    /// An `unmerge` message: whatever tied the id to others is taken back, and each is a customer of their
    /// own again, as if it had never been said.
    ///
    /// ```
    /// use habitue::{Catalog, Database, Message};
    ///
    /// let database = Database::in_memory(Catalog::from_toml(r#"
    ///     schema = 1
    ///     [attributes]
    ///     tier = "string"
    /// "#)?);
    /// database.apply(Message::identify("ana").with_trait("tier", "gold"))?;
    /// database.apply(Message::alias("bea", "ana"))?;
    /// assert!(database.attribute("bea", "tier")?.is_some());
    /// database.apply(Message::unmerge("ana"))?;
    /// assert!(database.attribute("bea", "tier")?.is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn unmerge(user_id: impl Into<String>) -> Message {
        Message::new(MessageKind::Unmerge, user_id)
    }

    /// The same message about someone not known yet: the id given at first becomes her anonymous id.
    ///
    /// ```
    /// use habitue::Message;
    /// let message = Message::track("device-7", "Product Viewed").anonymous();
    /// assert_eq!((message.user_id(), message.anonymous_id()), (None, Some("device-7")));
    /// ```
    #[must_use]
    pub fn anonymous(mut self) -> Message {
        self.anonymous_id = self.user_id.take().or(self.anonymous_id);
        self
    }

    /// The same message, also naming the id under which the customer was seen before she was known.
    #[must_use]
    pub fn with_anonymous_id(mut self, anonymous_id: impl Into<String>) -> Message {
        self.anonymous_id = Some(anonymous_id.into());
        self
    }

    /// The same message with a `messageId`: applied again, it is known for the same one.
    #[must_use]
    pub fn with_id(mut self, message_id: impl Into<String>) -> Message {
        self.message_id = Some(message_id.into());
        self
    }

    /// The same message, of what happened at `timestamp`.
    #[must_use]
    pub fn with_timestamp(mut self, timestamp: Time) -> Message {
        self.timestamp = Some(timestamp);
        self
    }

    /// The same message with one more property (`track`, `page`, `screen`).
    #[must_use]
    pub fn with_property(mut self, name: impl Into<String>, value: impl Into<Json>) -> Message {
        self.properties.insert(name.into(), value.into());
        self
    }

    /// The same message with these properties beside its own.
    #[must_use]
    pub(crate) fn with_properties(mut self, properties: Map<String, Json>) -> Message {
        self.properties.extend(properties);
        self
    }

    /// The same message with one more trait (`identify`, `group`); `null` removes an attribute.
    #[must_use]
    pub fn with_trait(mut self, name: impl Into<String>, value: impl Into<Json>) -> Message {
        self.traits.insert(name.into(), value.into());
        self
    }
}

/// Reading a message.
impl Message {
    /// What the message says.
    pub fn kind(&self) -> &MessageKind {
        &self.kind
    }

    /// The name of the event of a `track` message.
    pub fn event(&self) -> Option<&str> {
        match &self.kind {
            MessageKind::Track { event } => Some(event),
            _ => None,
        }
    }

    /// The id by which a repetition is known.
    pub fn message_id(&self) -> Option<&str> {
        self.message_id.as_deref()
    }

    /// The customer's id.
    pub fn user_id(&self) -> Option<&str> {
        self.user_id.as_deref()
    }

    /// The id under which the customer was seen before she was known.
    pub fn anonymous_id(&self) -> Option<&str> {
        self.anonymous_id.as_deref()
    }

    /// When it happened, if the sender said so.
    pub fn timestamp(&self) -> Option<Time> {
        self.timestamp
    }

    /// The properties of a `track`, `page` or `screen` message.
    pub fn properties(&self) -> &Map<String, Json> {
        &self.properties
    }

    /// The traits of an `identify` or `group` message.
    pub fn traits(&self) -> &Map<String, Json> {
        &self.traits
    }

    /// What the sender says of the device and the call; no rule sees it.
    pub fn context(&self) -> &Map<String, Json> {
        &self.context
    }

    /// The same message without some of its fields: `anonymousId`, or a trait such as `traits.email`.
    pub(crate) fn without(mut self, fields: &[String]) -> Message {
        for field in fields {
            match field.strip_prefix("traits.") {
                Some(name) => drop(self.traits.remove(name)),
                None if field == "anonymousId" => self.anonymous_id = None,
                None => {}
            }
        }
        self
    }

    /// The same message with other ids of customers.
    #[must_use]
    pub(crate) fn with_ids(mut self, rename: impl Fn(&str) -> String) -> Message {
        let previous_id = match &mut self.kind {
            MessageKind::Alias { previous_id } => Some(previous_id),
            _ => None,
        };
        for id in [self.user_id.as_mut(), self.anonymous_id.as_mut(), previous_id].into_iter().flatten() {
            *id = rename(id);
        }
        self
    }

    /// All ids and names.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        let (first, second) = self.kind_texts();
        [self.message_id(), self.user_id(), self.anonymous_id(), first, second].into_iter().flatten()
    }

    /// The names and ids that only this kind has.
    pub(super) fn kind_texts(&self) -> (Option<&str>, Option<&str>) {
        match &self.kind {
            MessageKind::Identify | MessageKind::Unmerge | MessageKind::Summary => (None, None),
            MessageKind::Track { event } => (Some(event), None),
            MessageKind::Page { name, category } | MessageKind::Screen { name, category } => {
                (name.as_deref(), category.as_deref())
            }
            MessageKind::Alias { previous_id } => (Some(previous_id), None),
            MessageKind::Group { group_id } => (Some(group_id), None),
        }
    }
}
