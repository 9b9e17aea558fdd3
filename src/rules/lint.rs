//! Warnings: what is allowed in a catalog, but probably not meant.

use crate::base::diagnostic::Report;
use crate::model::declaration::Declarations;
use crate::rules::definitions::Definitions;

/// Adds warnings on a sound catalog to `report`.
pub(crate) fn lint(_declarations: &Declarations, _definitions: &Definitions, _report: &mut Report) {}
