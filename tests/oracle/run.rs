//! One story told to the database and to the reference, and every answer of the two compared.
//!
//! A step that fails says where and how. Beside the answers themselves three promises are checked: that
//! answers stay what they are until `valid_until`; that transitions, replayed, give the memberships; and
//! of punctual stories that each transition has its exact millisecond and none is missing. A story in a
//! folder is closed, killed and opened again on the way, and nobody who asks may notice.

use std::collections::{BTreeMap, BTreeSet};

use habitue::{
    Answers, Call, Catalog, Clock, Database, ErrorKind, ManualClock, Message, Question, Reference, Reply,
    Snapshot, Time, Transition, Value,
};

use crate::catalogs::{USERS, VISITORS};
use crate::coverage::Coverage;
use crate::folder::Folder;
use crate::past;
use crate::published;
use crate::stories::time;

/// Other identifiers, as people may ask by them.
const DECLARED: [&str; 3] = ["a@x", "b@x", "7"];

/// What happens at one instant.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) at_ms: i64,
    pub(crate) action: Action,
}

/// What happens.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// A message is applied.
    Apply(Message),
    /// A message is applied, and what its event triggers is decided.
    Decide(Message),
    /// All that can be asked of one customer is asked.
    Read(String),
    /// Single questions are asked, which take other ways than `Read`.
    Ask(String),
    /// Members and sizes of all segments are counted.
    Count,
    /// The timers run.
    Advance,
    /// Another of the catalogs comes into force.
    Swap(usize),
    /// A customer is erased.
    Erase(String),
    /// Old messages become summaries.
    Summarise,
    /// Cut-points are measured and published.
    Publish,
    /// The members of a list are published.
    Replace(String, Vec<String>),
    /// What is in memory is written to the live store.
    Checkpoint,
    /// A new base is written.
    Compact,
    /// The database is closed, and opened again.
    Reopen,
    /// The process is killed, and another one opens the folder.
    Crash,
}

impl Action {
    /// Whether it is about files.
    pub(crate) fn is_on_disk(&self) -> bool {
        matches!(self, Action::Checkpoint | Action::Compact | Action::Reopen | Action::Crash)
    }
}

/// A story in progress.
pub(crate) struct Run<'a> {
    catalogs: &'a [String],
    clock: ManualClock,
    database: Database,
    /// Where the database is, if it is in a folder, which goes after it.
    folder: Option<Folder>,
    reference: Reference,
    now_ms: i64,
    /// Whether so far no message came later than the step before the time it happened.
    punctual: bool,
    /// Whether the past may be another one than it was: under another catalog, or of another customer.
    rewritten: bool,
    /// Whether anybody may be somebody else.
    tied: bool,
    /// Whether anything was published.
    published: bool,
    /// Whether transitions may have been lost, or be told again.
    crashed: bool,
    /// The catalog in force.
    current: usize,
    /// Of each customer the memberships that the transitions tell of, and the time of the last one.
    replayed: BTreeMap<String, BTreeMap<String, bool>>,
    last_turn: BTreeMap<String, Time>,
    log: Vec<Transition>,
    unnamed: usize,
    /// Until when the answers of the last read hold.
    pub(crate) valid_until_ms: i64,
    pub(crate) coverage: Coverage,
}

/// The ids that stories are about.
pub(crate) fn ids() -> impl Iterator<Item = &'static str> {
    USERS.into_iter().chain(VISITORS).chain(DECLARED)
}

fn read(text: &str) -> Result<Catalog, String> {
    Catalog::from_toml(text).map_err(|error| format!("catalog: {error}"))
}

impl<'a> Run<'a> {
    /// A run on an empty database: in memory, or in a folder with this memory budget.
    pub(crate) fn new(catalogs: &'a [String], begin_ms: i64, budget: Option<u64>) -> Result<Run<'a>, String> {
        let clock = ManualClock::new(time(begin_ms));
        let folder = budget.map(|budget| Folder::new(budget, &clock));
        let database = match &folder {
            Some(folder) => folder.open(Some(read(&catalogs[0])?))?,
            None => Database::in_memory_with_clock(read(&catalogs[0])?, Clock::Manual(clock.clone())),
        };
        #[cfg(feature = "workbench")]
        database.sweep_only_when_asked();
        let reference = Reference::new(read(&catalogs[0])?);
        Ok(Run {
            catalogs,
            clock,
            folder,
            database,
            reference,
            now_ms: begin_ms,
            punctual: true,
            rewritten: false,
            tied: false,
            published: false,
            crashed: false,
            current: 0,
            replayed: BTreeMap::new(),
            last_turn: BTreeMap::new(),
            log: Vec::new(),
            unnamed: 0,
            valid_until_ms: i64::MAX,
            coverage: Coverage::of(&catalogs[0]),
        })
    }

    /// Takes one step.
    pub(crate) fn step(&mut self, step: &Step) -> Result<(), String> {
        let before_ms = self.now_ms;
        self.now_ms = self.now_ms.max(step.at_ms);
        self.clock.set(time(self.now_ms));
        match &step.action {
            Action::Apply(message) => self.apply(message, before_ms, false)?,
            Action::Decide(message) => self.apply(message, before_ms, true)?,
            Action::Read(id) => self.read(id)?,
            Action::Ask(id) => self.ask(id)?,
            Action::Count => self.count()?,
            Action::Erase(id) => self.erase(id)?,
            Action::Summarise => self.summarise()?,
            Action::Publish => self.publish()?,
            Action::Replace(list, ids) => self.replace_list(list, ids)?,
            Action::Advance => self.database.advance().map_err(|error| error.to_string())?,
            Action::Checkpoint => self.database.checkpoint().map_err(|error| error.to_string())?,
            Action::Compact => drop(self.database.compact().map_err(|error| error.to_string())?),
            Action::Reopen => self.open_again(false)?,
            Action::Crash => self.open_again(true)?,
            Action::Swap(number) => {
                self.database
                    .replace_catalog(read(&self.catalogs[*number])?)
                    .map_err(|error| error.to_string())?;
                self.reference.replace_catalog(read(&self.catalogs[*number])?);
                self.follow()?;
                self.coverage.turn_to(&self.catalogs[*number]);
                self.rewritten = true;
                self.current = *number;
            }
        }
        self.take_transitions()?;
        if let Action::Swap(_) = step.action {
            self.forget_strangers();
        }
        Ok(())
    }

    /// Whoever is nobody under other rules for identifiers is new when she comes again, with a time of her own.
    fn forget_strangers(&mut self) {
        let known: BTreeSet<String> = everybody(&self.reference, time(self.now_ms))
            .into_iter()
            .filter_map(|answers| answers.known.then_some(answers.id))
            .collect();
        self.last_turn.retain(|id, _| known.contains(id));
    }

    fn apply(&mut self, message: &Message, before_ms: i64, decide: bool) -> Result<(), String> {
        let now = time(self.now_ms);
        let at = message.timestamp().unwrap_or(now);
        let (result, decided) = if decide {
            match self.database.apply_and_decide(message.clone()) {
                Ok((applied, decided)) => (Ok(applied), decided),
                Err(refusal) => (Err(refusal), Vec::new()),
            }
        } else {
            (self.database.apply(message.clone()), Vec::new())
        };
        self.unnamed += 1;
        let kind = message.kind().as_str();
        let says_who = |name: &str| message.traits().contains_key(name);
        if matches!(kind, "alias" | "unmerge")
            || (kind == "identify"
                && (message.anonymous_id().is_some() || says_who("email") || says_who("card")))
        {
            self.rewritten = true;
            self.tied = true;
        }
        if matches!(kind, "alias" | "unmerge") || (kind == "identify" && message.anonymous_id().is_some()) {
            self.coverage.message(kind);
        }
        let id = match &result {
            Ok(applied) => applied.message_id.clone(),
            Err(_) => format!("unnamed{}", self.unnamed),
        };
        let named =
            if message.message_id().is_some() { message.clone() } else { message.clone().with_id(id) };
        let expected = self.reference.apply(named.clone(), now);
        match (&result, &expected) {
            (Ok(applied), Ok(new)) if applied.duplicate != *new => {
                self.coverage.message(if *new { "accepted" } else { "duplicate" });
                if *new && at.millis() < before_ms {
                    self.coverage.message("late");
                    self.punctual = false;
                }
            }
            (Err(refusal), Err(expected)) if refusal.reason == expected.reason => {
                self.coverage.message(refusal.reason.as_str());
            }
            _ => return Err(format!("apply: the database says {result:?}, expected {expected:?}")),
        }
        let at_once = result.is_ok_and(|applied| !applied.duplicate) && at <= now;
        let event = message.event().or((message.kind().as_str() == "page").then_some("Page Viewed"));
        let on = format!("on = \"{}\"\n", event.unwrap_or_default());
        let triggered = self.catalogs[self.current].matches(&on).count();
        if decide && at_once {
            let answers = self.reference.answers_after(&named, now);
            let expected = if answers.triggers { triggered } else { 0 };
            if decided.len() != expected {
                return Err(format!("apply_and_decide: {} decided, expected {expected}", decided.len()));
            }
            if expected < triggered {
                self.coverage.message("untriggered");
            }
            for decided in decided {
                self.coverage.message("triggered");
                let name = decided.decision.personalization.to_string();
                compare_decision(&name, &decided.decision, &answers)
                    .map_err(|problem| format!("apply_and_decide: {problem}"))?;
            }
        }
        Ok(())
    }

    /// Closes the database and opens it again; or leaves it as it is, and opens what a kill would leave.
    fn open_again(&mut self, is_killed: bool) -> Result<(), String> {
        // What nobody has taken is lost.
        self.take_transitions()?;
        let Some(folder) = &mut self.folder else { return Ok(()) };
        self.crashed |= is_killed;
        self.coverage.message(if is_killed { "killed" } else { "opened" });
        let idle = Database::in_memory(read(&self.catalogs[self.current])?);
        let open = std::mem::replace(&mut self.database, idle);
        if is_killed {
            folder.leave_as_it_is();
            drop(open);
        } else {
            open.close().map_err(|error| format!("close: {error}"))?;
        }
        self.database = folder.open(None)?;
        #[cfg(feature = "workbench")]
        self.database.sweep_only_when_asked();
        match self.database.warnings() {
            warnings if warnings.is_empty() => Ok(()),
            warnings => Err(format!("open: {warnings:?}")),
        }
    }

    fn publish(&mut self) -> Result<(), String> {
        let now = time(self.now_ms);
        // Where a digit decides, the reference may count otherwise.
        let answers = everybody(&self.reference, now);
        let told = self.database.publish_cut_points().map_err(|error| format!("publish: {error}"))?;
        if told.iter().any(|told| told.moved > 0) {
            self.published = true;
            self.rewritten = true;
            self.coverage.message("cut");
        }
        published::check(&told, &self.catalogs[self.current], &answers)?;
        self.follow()
    }

    fn replace_list(&mut self, list: &str, ids: &[String]) -> Result<(), String> {
        self.database.replace_list(list, ids).map_err(|error| format!("replace {list}: {error}"))?;
        (self.published, self.rewritten) = (true, true);
        self.coverage.message("listed");
        self.follow()
    }

    /// Gives the reference what is published beside the catalog in force.
    fn follow(&mut self) -> Result<(), String> {
        if self.published {
            let catalog = self.database.catalog().map_err(|error| format!("catalog: {error}"))?;
            self.reference.replace_catalog(catalog);
        }
        Ok(())
    }

    fn summarise(&mut self) -> Result<(), String> {
        #[cfg(feature = "workbench")]
        let summarised = self.database.summarise_all();
        #[cfg(not(feature = "workbench"))]
        let summarised = self.database.summarise_history();
        let summarised = summarised.map_err(|error| error.to_string())?;
        (0..summarised.messages).for_each(|_| self.coverage.message("summarised"));
        Ok(())
    }

    fn erase(&mut self, id: &str) -> Result<(), String> {
        self.take_transitions()?;
        self.rewritten = true;
        let is_known = self.reference.erase(id, time(self.now_ms));
        match self.database.erase(id) {
            Ok(erased) if is_known => {
                self.coverage.message("erase");
                if erased.receipt.shared > 0 {
                    self.coverage.message("shared");
                }
                if erased.receipt.changed > 0 {
                    self.coverage.message("changed");
                }
                erased.transitions.into_iter().try_for_each(|transition| self.replay(transition))
            }
            Err(error) if !is_known && error.kind() == ErrorKind::NotFound => Ok(()),
            found => Err(format!("erase {id}: {found:?}, expected {is_known}")),
        }
    }

    fn read(&mut self, id: &str) -> Result<(), String> {
        let now = time(self.now_ms);
        let snapshot = self.database.profile(id).map_err(|error| error.to_string())?;
        self.valid_until_ms = snapshot.valid_until.millis();
        let answers = self.reference.answers(id, now);
        self.coverage.read(&answers);
        compare(&snapshot, &answers).map_err(|problem| format!("read {id} at {now}: {problem}"))?;
        self.keeps_its_word(id, now, &snapshot, &answers)?;
        self.take_transitions()?;
        let replayed = self.replayed.get(&answers.id);
        for (segment, member) in &answers.segments {
            let told = replayed.and_then(|segments| segments.get(segment)).copied().unwrap_or(false);
            if told != *member && !answers.close_calls.contains(segment) && !self.crashed {
                return Err(format!("read {id} at {now}: transitions make {segment} {told}, it is {member}"));
            }
        }
        Ok(())
    }

    /// Checks that the answers are the same just before they may change.
    fn keeps_its_word(
        &self,
        id: &str,
        now: Time,
        snapshot: &Snapshot,
        answers: &Answers,
    ) -> Result<(), String> {
        let until_ms = snapshot.valid_until.millis();
        if until_ms <= now.millis() {
            return Err(format!("read {id} at {now}: answers are valid until {}", snapshot.valid_until));
        }
        // Where nothing will ever change, ten years are long enough.
        let last = time((until_ms - 1).min(now.millis() + 315_360_000_000));
        if last == now {
            return Ok(());
        }
        let later = self.reference.answers(id, last);
        for (segment, member) in &answers.segments {
            let is_close = later.close_calls.contains(segment) || answers.close_calls.contains(segment);
            if later.segments[segment] != *member && !is_close {
                return Err(format!(
                    "read {id} at {now}: {segment} is {member}, said to be valid until {}, but is another at {last}",
                    snapshot.valid_until
                ));
            }
        }
        for (name, shown) in &answers.decisions {
            let is_close = later.close_calls.contains(name) || answers.close_calls.contains(name);
            if later.decisions[name].offers != shown.offers && !is_close {
                return Err(format!(
                    "read {id} at {now}: {name} is {:?}, said to be valid until {}, but is {:?} at {last}",
                    shown.offers, snapshot.valid_until, later.decisions[name].offers
                ));
            }
        }
        Ok(())
    }

    fn ask(&mut self, id: &str) -> Result<(), String> {
        let answers = self.reference.answers(id, time(self.now_ms));
        for (name, shown) in &answers.decisions {
            let decided = self.database.decide(id, name).map_err(|error| error.to_string())?;
            self.coverage.message(if decided.cached { "cached" } else { "decided" });
            compare_decision(name, &decided.decision, &answers)
                .map_err(|problem| format!("decide {id}: {problem}"))?;
            let again = self.database.decide(id, name).map_err(|error| error.to_string())?;
            if again.decision != decided.decision {
                return Err(format!(
                    "decide {id}: {name} is {:?}, then {:?}, expected {shown:?}",
                    decided.decision, again.decision
                ));
            }
        }
        for (name, member) in &answers.segments {
            let said = self.database.is_member(id, name).map_err(|error| error.to_string())?;
            if said != *member && !answers.close_calls.contains(name) {
                return Err(format!("is_member {id} {name}: {said}, expected {member}"));
            }
        }
        for (name, value) in &answers.attributes {
            let said = self.database.attribute(id, name).map_err(|error| error.to_string())?;
            if !same_value(said.as_ref(), value.as_ref()) && !answers.close_calls.contains(name) {
                return Err(format!("attribute {id} {name}: {said:?}, expected {value:?}"));
            }
        }
        self.call(id)?;
        // The second time it may be at hand.
        self.ask_together(id, &answers)?;
        self.ask_together(id, &answers)
    }

    /// Decides for calls that say something, each placement too.
    fn call(&mut self, id: &str) -> Result<(), String> {
        let said = Call::new().with("page", "home").with("heat", self.now_ms % 4);
        let calls = [
            said.clone(),
            Call::new().with_variant("x0", "a"),
            said.with_variant("x0", "b").with_variant("x1", "a"),
        ];
        for call in calls {
            // Of a catalog without experiments both sides refuse.
            let Ok(answers) = self.reference.answers_with(id, &call, time(self.now_ms)) else { continue };
            for name in answers.decisions.keys() {
                let decided =
                    self.database.decide_with(id, name, &call).map_err(|error| error.to_string())?;
                self.coverage.message("called");
                compare_decision(name, &decided.decision, &answers)
                    .map_err(|problem| format!("decide {id} with {call:?}: {problem}"))?;
            }
            let hangs_on_digits = !answers.close_calls.is_empty();
            for (name, expected) in &answers.placements {
                let decided = self.database.decide_placement(id, name, &call);
                let decided = decided.map_err(|error| error.to_string())?;
                let names = decided.iter().map(|decided| names(&decided.decision));
                let names: Vec<Vec<String>> = names.collect();
                self.coverage.message("placed");
                if names != *expected && !hangs_on_digits {
                    return Err(format!("placement {id} with {call:?}: {names:?}, expected {expected:?}"));
                }
            }
        }
        Ok(())
    }

    fn ask_together(&self, id: &str, answers: &Answers) -> Result<(), String> {
        let mut question = Question::new();
        let attributes: Vec<_> = answers.attributes.keys().map(|name| question.attribute(name)).collect();
        let segments: Vec<_> = answers.segments.keys().map(|name| question.membership(name)).collect();
        let decisions: Vec<_> = answers.decisions.keys().map(|name| question.decision(name)).collect();
        let wrong = |name: &String| Err(format!("ask {id}: {name} is another one than asked by itself"));
        let read = |reply: Reply<'_>| {
            for ((name, value), handle) in answers.attributes.iter().zip(attributes) {
                let is_same = same_value(reply.attribute(handle), value.as_ref());
                if !is_same && !answers.close_calls.contains(name) {
                    return wrong(name);
                }
            }
            for ((name, member), handle) in answers.segments.iter().zip(segments) {
                if reply.is_member(handle) != *member && !answers.close_calls.contains(name) {
                    return wrong(name);
                }
            }
            for (name, handle) in answers.decisions.keys().zip(decisions) {
                let decided = self.database.decide(id, name).map_err(|error| error.to_string())?;
                if reply.offers(handle) != decided.decision.offers {
                    return wrong(name);
                }
            }
            Ok(())
        };
        self.database.ask(id, &question, read).map_err(|error| error.to_string())?
    }

    fn count(&mut self) -> Result<(), String> {
        let now = time(self.now_ms);
        let answers = everybody(&self.reference, now);
        for (segment, size) in self.database.segment_sizes().map_err(|error| error.to_string())? {
            let members = self.database.members(&segment).map_err(|error| error.to_string())?;
            let members_of = answers.iter().filter(|answers| answers.segments[&segment]);
            let expected: Vec<&str> = members_of.map(|answers| answers.id.as_str()).collect();
            let is_close = answers.iter().any(|answers| answers.close_calls.contains(&segment));
            if (members != expected || size != expected.len() as u64) && !is_close {
                return Err(format!(
                    "members of {segment} at {now}: {members:?} and {size}, expected {expected:?}"
                ));
            }
        }
        Ok(())
    }

    /// Replays the transitions that have come.
    fn take_transitions(&mut self) -> Result<(), String> {
        self.database.take_transitions().into_iter().try_for_each(|transition| self.replay(transition))
    }

    fn replay(&mut self, transition: Transition) -> Result<(), String> {
        let Transition { profile, segment, entered, at, .. } = &transition;
        let (id, name) = (profile.to_string(), segment.to_string());
        let last = self.last_turn.entry(id.clone()).or_insert(*at);
        if (at < last && !self.crashed) || *at > time(self.now_ms) {
            return Err(format!(
                "transitions: {transition:?} comes after one at {last}, now {}",
                time(self.now_ms)
            ));
        }
        *last = *at;
        let member = self.replayed.entry(id.clone()).or_default().entry(name).or_insert(false);
        if *member == *entered && !self.crashed {
            return Err(format!("transitions: {transition:?}, but that it was before"));
        }
        *member = *entered;
        if self.punctual && !self.rewritten && !self.crashed {
            self.is_exact(&transition)?;
            self.log.push(transition);
        }
        Ok(())
    }

    /// Checks that a transition happened in its very millisecond.
    fn is_exact(&mut self, transition: &Transition) -> Result<(), String> {
        let Transition { profile, segment, entered, at, .. } = transition;
        self.coverage.message("transitions");
        let just_before = time(at.millis() - 1);
        // Of messages of one millisecond each is answered for before the next one comes.
        let is_second = self
            .log
            .iter()
            .any(|other| other.at == *at && other.profile == *profile && other.segment == *segment);
        for (at, member) in [(*at, *entered), (just_before, !*entered)] {
            if at == just_before && is_second {
                continue;
            }
            let answers = self.reference.answers(profile, at);
            let name = &**segment;
            if answers.segments[name] != member && !answers.close_calls.contains(name) {
                return Err(format!("transitions: {transition:?}, but at {at} membership is {}", !member));
            }
        }
        Ok(())
    }

    /// At the end of a punctual story: whether the transitions tell all that happened.
    pub(crate) fn end(&mut self, instants_ms: &[i64]) -> Result<(), String> {
        for id in ids() {
            self.read(id)?;
        }
        if self.folder.is_some() {
            self.database.checkpoint().map_err(|error| format!("checkpoint: {error}"))?;
            let flaws = self.database.verify().map_err(|error| format!("verify: {error}"))?.flaws;
            if !flaws.is_empty() {
                return Err(format!("verify: {flaws:?}"));
            }
        }
        if !self.tied && !self.catalogs[self.current].contains("[purposes") {
            let told = past::check(&self.database, &self.reference, (instants_ms, self.now_ms))?;
            (0..told).for_each(|_| self.coverage.message("past"));
        }
        if !self.punctual || self.rewritten || self.crashed {
            return Ok(());
        }
        for id in ids() {
            for at_ms in instants_ms.iter().filter(|at_ms| **at_ms <= self.now_ms) {
                let answers = self.reference.answers(id, time(*at_ms));
                for (segment, member) in &answers.segments {
                    let told = self.log.iter().rfind(|turn| {
                        &*turn.profile == id && *turn.segment == **segment && turn.at <= time(*at_ms)
                    });
                    if told.is_some_and(|turn| turn.entered) != *member
                        && !answers.close_calls.contains(segment)
                    {
                        return Err(format!(
                            "transitions of {id}: at {} {segment} was {member}, the last told is {told:?}",
                            time(*at_ms)
                        ));
                    }
                }
            }
        }
        Ok(())
    }
}

/// What everybody is told, each customer once.
fn everybody(reference: &Reference, now: Time) -> Vec<Answers> {
    let mut answers: Vec<Answers> = ids().map(|id| reference.answers(id, now)).collect();
    answers.sort_by(|a, b| a.id.cmp(&b.id));
    answers.dedup_by(|a, b| a.id == b.id);
    answers
}

/// What differs between an answer and what it should be.
fn compare(snapshot: &Snapshot, answers: &Answers) -> Result<(), String> {
    if snapshot.id != answers.id {
        return Err(format!("shown as {}, expected {}", snapshot.id, answers.id));
    }
    if snapshot.known != answers.known {
        return Err(format!("known is {}", snapshot.known));
    }
    if snapshot.consents != answers.consents {
        return Err(format!("consents are {:?}, expected {:?}", snapshot.consents, answers.consents));
    }
    let names =
        |answers: &Answers| (answers.segments.len(), answers.attributes.len(), answers.decisions.len());
    if names(answers) != (snapshot.segments.len(), snapshot.attributes.len(), snapshot.decisions.len()) {
        return Err("other things are answered".to_owned());
    }
    for (name, expected) in &answers.segments {
        let actual = snapshot.segments[name];
        if actual != *expected && !answers.close_calls.contains(name) {
            return Err(format!("segment {name} is {actual}, expected {expected}"));
        }
    }
    for (name, expected) in &answers.attributes {
        let actual = &snapshot.attributes[name];
        if !same_value(actual.as_ref(), expected.as_ref()) && !answers.close_calls.contains(name) {
            return Err(format!("attribute {name} is {actual:?}, expected {expected:?}"));
        }
    }
    for name in answers.decisions.keys() {
        compare_decision(name, &snapshot.decisions[name].decision, answers)?;
    }
    Ok(())
}

fn names(decision: &habitue::Decision) -> Vec<String> {
    decision.offers.iter().map(|chosen| chosen.name.to_string()).collect()
}

fn compare_decision(name: &str, decision: &habitue::Decision, answers: &Answers) -> Result<(), String> {
    let expected = &answers.decisions[name];
    let offers: Vec<(String, Option<String>)> = decision
        .offers
        .iter()
        .map(|chosen| (chosen.name.to_string(), chosen.text.as_ref().map(ToString::to_string)))
        .collect();
    if answers.close_calls.contains(name) {
        return Ok(());
    }
    if offers != expected.offers {
        return Err(format!("decision {name} is {offers:?}, expected {:?}", expected.offers));
    }
    for ((name, actual), (_, expected)) in decision.attributes.iter().zip(&expected.attributes) {
        if !same_value(actual.as_ref(), expected.as_ref()) && !answers.close_calls.contains(&**name) {
            return Err(format!("attribute {name} of a decision is {actual:?}, expected {expected:?}"));
        }
    }
    Ok(())
}

/// Equal, floats to 1e-9.
fn same_value(a: Option<&Value>, b: Option<&Value>) -> bool {
    match (a, b) {
        (Some(Value::Float(a)), Some(Value::Float(b))) => {
            (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1e-290)
        }
        (Some(Value::Map(a)), Some(Value::Map(b))) => {
            let mut pairs = a.iter().zip(b.iter());
            a.len() == b.len()
                && pairs.all(|((key, a), (other, b))| key == other && same_value(Some(a), Some(b)))
        }
        (a, b) => a == b,
    }
}
