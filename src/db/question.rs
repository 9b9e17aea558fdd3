//! Questions that are put together once and asked often, and what is answered.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::base::error::Error;
use crate::base::sync::ArcSwapOption;
use crate::base::time::Time;
use crate::db::questions::{resolve, resolve_personalization};
use crate::engine::decision::{Choice, Chosen, Decision};
use crate::engine::program::Program;
use crate::model::ids::{AttributeId, PersonalizationId, SegmentId};
use crate::model::value::Value;

/// How many answers take no memory of their own.
const FEW: usize = 8;

/// What is asked of a customer: attributes, memberships and decisions, answered together as of one instant.
///
/// It is put together once: names are looked up when it is first asked, and again after a catalog was
/// replaced. Any number of threads may ask it. Up to 8 things asked at once are answered without allocating.
///
/// ```
/// use habitue::{Catalog, Database, Message, Question, Value};
///
/// let database = Database::in_memory(Catalog::from_toml(r#"
///     schema = 1
///     [attributes]
///     points = "int"
///     [segments]
///     regular = 'points >= 100'
///     [personalizations.homepage]
///     fallback = { name = "default", text = "Welcome" }
///     [[personalizations.homepage.offers]]
///     name = "thanks"
///     when = "regular"
///     text = "Good to see you again"
/// "#)?);
/// database.apply(Message::identify("ana").with_trait("points", 120))?;
///
/// let mut question = Question::new();
/// let points = question.attribute("points");
/// let regular = question.membership("regular");
/// let homepage = question.decision("homepage");
///
/// let text = database.ask("ana", &question, |reply| {
///     assert_eq!(reply.attribute(points), Some(&Value::Int(120)));
///     assert!(reply.is_member(regular));
///     reply.text(homepage).map(str::to_owned)
/// })?;
/// assert_eq!(text.as_deref(), Some("Good to see you again"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct Question {
    asked: Vec<Asked>,
    /// The same under the program that it was asked under last.
    resolved: ArcSwapOption<Resolved>,
}

/// An attribute that a [`Question`] asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AttributeHandle(usize);

/// A segment that a [`Question`] asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SegmentHandle(usize);

/// A personalization that a [`Question`] asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PersonalizationHandle(usize);

/// What a [`Question`] is answered of one customer, as of one instant. A handle of another question finds
/// nothing.
#[derive(Debug)]
pub struct Reply<'a> {
    pub(crate) answers: &'a [Answer<'a>],
    pub(crate) at: Time,
}

/// The answers, in the order of what was asked.
pub(crate) type Answers<'a> = SmallVec<[Answer<'a>; FEW]>;

/// One of them.
#[derive(Clone, Debug)]
pub(crate) enum Answer<'a> {
    Attribute(Option<Value>),
    Membership(bool),
    /// A decision that is at hand.
    AtHand(&'a Choice),
    Made(Arc<Decision>),
}

/// Something asked, by name.
#[derive(Clone, Debug)]
enum Asked {
    Attribute(String),
    Membership(String),
    Decision(String),
}

/// Something asked, as a program knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AskedId {
    Attribute(AttributeId),
    /// A computed attribute, by its number.
    Computed(u32),
    Membership(SegmentId),
    Decision(PersonalizationId),
}

/// All that is asked, as a program knows it.
#[derive(Debug)]
pub(crate) struct Resolved {
    program: Arc<Program>,
    pub(crate) asked: Vec<AskedId>,
}

impl Question {
    /// A question that asks for nothing yet.
    pub fn new() -> Question {
        Question::default()
    }

    /// Asks for an attribute or a computed attribute.
    pub fn attribute(&mut self, name: impl Into<String>) -> AttributeHandle {
        AttributeHandle(self.ask(Asked::Attribute(name.into())))
    }

    /// Asks whether the customer is a member of a segment.
    pub fn membership(&mut self, segment: impl Into<String>) -> SegmentHandle {
        SegmentHandle(self.ask(Asked::Membership(segment.into())))
    }

    /// Asks what to show the customer.
    pub fn decision(&mut self, personalization: impl Into<String>) -> PersonalizationHandle {
        PersonalizationHandle(self.ask(Asked::Decision(personalization.into())))
    }

    fn ask(&mut self, asked: Asked) -> usize {
        self.resolved.store(None);
        self.asked.push(asked);
        self.asked.len() - 1
    }

    /// Runs something with what is asked, as a program knows it.
    ///
    /// # Errors
    /// If the program has no such name, or as that fails.
    pub(crate) fn under<T>(
        &self,
        program: &Arc<Program>,
        run: impl FnOnce(&[AskedId]) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let resolved = self.resolved.load();
        if let Some(resolved) = resolved.as_ref().filter(|resolved| Arc::ptr_eq(&resolved.program, program)) {
            return run(&resolved.asked);
        }
        let asked: Result<_, Error> = self.asked.iter().map(|asked| asked.id(program)).collect();
        let resolved = Arc::new(Resolved { program: Arc::clone(program), asked: asked? });
        self.resolved.store(Some(Arc::clone(&resolved)));
        run(&resolved.asked)
    }
}

impl Asked {
    fn id(&self, program: &Program) -> Result<AskedId, Error> {
        let definitions = &program.definitions;
        Ok(match self {
            Asked::Attribute(name) => match definitions.attribute_names.get(name) {
                Some(number) => AskedId::Attribute(AttributeId(number)),
                None => AskedId::Computed(resolve(&definitions.computed_names, "attribute", name)?),
            },
            Asked::Membership(name) => {
                AskedId::Membership(SegmentId(resolve(&definitions.segment_names, "segment", name)?))
            }
            Asked::Decision(name) => AskedId::Decision(resolve_personalization(program, name)?),
        })
    }
}

impl Reply<'_> {
    /// When this was so.
    pub fn at(&self) -> Time {
        self.at
    }

    /// The value of an attribute; nothing if it is missing.
    pub fn attribute(&self, handle: AttributeHandle) -> Option<&Value> {
        match self.answers.get(handle.0)? {
            Answer::Attribute(value) => value.as_ref(),
            _ => None,
        }
    }

    /// Whether the customer is a member of a segment.
    pub fn is_member(&self, handle: SegmentHandle) -> bool {
        matches!(self.answers.get(handle.0), Some(Answer::Membership(true)))
    }

    /// What to show the customer, best first: under the strategies `first` and `best` at most one.
    pub fn offers(&self, handle: PersonalizationHandle) -> &[Chosen] {
        match self.answers.get(handle.0) {
            Some(Answer::AtHand(choice)) => &choice.offers,
            Some(Answer::Made(decision)) => &decision.offers,
            _ => &[],
        }
    }

    /// The name of the first chosen offer, or of the fallback.
    pub fn name(&self, handle: PersonalizationHandle) -> Option<&str> {
        self.offers(handle).first().map(|chosen| &*chosen.name)
    }

    /// The text of the first chosen offer, or of the fallback.
    pub fn text(&self, handle: PersonalizationHandle) -> Option<&str> {
        self.offers(handle).first()?.text.as_deref()
    }
}
