//! The run of a script: an empty database, a clock that the lines move, and an answer to each line.
//!
//! Invariants:
//! 1. The clock never goes back: a line earlier than the one before happens at the time of that one.
//! 2. The clock starts at the time of the first line. If that has none, it starts at the Unix epoch.
//! 3. A line that cannot be followed changes nothing but the clock.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::answer::Answer;
use super::decision_report::{Answered, DecisionReport};
use super::persona::Persona;
use super::script::{Asked, At, Line, ReadMessage, Script, Step};
use crate::base::clock::{Clock, ManualClock};
use crate::base::error::Error;
use crate::base::time::Time;
use crate::db::applied::Applied;
use crate::db::catalog::Catalog;
use crate::db::database::Database;
use crate::model::call::Call;
use crate::model::message::Message;
use crate::model::refusal::Refusal;
use crate::model::value::Value;

/// A database under simulation.
///
/// ```
/// use habitue::Catalog;
/// use habitue::simulate::{Answer, Script, Simulation};
///
/// let catalog = Catalog::from_toml("schema = 1\n[attributes]\ntier = \"string\"\n[segments]\ngold = 'tier == \"gold\"'")?;
/// let script = Script::from_text(r#"
///     {"message":{"type":"identify","userId":"ana","traits":{"tier":"gold"},"timestamp":"2026-01-01T09:00:00Z"}}
///     {"at":"+1h","expect":{"user":"ana","segments":{"gold":true}}}
/// "#, "");
/// let answers: Vec<Answer> = Simulation::new(catalog).run(&script).collect();
/// assert_eq!(answers, [Answer::Passed { line: 3 }]);
/// # Ok::<(), habitue::CatalogError>(())
/// ```
pub struct Simulation {
    database: Database,
    clock: ManualClock,
    /// How many customers were made anonymous.
    anonymised: u64,
    answered: Answered,
}

/// What `query` prints.
#[derive(Serialize)]
struct Profile<'a> {
    user: &'a str,
    attributes: BTreeMap<String, Json>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    consents: BTreeMap<String, Json>,
    segments: BTreeMap<String, bool>,
    decisions: BTreeMap<String, Json>,
}

/// What `record` prints.
#[derive(Serialize)]
struct Shown<'a> {
    user: &'a str,
    decisions: BTreeMap<String, Json>,
}

/// What `members` prints.
#[derive(Serialize)]
struct Members<'a> {
    segment: &'a str,
    size: usize,
    members: Vec<String>,
}

impl Simulation {
    /// An empty database under `catalog`, whose clock has not started.
    pub fn new(catalog: Catalog) -> Simulation {
        let clock = ManualClock::new(Time::MIN);
        let database = Database::in_memory_with_clock(catalog, Clock::Manual(clock.clone()));
        Simulation { database, clock, anonymised: 0, answered: Answered::default() }
    }

    /// The database, at the time of the last line.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// What was seen of each offer so far, and who is shown it at the time of the last line.
    ///
    /// # Errors
    /// None that a script can cause.
    pub fn decision_report(&self) -> Result<DecisionReport, Error> {
        DecisionReport::of(&self.database, &self.answered)
    }

    /// Follows the lines of `script` one by one as the answers are asked for. Lines that expect and
    /// ask nothing have an answer only if they fail.
    pub fn run<'a>(&'a mut self, script: &'a Script) -> impl Iterator<Item = Answer> + 'a {
        script.lines().filter_map(|line| self.follow(&line))
    }

    /// Follows one line; `None` if it expects and asks nothing, and nothing failed.
    pub fn follow(&mut self, line: &Line<'_>) -> Option<Answer> {
        if let Err(problem) = self.move_clock(line) {
            return Some(Answer::not_followed(line, problem));
        }
        match &line.step {
            Err(problem) => Some(Answer::not_followed(line, problem)),
            Ok(Step::Message(message)) => self.apply(line, message),
            Ok(Step::Catalog { path }) => self.replace_catalog(line, line.folder.join(path)),
            Ok(Step::Expect(expectation)) => {
                Some(match expectation.compare(&self.database, &mut self.answered) {
                    None => Answer::Passed { line: line.number },
                    Some(difference) => Answer::failed(
                        line,
                        json!(difference.expected),
                        json!(difference.actual),
                        difference.why.join("\n"),
                    ),
                })
            }
            Ok(Step::Reject { message, reason }) => Some(self.reject(line, message, reason.as_deref())),
            Ok(Step::Query { user, call }) => Some(answer_or_error(line, self.query(user, call))),
            Ok(Step::Record { user, asked, call }) => {
                Some(answer_or_error(line, self.record(user, asked, call)))
            }
            Ok(Step::Members { segment }) => Some(answer_or_error(
                line,
                self.database.members(segment).map(|members| Members {
                    segment,
                    size: members.len(),
                    members,
                }),
            )),
            Ok(Step::Goal { goal }) => Some(answer_or_error(line, self.database.goal(goal))),
            Ok(Step::PublishList { list, members }) => {
                followed(line, self.database.replace_list(list, members.iter().cloned()))
            }
            Ok(Step::Persona { path, id, with }) => {
                let entered = self.enter(&line.folder.join(path), id.as_deref(), with);
                entered.err().map(|error| Answer::not_followed(line, error.to_string()))
            }
            Ok(Step::PublishCutPoints) => followed(line, self.database.publish_cut_points()),
            Ok(Step::Unmerge { user }) => followed(line, self.database.unmerge(user)),
            Ok(Step::Erase { user }) => followed(line, self.database.erase(user)),
            Ok(Step::Anonymise { user }) => self.anonymise(line, user),
            Ok(Step::Crowd(step)) => Some(answer_or_error(line, step.ask(&self.database))),
            Ok(Step::ExplainSegment { user, segment }) => {
                Some(answer_or_error(line, self.database.explain_segment(user, segment)))
            }
            Ok(Step::ExplainDecision { user, personalization, call }) => {
                let explained = self.database.explain_decision_with(user, personalization, call);
                Some(answer_or_error(line, explained))
            }
        }
    }

    /// Brings a persona in.
    fn enter(&self, path: &Path, id: Option<&str>, with: &[(String, Json)]) -> Result<(), Error> {
        let mut persona = Persona::read(path)?;
        if let Some(id) = id {
            persona = persona.named(id);
        }
        for (attribute, value) in with {
            persona = persona.with(attribute, value.clone());
        }
        persona.enter(&self.database)
    }

    /// Makes a customer anonymous, under an id that is the same whenever the script runs.
    fn anonymise(&mut self, line: &Line<'_>, user: &str) -> Option<Answer> {
        self.anonymised += 1;
        let anonymised = self.database.anonymise_under(user, &format!("anon-{}", self.anonymised));
        anonymised.err().map(|error| Answer::not_followed(line, error.to_string()))
    }

    /// Sets the clock to the time of the line.
    fn move_clock(&self, line: &Line<'_>) -> Result<(), String> {
        let started = self.clock.now() > Time::MIN;
        let now = if started { self.clock.now() } else { Time::default() };
        let named = match line.at {
            Some(At::Instant(time)) => Some(time),
            Some(At::After(wait)) => {
                let time = Time::from_millis((now + wait).millis());
                Some(time.map_err(|error| format!("`at` leads too far: {error}"))?)
            }
            None => match &line.step {
                Ok(Step::Message(message)) => message.as_ref().as_ref().ok().and_then(Message::timestamp),
                _ => None,
            },
        };
        match named {
            Some(time) if !started => self.clock.set(time),
            Some(time) => self.clock.set(time.max(now)),
            None => self.clock.set(now),
        }
        Ok(())
    }

    fn submit(&self, message: &ReadMessage) -> Result<Applied, Refusal> {
        self.database.apply((**message).clone()?)
    }

    fn apply(&self, line: &Line<'_>, message: &ReadMessage) -> Option<Answer> {
        let refusal = self.submit(message).err()?;
        let actual = json!({ "reason": refusal.reason.as_str() });
        Some(Answer::failed(line, json!({ "reason": null }), actual, refusal.to_string()))
    }

    fn reject(&self, line: &Line<'_>, message: &ReadMessage, reason: Option<&str>) -> Answer {
        let expected = json!({ "reason": reason });
        match self.submit(message) {
            Ok(applied) => {
                let how = if applied.duplicate { "a repetition of one accepted before" } else { "accepted" };
                Answer::failed(line, expected, json!({ "reason": null }), format!("the message is {how}"))
            }
            Err(refusal) if reason.is_none_or(|reason| is_reason(reason, &refusal)) => {
                Answer::Passed { line: line.number }
            }
            Err(refusal) => {
                let actual = json!({ "reason": refusal.reason.as_str() });
                Answer::failed(line, expected, actual, refusal.to_string())
            }
        }
    }

    fn replace_catalog(&self, line: &Line<'_>, path: PathBuf) -> Option<Answer> {
        match Catalog::load(path) {
            Ok(catalog) => {
                let replaced = self.database.replace_catalog(catalog);
                replaced.err().map(|error| Answer::not_followed(line, error.to_string()))
            }
            Err(error) => Some(Answer::not_followed(line, error.to_string())),
        }
    }

    fn record<'a>(&mut self, user: &'a str, asked: &Asked, call: &Call) -> Result<Shown<'a>, Error> {
        let recorded = match asked {
            Asked::Personalization(name) => vec![self.database.decide_and_record_with(user, name, call)?],
            Asked::Placement(name) => self.database.decide_and_record_placement(user, name, call)?,
        };
        let decisions = recorded.iter().map(|recorded| &recorded.decided.decision);
        for decision in decisions.clone() {
            self.answered.add(&decision.personalization, &decision.to_json());
        }
        let decisions =
            decisions.map(|decision| (decision.personalization.to_string(), decision.to_json())).collect();
        Ok(Shown { user, decisions })
    }

    fn query<'a>(&mut self, user: &'a str, call: &Call) -> Result<Profile<'a>, Error> {
        let snapshot = self.database.profile(user)?;
        let attributes = snapshot.attributes.into_iter();
        let consents = snapshot.consents.into_iter();
        let decisions = snapshot.decisions.into_keys().map(|name| {
            let decision = self.database.decide_with(user, &name, call)?.decision.to_json();
            self.answered.add(&name, &decision);
            Ok((name, decision))
        });
        Ok(Profile {
            user,
            attributes: attributes
                .map(|(name, value)| (name, value.as_ref().map_or(Json::Null, Value::to_json)))
                .collect(),
            consents: consents.map(|(name, consent)| (name, consent.to_json())).collect(),
            segments: snapshot.segments,
            decisions: decisions.collect::<Result<_, Error>>()?,
        })
    }
}

/// Whether a refusal is for the reason expected; `schema` is also what a strict catalog does not know.
fn is_reason(expected: &str, refusal: &Refusal) -> bool {
    let actual = refusal.reason.as_str();
    expected == actual || (expected == "schema" && actual.starts_with("unknown_"))
}

/// The answer to a line that asks nothing: none, unless it failed.
fn followed<T>(line: &Line<'_>, done: Result<T, Error>) -> Option<Answer> {
    done.err().map(|error| Answer::not_followed(line, error.to_string()))
}

fn answer_or_error<T: Serialize, E: ToString>(line: &Line<'_>, asked: Result<T, E>) -> Answer {
    match asked {
        Ok(asked) => Answer::printed(&asked),
        Err(error) => Answer::not_followed(line, error.to_string()),
    }
}
