//! How rows of a file become messages or members of a list, as a catalog says it or the arguments of a command do.
//!
//! Only what is said is here; what a row is, and how it is read, is the business of whoever reads files.

use std::collections::BTreeMap;

/// How rows of a file become messages, or members of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ImportMapping {
    /// What each row becomes.
    pub kind: ImportKind,
    /// The column with the user's id.
    pub user: Option<String>,
    /// The column with the visitor's id (`anonymousId`).
    pub anonymous: Option<String>,
    /// The column with the id by which a row is known when it comes again; of rows without, it is made of what
    /// they say.
    pub id: Option<String>,
    /// The column with the time.
    pub time: Option<String>,
    /// How times are written, such as `%d.%m.%Y %H:%M`, `s` or `ms`; if nothing is said, as in RFC 3339.
    pub time_format: Option<String>,
    /// The time zone of times that are written without one.
    pub zone: Option<String>,
    /// Columns by name, and what the attribute or property is called that they become.
    pub columns: BTreeMap<String, String>,
    /// Columns that are left out.
    pub skip: Vec<String>,
    /// Texts that mean that there is no value; if nothing is said, the empty text of a CSV file.
    pub null: Option<Vec<String>>,
    /// What stands between the columns of a CSV file; if nothing is said, what its first line has most of.
    pub delimiter: Option<char>,
    /// Whether rows that are alike are different events.
    pub repeats: bool,
}

/// What the rows of a file become.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum ImportKind {
    /// Attributes of a customer: `identify` messages.
    #[default]
    Identify,
    /// Events of this name: `track` messages.
    Track(String),
    /// Events whose name is in this column.
    TrackByColumn(String),
    /// Members of this list: each row has the id of one.
    List(String),
}
