//! Anonymising: an erasure whose messages go on, as those of somebody whom nothing leads to.
//!
//! It is the one way of erasing (`erase.rs`), with more in its plan: the new profiles are made in the same
//! step in which the old ones go, under the same locks, and their messages stand in the book of erasures
//! until a new base holds them. So nobody is ever seen twice or not at all, and a crash leaves the person
//! whole, or anonymous.

use crate::base::error::Error;
use crate::db::applied::Transition;
use crate::db::database::Database;
use crate::db::erasing::anonymous::new_anonymous_id;
use crate::db::erasing::erase::TakenAway;
use crate::model::erasure_receipt::ErasureReceipt;
use crate::model::identifier::{Identifier, OwnedIdentifier};

/// Customers who were made anonymous.
#[derive(Clone, Debug, PartialEq)]
pub struct Anonymised {
    /// What was done. It names nobody, not the anonymous ids either, and is kept.
    pub receipt: ErasureReceipt,
    /// The ids under which their messages go on, one for each customer, in no order that says who is who. They
    /// are told here only: whoever keeps them beside the person's own id can lead one back to the other.
    pub anonymous_ids: Vec<String>,
    /// Which of the ids that were asked for nobody has.
    pub unknown: Vec<String>,
    /// What nobody had taken of the customers' reports, and the segments that they left by it. They are told
    /// here only, and kept nowhere; what is entered under the anonymous ids is reported like everything else.
    pub transitions: Vec<Transition>,
}

impl Database {
    /// Makes the customer `id` anonymous: what they did goes on counting, under a new id that nothing leads
    /// to, and everything that names them is gone as after [`Database::erase`], from the files too.
    ///
    /// Of their messages stay time and kind, the names of events, and the attributes and properties that the
    /// catalog declares and calls neither an identifier nor sensitive; and what they consented to.
    ///
    /// ```
    /// use habitue::{Catalog, Database, Message};
    ///
    /// let database = Database::in_memory(Catalog::from_toml(r#"
    ///     schema = 1
    ///     [attributes]
    ///     tier = "string"
    ///     email = { type = "string", identifier = true }
    ///     [segments]
    ///     gold = 'tier == "gold"'
    /// "#)?);
    /// database.apply(Message::identify("ana").with_trait("tier", "gold").with_trait("email", "a@x.test"))?;
    /// let anonymised = database.anonymise("ana")?;
    /// assert!(!database.profile("ana")?.known && !database.profile("a@x.test")?.known);
    /// assert_eq!(database.members("gold")?, anonymised.anonymous_ids);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Database::erase`].
    pub fn anonymise(&self, id: &str) -> Result<Anonymised, Error> {
        self.anonymise_all([id])
    }

    /// Makes several customers anonymous, and writes the files anew once for all of them.
    ///
    /// # Errors
    /// As [`Database::erase_all`].
    pub fn anonymise_all<I: AsRef<str>>(
        &self,
        ids: impl IntoIterator<Item = I>,
    ) -> Result<Anonymised, Error> {
        self.anonymise_as(ids, |count| (0..count).map(|_| new_anonymous_id()).collect())
    }

    /// The same for one customer, under an id that is not drawn by chance: for scripts, which say the same
    /// whenever they run.
    ///
    /// # Errors
    /// As [`Database::erase`]; `InvalidCall` if the id is somebody's.
    pub(crate) fn anonymise_under(&self, id: &str, anonymous_id: &str) -> Result<Anonymised, Error> {
        self.anonymise_as([id], |_| Ok(vec![Identifier::anonymous(anonymous_id).to_owned()]))
    }

    fn anonymise_as<I: AsRef<str>>(
        &self,
        ids: impl IntoIterator<Item = I>,
        anonymous_ids: impl FnOnce(usize) -> Result<Vec<OwnedIdentifier>, Error>,
    ) -> Result<Anonymised, Error> {
        let (TakenAway { receipt, transitions, anonymous_ids }, unknown) =
            self.take_away(ids, anonymous_ids)?;
        let mut anonymous_ids: Vec<String> =
            anonymous_ids.iter().map(|id| id.borrowed().value().to_owned()).collect();
        anonymous_ids.sort();
        Ok(Anonymised { receipt, anonymous_ids, unknown, transitions })
    }
}
