//! From a row to a message.
//!
//! A row without an id of its own is known by what it says: its id is made of the message's fingerprint, which
//! is frozen, with the time in it. Attributes also have the row's number before it: of two rows about one
//! customer that are of the same time, the later row counts, as the greater id does. Events have it only
//! where alike rows are said to be different events; else the same row twice is one event.

use habitue::{ImportKind, Message, MessageKind, Refusal, RefusalReason, Time};
use serde_json::Value as Json;

use crate::rows::{Cells, Row};

use super::columns::{Plan, Role, Roles};
use super::values::{Cell, Values};

/// Longest id.
const MAX_ID_BYTES: usize = 256;

/// The parts of a message that are no attributes and no properties.
#[derive(Default)]
struct Envelope {
    user: Option<String>,
    anonymous: Option<String>,
    id: Option<String>,
    event: Option<String>,
    time: Option<Time>,
}

impl Plan {
    /// The message of a row; rows that say no time are of `at`.
    ///
    /// # Errors
    /// Why it is none.
    pub(super) fn message(
        &self,
        row: &Row,
        at: Option<Time>,
        roles: &mut Roles<'_>,
        words: &mut Vec<String>,
    ) -> Result<Message, Refusal> {
        if let Some(flaw) = &row.flaw {
            return Err(refused("", None, flaw.clone()));
        }
        let cells = cells(row)?;
        let values = Values { times: &self.times, null: self.mapping.null.as_deref() };
        let mut envelope = Envelope { time: at, ..Envelope::default() };
        let mut fields = Vec::with_capacity(cells.len());
        for (column, cell) in cells {
            for role in roles.of(column, words) {
                match role {
                    Role::User => envelope.user = values.text(cell),
                    Role::Anonymous => envelope.anonymous = values.text(cell),
                    Role::Id => envelope.id = values.text(cell),
                    Role::Event => envelope.event = values.text(cell),
                    Role::Time => envelope.time = Some(self.time(column, cell, &values)?),
                    Role::Field(name, ty) => fields.push((name.clone(), ty.clone(), cell)),
                    Role::Unknown | Role::Computed => {}
                }
            }
        }
        if self.mapping.time.is_some() && envelope.time.is_none() {
            let column = self.mapping.time.as_deref().unwrap_or_default();
            return Err(refused(column, None, "the row does not say when it happened".to_owned()));
        }
        let id = envelope.id.take();
        let mut message = self.begun(envelope)?;
        for (name, ty, cell) in fields {
            let by_event = message.event().and_then(|event| self.type_in(event, &name));
            let value = values.value(cell, ty.as_ref().or(by_event));
            message = match &self.mapping.kind {
                ImportKind::Identify => message.with_trait(name, value),
                _ if value.is_null() => message,
                _ => message.with_property(name, value),
            };
        }
        let id = id.unwrap_or_else(|| self.made_id(&message, row.number));
        Ok(message.with_id(id))
    }

    /// The id that a row of a list has: the user's, or else the visitor's.
    ///
    /// # Errors
    /// Why it has none.
    pub(super) fn member(&self, row: &Row, roles: &mut Roles<'_>) -> Result<String, Refusal> {
        if let Some(flaw) = &row.flaw {
            return Err(refused("", None, flaw.clone()));
        }
        let values = Values { times: &self.times, null: self.mapping.null.as_deref() };
        let (mut user, mut anonymous) = (None, None);
        for (column, cell) in cells(row)? {
            for role in roles.of(column, &mut Vec::new()) {
                match role {
                    Role::User => user = values.text(cell).map(|id| (column, id)),
                    Role::Anonymous => anonymous = values.text(cell).map(|id| (column, id)),
                    _ => {}
                }
            }
        }
        let Some((column, id)) = user.or(anonymous) else {
            return Err(refused("", None, "the row does not say whom it is about".to_owned()));
        };
        if id.len() > MAX_ID_BYTES {
            let detail = format!("an id has at most {MAX_ID_BYTES} bytes, this one has {}", id.len());
            return Err(refused(column, None, detail));
        }
        Ok(id)
    }

    /// A message about whom and when a row says.
    fn begun(&self, envelope: Envelope) -> Result<Message, Refusal> {
        let kind = match &self.mapping.kind {
            ImportKind::Identify => MessageKind::Identify,
            ImportKind::Track(event) => MessageKind::Track { event: event.clone() },
            ImportKind::TrackByColumn(column) => {
                let unnamed = || refused(column, None, "the row does not name its event".to_owned());
                MessageKind::Track { event: envelope.event.ok_or_else(unnamed)? }
            }
            ImportKind::List(_) => {
                return Err(refused("", None, "a row of a list says nothing about its member".to_owned()));
            }
        };
        let message = match (envelope.user, envelope.anonymous) {
            (Some(user), None) => Message::new(kind, user),
            (Some(user), Some(anonymous)) => Message::new(kind, user).with_anonymous_id(anonymous),
            (None, Some(anonymous)) => Message::new(kind, anonymous).anonymous(),
            (None, None) => {
                return Err(refused("", None, "the row does not say whom it is about".to_owned()));
            }
        };
        Ok(match envelope.time {
            Some(time) => message.with_timestamp(time),
            None => message,
        })
    }

    fn time(&self, column: &str, cell: Cell<'_>, values: &Values<'_>) -> Result<Time, Refusal> {
        let text = values.text(cell).unwrap_or_default();
        if text.is_empty() {
            return Err(refused(column, None, "the row does not say when it happened".to_owned()));
        }
        self.times.parse(text.trim()).map_err(|error| {
            let detail = error.to_string();
            refused(column, Some(Json::from(text)), detail)
        })
    }

    /// The id of a row without one (see the head of this file). Its form is frozen: it is what makes a second
    /// import a no-op.
    fn made_id(&self, message: &Message, number: u64) -> String {
        let fingerprint = message.fingerprint();
        match self.mapping.kind == ImportKind::Identify || self.mapping.repeats {
            true => format!("row-{number:012}-{fingerprint:032x}"),
            false => format!("row-{fingerprint:032x}"),
        }
    }
}

/// The columns of a row that is whole, with what is in them.
fn cells(row: &Row) -> Result<Vec<(&str, Cell<'_>)>, Refusal> {
    match &row.cells {
        Cells::Texts { columns, texts } => {
            let pairs = columns.iter().zip(texts);
            pairs
                .map(|(name, bytes)| match std::str::from_utf8(bytes) {
                    Ok(text) => Ok((name.as_str(), Cell::Text(text))),
                    Err(_) => Err(refused(name, None, "it is not UTF-8 text".to_owned())),
                })
                .collect()
        }
        Cells::Values(values) => {
            Ok(values.iter().map(|(name, value)| (name.as_str(), Cell::Value(value))).collect())
        }
        Cells::Other(_) => Ok(Vec::new()),
    }
}

fn refused(field: &str, value: Option<Json>, detail: String) -> Refusal {
    Refusal { reason: RefusalReason::Schema, field: field.to_owned(), value, detail }
}
