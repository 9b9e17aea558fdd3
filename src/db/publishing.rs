//! Publishing beside the catalog: the members of lists, and cut-points.
//!
//! Publishing is a catalog swap with the same files of the authors and other published values. So it is one
//! step for all readers, on record, recovered, and as exact, as any swap (`db/catalog_swap.rs`); and whoever
//! publishes does so while nobody else replaces the catalog, so that no two of them lose each other's values.

use std::collections::BTreeMap;

use crate::base::error::{Error, ErrorKind};
use crate::base::limits::{MAX_ID_BYTES, MAX_PUBLISHED_BYTES};
use crate::base::names::nearest;
use crate::catalog::{CatalogText, decode};
use crate::db::catalog::Catalog;
use crate::db::database::Database;
use crate::db::durable::opening::unpack_text;
use crate::model::declaration::{Named, SegmentDeclaration};
use crate::model::published::Published;
use crate::rules::check::quantiles::spelt_out;
use crate::rules::definitions::{Definitions, SegmentDefinition};

impl Database {
    /// Publishes the members of a list: a segment that the catalog declares with `members` or as
    /// `list = true`. They take the place of those it has. Gives the revision of the catalog from then on,
    /// which is the same as before if the members are.
    ///
    /// An id is a member's if it is one of the customer's ids, whichever. All readers see the whole new list
    /// from the same moment, as [`Database::replace_catalog`] says. Several lists can be published at once,
    /// by threads or one after the other.
    ///
    /// ```
    /// use habitue::{Catalog, Database, Message};
    /// let database = Database::in_memory(Catalog::from_toml(r#"
    ///     schema = 1
    ///     [segments]
    ///     invited = { list = true }
    /// "#)?);
    /// database.apply(Message::identify("ana"))?;
    /// database.replace_list("invited", ["ana", "ben"])?;
    /// assert!(database.is_member("ana", "invited")?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// `NotFound` if the catalog has no such segment; `InvalidCall` if it is no list, an id is empty or
    /// longer than 256 bytes, or the lists are too large; `ReadOnly`; or if it cannot be written to disk.
    pub fn replace_list<T: Into<String>>(
        &self,
        list: &str,
        ids: impl IntoIterator<Item = T>,
    ) -> Result<u64, Error> {
        let mut members: Vec<String> = ids.into_iter().map(Into::into).collect();
        members.sort_unstable();
        members.dedup();
        let wrong = members.iter().find(|id| id.is_empty() || id.len() > MAX_ID_BYTES);
        if let Some(id) = wrong {
            let message = format!("an id has 1 to {MAX_ID_BYTES} bytes, one of these has {}", id.len());
            return Err(Error::new(ErrorKind::InvalidCall, message));
        }
        self.publish(|definitions, published| {
            check_list(definitions, list)?;
            published.lists.insert(list.to_owned(), members.into());
            Ok(())
        })
    }

    /// The catalog in force, and what is published beside it.
    ///
    /// # Errors
    /// None that a sound database can cause.
    pub fn catalog(&self) -> Result<Catalog, Error> {
        Ok(Catalog::from_text(unpack_text(&self.packed_catalog())?)?)
    }

    /// Publishes what `change` makes of what is published. Gives the revision of the catalog from then on.
    pub(crate) fn publish(
        &self,
        change: impl FnOnce(&Definitions, &mut Published) -> Result<(), Error>,
    ) -> Result<u64, Error> {
        self.check_changeable()?;
        self.put_in_force(|in_force| {
            let text = unpack_text(in_force)?;
            let mut published = text.published.clone();
            change(&self.shards.program().definitions, &mut published)?;
            if published == text.published {
                return Ok(None);
            }
            let bytes: usize = published.lists.values().flat_map(|list| list.iter()).map(String::len).sum();
            if bytes > MAX_PUBLISHED_BYTES {
                let message = format!(
                    "all lists together have {bytes} bytes of ids, and at most {MAX_PUBLISHED_BYTES} can be \
                     published; an attribute of the customers has no such bound"
                );
                return Err(Error::new(ErrorKind::InvalidCall, message));
            }
            Ok(Some(Catalog::from_text(text.publishing(published))?))
        })
    }
}

/// That a name is a list's.
fn check_list(definitions: &Definitions, name: &str) -> Result<(), Error> {
    let names = &definitions.segment_names;
    let is_list = |place: u32| matches!(definitions.segments[place as usize], SegmentDefinition::Members(_));
    let message = match names.get(name) {
        Some(place) if is_list(place) => return Ok(()),
        Some(_) => {
            let message = format!(
                "`{name}` is a segment with a condition, not a list; declare it as `{name} = {{ list = true }}`"
            );
            return Err(Error::new(ErrorKind::InvalidCall, message));
        }
        None => format!("the catalog has no list `{name}`"),
    };
    let lists = (0..).zip(names.iter()).filter(|(place, _)| is_list(*place)).map(|(_, list)| list);
    let near = nearest(name, lists).map_or(String::new(), |near| format!("; did you mean `{near}`?"));
    Err(Error::new(ErrorKind::NotFound, message + &near))
}

/// A catalog with what is published beside the one in force, as far as it declares that too: a list with the
/// same members of its own, a quantile of the same values. Where its authors wrote others, those count; and
/// what it was given out with by [`Database::catalog`] counts before either.
///
/// # Errors
/// None that a sound catalog can cause.
pub(crate) fn carried_over(catalog: Catalog, in_force: &str) -> Result<Catalog, Error> {
    let in_force = unpack_text(in_force)?;
    if in_force.published.is_empty() {
        return Ok(catalog);
    }
    let (were, are) = (Declared::of(&in_force), Declared::of(&catalog.text));
    let mut published = in_force.published;
    published
        .lists
        .retain(|name, _| are.lists.contains_key(name) && are.lists.get(name) == were.lists.get(name));
    published.lists.extend(catalog.text.published.lists.clone());
    let is_declared =
        |name: &String| are.quantiles.get(name).is_some_and(|is| were.quantiles.get(name) == Some(is));
    published.cuts.retain(|name, _| is_declared(name));
    published.cuts.extend(catalog.text.published.cuts.clone());
    if published.is_empty() {
        return Ok(catalog);
    }
    Ok(Catalog::from_text(catalog.text.publishing(published))?)
}

/// What a catalog declares that is published.
struct Declared {
    /// Lists, with the members that its authors gave them.
    lists: BTreeMap<String, Vec<String>>,
    /// Quantiles: the value, who is counted, and how many parts.
    quantiles: BTreeMap<String, (String, Option<String>, u32)>,
}

impl Declared {
    fn of(text: &CatalogText) -> Declared {
        let (declarations, _) = decode(text);
        let declarations = spelt_out(&declarations);
        let lists = declarations.segments.iter().filter_map(|segment| match &segment.body {
            SegmentDeclaration::Members(members) => Some((segment.name.value.clone(), members.clone())),
            SegmentDeclaration::Condition(_) => None,
        });
        let quantiles = declarations.quantiles.iter().map(|Named { name, body }| {
            let of = body.of.as_ref().map(|of| of.value.clone());
            (name.value.clone(), (body.value.value.clone(), of, body.parts))
        });
        Declared { lists: lists.collect(), quantiles: quantiles.collect() }
    }
}

/// A packed catalog without the members of published lists; nothing if there are none.
///
/// # Errors
/// `Damaged` if it is no catalog.
pub(crate) fn without_lists(packed: &str) -> Result<Option<String>, Error> {
    let text = unpack_text(packed)?;
    if text.published.lists.is_empty() {
        return Ok(None);
    }
    let published = text.published.clone().let_go_of_lists();
    Ok(Some(text.publishing(published).pack()))
}
