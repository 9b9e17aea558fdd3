//! A question asked of all customers, one after the other.

use crate::base::error::Error;
use crate::db::database::Database;
use crate::db::question::{Answers, Question, Reply};
use crate::model::identifier::{Identifier, IdentifierKind, OwnedIdentifier};
use crate::store::profile::Profile;

/// The id that a customer is shown under.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CustomerId {
    /// A user's id.
    User(String),
    /// The id of a visitor who has no user's id.
    Anonymous(String),
}

/// A customer on a list: the id shown, and what the profile is stored under if that is something else.
pub(crate) type Listed = (CustomerId, Option<OwnedIdentifier>);

impl CustomerId {
    /// The text of the id.
    pub fn as_str(&self) -> &str {
        let (CustomerId::User(id) | CustomerId::Anonymous(id)) = self;
        id
    }

    fn of(profile: &Profile) -> CustomerId {
        let shown = profile
            .identifiers()
            .map(OwnedIdentifier::borrowed)
            .filter(|known| known.kind != IdentifierKind::Declared && known.text == &*profile.name);
        let kind = shown.map(|known| known.kind).min().unwrap_or(profile.key().kind);
        match kind {
            IdentifierKind::User => CustomerId::User(profile.name.to_string()),
            IdentifierKind::Anonymous | IdentifierKind::Declared => {
                CustomerId::Anonymous(profile.name.to_string())
            }
        }
    }

    pub(crate) fn identifier(&self) -> Identifier<'_> {
        match self {
            CustomerId::User(id) => Identifier::user(id),
            CustomerId::Anonymous(id) => Identifier::anonymous(id),
        }
    }
}

impl Database {
    /// Asks everybody a question, users first, in the order of their ids; `read` is given who answers. Each
    /// answers as of one instant, and all as of one if the clock stands still and no messages come.
    ///
    /// ```
    /// use habitue::{Catalog, Database, Message, Question};
    ///
    /// let database = Database::in_memory(Catalog::from_toml("schema = 1\n[attributes]\npoints = \"int\"\n")?);
    /// for (id, points) in [("ben", 3), ("ana", 7)] {
    ///     database.apply(Message::identify(id).with_trait("points", points))?;
    /// }
    /// let mut question = Question::new();
    /// let points = question.attribute("points");
    /// let mut all = Vec::new();
    /// database.ask_everybody(&question, |id, reply| {
    ///     all.push((id.as_str().to_owned(), reply.attribute(points).cloned()));
    ///     Ok::<(), habitue::Error>(())
    /// })?;
    /// assert_eq!(all[0], ("ana".to_owned(), Some(habitue::Value::Int(7))));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// Ids are listed first, some 100 bytes of memory each. Nothing is locked while `read` runs.
    ///
    /// # Errors
    /// If the catalog has no such attribute, segment or personalization, a profile cannot be read from disk, or
    /// as `read` fails.
    pub fn ask_everybody<E: From<Error>>(
        &self,
        question: &Question,
        mut read: impl FnMut(&CustomerId, Reply<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut answers = Answers::new();
        for (id, stored_under) in self.everybody()? {
            let identifier = stored_under.as_ref().map_or(id.identifier(), OwnedIdentifier::borrowed);
            let now = self.now();
            // Erased meanwhile, or part of another customer.
            let Some(writing) = self.write_one(identifier, now)? else { continue };
            let at = self.answer_writing(writing, None, question, now, &mut answers)?;
            read(&id, Reply { answers: &answers, at })?;
        }
        Ok(())
    }

    /// All customers of whom a message has taken effect, sorted.
    pub(crate) fn everybody(&self) -> Result<Vec<Listed>, Error> {
        let listed = |profile: &Profile| {
            let id = CustomerId::of(profile);
            let stored_under = (id.identifier() != profile.key()).then(|| profile.key.clone());
            profile.standing().is_known().then_some((id, stored_under))
        };
        let picked = self.of_everybody(|program| self.pick(program, listed))?;
        let mut all: Vec<Listed> = picked.into_values().collect();
        all.sort_unstable();
        Ok(all)
    }
}
