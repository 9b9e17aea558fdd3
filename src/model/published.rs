//! What is published beside a catalog: values that no author of it writes, because they are computed
//! elsewhere and change more often than the rules do.
//!
//! They are a part of the catalog that is in force, so they change for everybody at once, as it does.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// What is published, by the names of what it is published for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Published {
    /// The members of lists, sorted, in the place of those that the catalog names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) lists: BTreeMap<String, Arc<[String]>>,
    /// Whether this is of a catalog that was replaced, and its lists have been let go of.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) without_lists: bool,
}

impl Published {
    /// Whether nothing is published.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Published::default()
    }

    /// What is kept of it for good: lists may have a million members, and each change of one makes another
    /// catalog.
    #[must_use]
    pub(crate) fn let_go_of_lists(mut self) -> Published {
        self.without_lists |= !self.lists.is_empty();
        self.lists.clear();
        self
    }
}
