//! What a message says of consent: Segment's consent object, in its context.
//!
//! `context.consent.categoryPreferences` is an object of purposes with `true` or `false`. Any kind of
//! message may carry it. Which purposes there are is the catalog's matter.

use serde_json::{Map, Value as Json};

use crate::model::message::Message;

impl Message {
    /// The same message, which also says whether the customer consents to a purpose from its time on.
    ///
    /// ```
    /// use habitue::Message;
    ///
    /// let message = Message::track("ana", "Banner Closed").with_consent("marketing", false);
    /// assert_eq!(message.context()["consent"]["categoryPreferences"]["marketing"], false);
    /// ```
    #[must_use]
    pub fn with_consent(mut self, purpose: impl Into<String>, is_granted: bool) -> Message {
        let consent = object(self.context.entry("consent").or_insert(Json::Null));
        let preferences = object(consent.entry("categoryPreferences").or_insert(Json::Null));
        preferences.insert(purpose.into(), Json::Bool(is_granted));
        self
    }

    /// What is said of each purpose, if anything is.
    pub(crate) fn consent_preferences(&self) -> Option<&Json> {
        self.context.get("consent")?.get("categoryPreferences").filter(|preferences| !preferences.is_null())
    }
}

/// The object that a value is, or becomes.
fn object(json: &mut Json) -> &mut Map<String, Json> {
    if !json.is_object() {
        *json = Json::Object(Map::new());
    }
    json.as_object_mut().expect("it is an object, or was made one")
}
