//! What each column means: which part of a message it becomes.

use std::collections::HashMap;

use habitue::{Declared, ImportKind, ImportMapping, Time, TimeFormat, Type};

use crate::failure::Failure;
use crate::ingest::source::is_standard_input;
use crate::rows::Reading;

use super::arguments::Arguments;

/// The columns with the customer's id where nobody says which, as `habitue export` writes them.
const USER: &str = "user_id";
const ANONYMOUS: &str = "anonymous_id";

/// A mapping under a catalog.
pub(super) struct Plan {
    pub(super) mapping: ImportMapping,
    pub(super) times: TimeFormat,
    declared: Declared,
    user: String,
    anonymous: String,
}

/// What a column becomes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Role {
    User,
    Anonymous,
    Id,
    Time,
    Event,
    /// An attribute or property, of a type that is certain, unless it hangs on the event.
    Field(String, Option<Type>),
    /// Nothing, because nobody has declared it.
    Unknown,
    /// Nothing, because it is computed.
    Computed,
}

/// What columns become, as far as they were met.
pub(super) struct Roles<'p> {
    plan: &'p Plan,
    met: HashMap<String, Vec<Role>>,
}

impl Plan {
    pub(super) fn new(arguments: &Arguments, declared: Declared) -> Result<Plan, Failure> {
        let mapping = arguments.mapping(&declared)?;
        let times = TimeFormat::new(mapping.time_format.as_deref(), mapping.zone.as_deref());
        let times = times.map_err(|error| Failure::Usage(error.to_string()))?;
        if let ImportKind::List(list) = &mapping.kind {
            check_list(list, &declared)?;
        }
        let has_events = matches!(mapping.kind, ImportKind::Track(_) | ImportKind::TrackByColumn(_));
        if has_events && mapping.time.is_none() && arguments.at.is_none() {
            return Err(Failure::Usage(
                "when did the events happen? give the column with --time COLUMN, or --at TIME for all"
                    .to_owned(),
            ));
        }
        let is_said = mapping.user.is_some() || mapping.anonymous.is_some();
        let column = |said: &Option<String>, usual: &str| match said {
            Some(column) => column.clone(),
            None if is_said => String::new(),
            None => usual.to_owned(),
        };
        let (user, anonymous) = (column(&mapping.user, USER), column(&mapping.anonymous, ANONYMOUS));
        Ok(Plan { mapping, times, declared, user, anonymous })
    }

    pub(super) fn roles(&self) -> Roles<'_> {
        Roles { plan: self, met: HashMap::new() }
    }

    /// The columns that rows need, and by which they are said.
    fn needed(&self) -> Vec<&str> {
        let mapping = &self.mapping;
        let mut needed: Vec<&str> = [&mapping.user, &mapping.anonymous, &mapping.id, &mapping.time]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .chain(mapping.columns.keys().map(String::as_str))
            .collect();
        if let ImportKind::TrackByColumn(column) = &mapping.kind {
            needed.push(column);
        }
        needed
    }

    /// Holds the columns of a file against the mapping; gives those that are left out, each in a sentence.
    ///
    /// # Errors
    /// What is missing, or what a strict catalog would refuse in every row.
    pub(super) fn check(&self, columns: &[String]) -> Result<Vec<String>, String> {
        let has = |name: &str| columns.iter().any(|column| column == name);
        let listed = || columns.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        if let Some(missing) = self.needed().into_iter().find(|name| !has(name)) {
            return Err(format!("there is no column `{missing}`; it has {}", listed()));
        }
        if !has(&self.user) && !has(&self.anonymous) {
            return Err(format!(
                "who is each row about? give the column with --user COLUMN or --anonymous COLUMN; it has {}",
                listed()
            ));
        }
        let mut words = Vec::new();
        for column in columns {
            let roles = self.roles_of(column);
            let word = self.left_out(column, &roles);
            match word {
                Some(word) if self.declared.strict && roles == [Role::Unknown] => {
                    return Err(format!(
                        "{word}; the catalog is strict, so declare it, or leave the column out with --skip"
                    ));
                }
                word => words.extend(word),
            }
        }
        Ok(words)
    }

    fn roles_of(&self, column: &str) -> Vec<Role> {
        let mapping = &self.mapping;
        let mut roles = Vec::new();
        let mut is = |name: Option<&str>, role| {
            if name == Some(column) {
                roles.push(role);
            }
        };
        is(Some(&self.user).filter(|name| !name.is_empty()).map(String::as_str), Role::User);
        is(Some(&self.anonymous).filter(|name| !name.is_empty()).map(String::as_str), Role::Anonymous);
        is(mapping.id.as_deref(), Role::Id);
        is(mapping.time.as_deref(), Role::Time);
        if let ImportKind::TrackByColumn(event) = &mapping.kind {
            is(Some(event), Role::Event);
        }
        match mapping.columns.get(column) {
            Some(target) => roles.push(Role::Field(target.clone(), self.type_of(target))),
            None if !roles.is_empty()
                || column.is_empty()
                || mapping.skip.iter().any(|skip| skip == column) => {}
            None if self.is_declared(column) => {
                roles.push(Role::Field(column.to_owned(), self.type_of(column)));
            }
            None if self.is_computed(column) => roles.push(Role::Computed),
            None => roles.push(Role::Unknown),
        }
        roles
    }

    fn is_computed(&self, name: &str) -> bool {
        let mut computed = self.declared.computed.iter();
        self.mapping.kind == ImportKind::Identify && computed.any(|computed| computed.name == name)
    }

    fn is_declared(&self, name: &str) -> bool {
        match &self.mapping.kind {
            ImportKind::Identify => self.declared.attribute(name).is_some(),
            ImportKind::Track(event) => self.declared.property(event, name).is_some(),
            ImportKind::TrackByColumn(_) => {
                self.declared.events.keys().any(|event| self.declared.property(event, name).is_some())
            }
            ImportKind::List(_) => false,
        }
    }

    fn type_of(&self, name: &str) -> Option<Type> {
        match &self.mapping.kind {
            ImportKind::Identify => self.declared.attribute(name).cloned(),
            ImportKind::Track(event) => self.declared.property(event, name).cloned(),
            ImportKind::TrackByColumn(_) | ImportKind::List(_) => None,
        }
    }

    /// The type of a property, whose event is known by now.
    pub(super) fn type_in(&self, event: &str, name: &str) -> Option<&Type> {
        self.declared.property(event, name)
    }

    /// That a column is left out, if it is.
    fn left_out(&self, column: &str, roles: &[Role]) -> Option<String> {
        let declared = &self.declared;
        match roles {
            [Role::Unknown] => {}
            [Role::Computed] => {
                return Some(format!("column `{column}` is left out: the attribute is computed"));
            }
            _ => return None,
        }
        let (what, near) = match &self.mapping.kind {
            ImportKind::Identify => ("attribute".to_owned(), declared.near_attribute(column)),
            ImportKind::Track(event) => {
                (format!("property of `{event}`"), declared.near_property(event, column))
            }
            ImportKind::TrackByColumn(_) => ("property of any event".to_owned(), None),
            // Whatever else is known of members is nothing to a list.
            ImportKind::List(_) => return None,
        };
        let near = near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
        Some(format!(
            "column `{column}` is left out: it is no {what}{near}; --map {column}=NAME says what it is"
        ))
    }

    /// The time of rows that do not say theirs.
    ///
    /// # Errors
    /// If there is none, or it is yet to come.
    pub(super) fn time_of(&self, path: &std::path::Path, at: Option<Time>) -> Result<Option<Time>, Failure> {
        if self.mapping.time.is_some() || at.is_some() {
            return Ok(at);
        }
        let name = path.display();
        if is_standard_input(path) {
            let message = "as of when are these attributes? give --at TIME, or the column with --time COLUMN";
            return Err(Failure::Usage(message.to_owned()));
        }
        let unknown = || Failure::Usage(format!("nobody knows when `{name}` was changed: give --at TIME"));
        let changed = std::fs::metadata(path).and_then(|about| about.modified()).map_err(|_| unknown())?;
        let since = changed.duration_since(std::time::UNIX_EPOCH).map_err(|_| unknown())?;
        if changed > std::time::SystemTime::now() {
            let message = format!("`{name}` was changed at a time that is yet to come: give --at TIME");
            return Err(Failure::Usage(message));
        }
        let millis = i64::try_from(since.as_millis()).map_err(|_| unknown())?;
        Time::from_millis(millis).map(Some).map_err(|_| unknown())
    }

    /// Holds the columns of a file that says them at its beginning against the mapping.
    pub(super) fn check_file(&self, rows: &Reading<'_>) -> Result<Vec<String>, String> {
        rows.columns().map_or_else(|| Ok(Vec::new()), |columns| self.check(columns))
    }
}

impl Roles<'_> {
    /// What a column becomes; `words` takes what is to be said of one that is met first.
    pub(super) fn of(&mut self, column: &str, words: &mut Vec<String>) -> &[Role] {
        if !self.met.contains_key(column) {
            let mut roles = self.plan.roles_of(column);
            if roles == [Role::Unknown] && self.plan.declared.strict {
                // The database says of each row what is wrong with it.
                roles = vec![Role::Field(column.to_owned(), None)];
            }
            words.extend(self.plan.left_out(column, &roles));
            self.met.insert(column.to_owned(), roles);
        }
        self.met.get(column).map_or(&[], Vec::as_slice)
    }
}

/// That a name is a list's.
fn check_list(name: &str, declared: &Declared) -> Result<(), Failure> {
    if declared.lists.iter().any(|list| list == name) {
        return Ok(());
    }
    if declared.segments.iter().any(|segment| segment == name) {
        return Err(Failure::Usage(format!(
            "`{name}` is a segment with a condition, not a list; declare it as `{name} = {{ list = true }}`"
        )));
    }
    let near = declared.near_list(name).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    Err(Failure::NotFound(format!("the catalog has no list `{name}`{near}")))
}
