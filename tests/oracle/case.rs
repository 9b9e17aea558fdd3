//! A case: catalogs and steps, as text that can be kept, told again, and made smaller while it fails.

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use habitue::{Message, Time};
use serde_json::{Value as Json, json};

use crate::catalogs::{CatalogParts, LISTS, catalog};
use crate::coverage::Coverage;
use crate::random::Random;
use crate::run::{Action, Run, Step, ids};
use crate::stories::{BEGIN_MS, Manner, message, pause, time};

/// Longest time spent on making one case smaller.
const SHRINKING: Duration = Duration::from_secs(20);

/// Catalogs, of which the first is in force at the beginning, and what happens.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) catalogs: Vec<CatalogParts>,
    /// The memory budget, if the database is in a folder.
    budget: Option<u64>,
    pub(crate) steps: Vec<Step>,
    /// The instants at which the log of transitions is looked at in the end.
    instants_ms: Vec<i64>,
}

/// What went wrong.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) what: String,
    /// The number of steps up to the one that failed.
    steps: usize,
}

impl Failure {
    /// What kind of failure, so that making a case smaller does not end at another one.
    fn kind(&self) -> &str {
        self.what.split([' ', ':']).next().unwrap_or_default()
    }
}

/// Makes up a case and tells it, so many of a hundred in a folder; gives the case if it fails.
pub(crate) fn try_random(seed: u64, on_disk: u64, coverage: &mut Coverage) -> Result<u64, (Case, Failure)> {
    let mut random = Random::new(seed);
    let mut catalogs = vec![catalog(&mut random)];
    let swaps = random.chance(25);
    if swaps {
        catalogs.push(catalog(&mut random));
    }
    let manner = match random.below(10) {
        0..=2 if !swaps => Manner::Punctual,
        3..=7 => Manner::Joined,
        _ => Manner::Anyhow,
    };
    let budget = random.chance(on_disk).then(|| random.pick(&[20_000, 200_000, 10_000_000]));
    let mut case = Case { catalogs, budget, steps: Vec::new(), instants_ms: Vec::new() };
    let texts = case.texts();
    let told = caught(|| {
        let mut run = Run::new(&texts, BEGIN_MS, budget).map_err(|what| Failure { what, steps: 0 })?;
        invent(&mut random, &mut run, manner, &mut case)?;
        Ok(run.coverage)
    });
    match told {
        Ok(Ok(run)) => {
            coverage.add(&run);
            Ok(case.steps.len() as u64)
        }
        Ok(Err(failure)) => Err((case, failure)),
        Err(what) => {
            let steps = case.steps.len();
            Err((case, Failure { what, steps }))
        }
    }
}

fn invent(random: &mut Random, run: &mut Run<'_>, manner: Manner, case: &mut Case) -> Result<(), Failure> {
    let mut now_ms = BEGIN_MS;
    let mut sent: Vec<Message> = Vec::new();
    let ticks = random.pick(&[0, 5, 30]);
    let publishes = random.pick(&[0, 0, 4, 10]);
    for number in 0..random.pick(&[20, 60, 120]) {
        now_ms += pause(random);
        let id =
            if random.chance(60) { "ana" } else { random.pick(&ids().chain(["nobody"]).collect::<Vec<_>>()) };
        let mut at_ms = now_ms;
        let may_summarise = case.catalogs.len() == 1 && manner != Manner::Joined;
        let action = match random.below(if case.budget.is_some() { 112 } else { 100 }) {
            0..=44 => Action::Apply(message(random, now_ms, number, manner)),
            45..=49 => Action::Decide(trigger(random, now_ms, number, manner)),
            50..=54 if !sent.is_empty() => Action::Apply(again(random, &sent)),
            55..=74 => Action::Read(id.to_owned()),
            75..=80 => Action::Ask(id.to_owned()),
            81..=84 => Action::Count,
            // Of one who is nobody else under one catalog, nothing is missed.
            87 if may_summarise => Action::Summarise,
            87 => Action::Erase(id.to_owned()),
            100..=104 => Action::Checkpoint,
            105 if may_summarise => Action::Compact,
            105..=108 => Action::Reopen,
            109.. => Action::Crash,
            85 | 86 if case.catalogs.len() > 1 => Action::Swap(random.below(case.catalogs.len())),
            _ => {
                take(run, case, Step { at_ms, action: Action::Read(id.to_owned()) })?;
                let edge_ms = run.valid_until_ms.saturating_add(random.pick(&[-1, 0, 1]));
                at_ms = if edge_ms < now_ms + 31_536_000_000 { edge_ms } else { now_ms };
                Action::Read(id.to_owned())
            }
        };
        if let Action::Apply(message) | Action::Decide(message) = &action {
            sent.push(message.clone());
            case.instants_ms.push(message.timestamp().map_or(now_ms, Time::millis));
        }
        now_ms = now_ms.max(at_ms);
        take(run, case, Step { at_ms, action })?;
        if random.chance(ticks) {
            take(run, case, Step { at_ms, action: Action::Advance })?;
        }
        if random.chance(publishes) {
            take(run, case, Step { at_ms, action: publication(random) })?;
        }
    }
    let at_messages = case.instants_ms.clone();
    for length in [-1, 1, 1_000, 2_000, 4_999, 5_000, 5_001, 10_000, 60_000] {
        case.instants_ms.extend(at_messages.iter().map(|at_ms| at_ms + length));
    }
    let steps = case.steps.len();
    run.end(&case.instants_ms).map_err(|what| Failure { what, steps })
}

/// Cut-points, or other members of a list.
fn publication(random: &mut Random) -> Action {
    if random.chance(60) {
        return Action::Publish;
    }
    let ids = (0..random.below(4)).map(|_| random.pick(&ids().collect::<Vec<_>>()).to_owned());
    let ids = ids.collect();
    Action::Replace(random.pick(&LISTS).to_owned(), ids)
}

/// A message of the kinds that trigger personalizations, if chance brings one soon.
fn trigger(random: &mut Random, now_ms: i64, number: usize, manner: Manner) -> Message {
    let mut tries = (0..10).map(|_| message(random, now_ms, number, manner));
    let triggers = |message: &Message| message.event() == Some("Login") || message.kind().as_str() == "page";
    tries.find(triggers).unwrap_or_else(|| message(random, now_ms, number, manner))
}

/// One of the messages before, or another one under its id.
fn again(random: &mut Random, sent: &[Message]) -> Message {
    let old = random.pick(sent);
    match random.below(4) {
        0 if old.event().is_some() => old.with_property("qty", 1),
        1 => old.with_timestamp(time(BEGIN_MS)),
        // Another consent under the same id is another message.
        2 => old.with_consent("ads", random.chance(50)),
        _ => old,
    }
}

fn take(run: &mut Run<'_>, case: &mut Case, step: Step) -> Result<(), Failure> {
    case.steps.push(step.clone());
    run.step(&step).map_err(|what| Failure { what, steps: case.steps.len() })
}

/// What a function returns, or the words of its panic.
fn caught<T>(function: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(function)).map_err(|panic| {
        let words = panic.downcast_ref::<String>().cloned();
        let words = words.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
        format!("panic: {}", words.unwrap_or_default())
    })
}

impl Case {
    fn texts(&self) -> Vec<String> {
        self.catalogs.iter().map(CatalogParts::to_toml).collect()
    }

    /// Tells the case again.
    pub(crate) fn tell(&self) -> Result<(), Failure> {
        let texts = self.texts();
        let told = caught(|| {
            let begin_ms = self.steps.first().map_or(BEGIN_MS, |step| step.at_ms);
            let mut run =
                Run::new(&texts, begin_ms, self.budget).map_err(|what| Failure { what, steps: 0 })?;
            for (number, step) in self.steps.iter().enumerate() {
                run.step(step).map_err(|what| Failure { what, steps: number + 1 })?;
            }
            run.end(&self.instants_ms).map_err(|what| Failure { what, steps: self.steps.len() })
        });
        told.unwrap_or_else(|what| Err(Failure { what, steps: self.steps.len() }))
    }

    /// The smallest case found that fails in the same way.
    pub(crate) fn shrunk(mut self, mut failure: Failure) -> (Case, Failure) {
        let end = Instant::now() + SHRINKING;
        self.steps.truncate(failure.steps);
        let mut smaller = true;
        while smaller && Instant::now() < end {
            smaller = false;
            let mut chunk = self.steps.len().div_ceil(2).max(1);
            while chunk > 0 {
                let mut place = 0;
                while place < self.steps.len() && Instant::now() < end {
                    let mut case = self.clone();
                    case.steps.drain(place..(place + chunk).min(self.steps.len()));
                    if !self.adopt(case, &mut failure, &mut smaller) {
                        place += chunk;
                    }
                }
                chunk /= 2;
            }
            let swaps = self.steps.iter().any(|step| matches!(step.action, Action::Swap(_)));
            if !swaps && self.catalogs.len() > 1 {
                self.catalogs.truncate(1);
            }
            if !self.steps.iter().any(|step| step.action.is_on_disk()) && self.budget.is_some() {
                self.adopt(Case { budget: None, ..self.clone() }, &mut failure, &mut smaller);
            }
            for candidate in self.simpler_catalogs() {
                self.adopt_if_apart(candidate, &mut failure, &mut smaller);
            }
            self.simpler_messages(&mut failure, &mut smaller, end);
            let no_instants = Case { instants_ms: Vec::new(), ..self.clone() };
            smaller |= !self.instants_ms.is_empty() && self.adopt(no_instants, &mut failure, &mut false);
        }
        (self, failure)
    }

    fn adopt(&mut self, case: Case, failure: &mut Failure, smaller: &mut bool) -> bool {
        match case.tell() {
            Err(found) if found.kind() == failure.kind() => {
                *self = case;
                *failure = found;
                *smaller = true;
                true
            }
            _ => false,
        }
    }

    /// Applies one simplification of a catalog to what the case is by now.
    fn adopt_if_apart(
        &mut self,
        change: (usize, Part, usize, Option<String>),
        failure: &mut Failure,
        smaller: &mut bool,
    ) {
        let (catalog, part, place, replacement) = change;
        let mut case = self.clone();
        let lines = part.of(&mut case.catalogs[catalog]);
        match replacement {
            Some(line) => lines[place] = line,
            None => lines[place].clear(),
        }
        self.adopt(case, failure, smaller);
    }

    /// Lines of catalogs that might be left out, or be replaced by a part of themselves.
    fn simpler_catalogs(&self) -> Vec<(usize, Part, usize, Option<String>)> {
        let mut changes = Vec::new();
        for (number, parts) in self.catalogs.iter().enumerate() {
            for part in Part::ALL {
                let mut parts = parts.clone();
                for (place, line) in
                    part.of(&mut parts).iter().enumerate().filter(|(_, line)| !line.is_empty())
                {
                    changes.push((number, part, place, None));
                    let halves = halves(line).into_iter().flatten();
                    changes.extend(halves.map(|half| (number, part, place, Some(half))));
                }
            }
        }
        changes
    }

    /// Leaves out properties and traits one by one.
    fn simpler_messages(&mut self, failure: &mut Failure, smaller: &mut bool, end: Instant) {
        for place in 0..self.steps.len() {
            let (Action::Apply(message) | Action::Decide(message)) = &self.steps[place].action else {
                continue;
            };
            let json = message.to_json();
            for group in ["properties", "traits", "context"] {
                let names: Vec<String> =
                    json[group].as_object().map_or(Vec::new(), |fields| fields.keys().cloned().collect());
                for name in names {
                    if Instant::now() > end {
                        return;
                    }
                    let (Action::Apply(message) | Action::Decide(message)) = &self.steps[place].action else {
                        break;
                    };
                    let mut json = message.to_json();
                    json[group].as_object_mut().expect("it has such fields").remove(&name);
                    let mut case = self.clone();
                    let message = Message::from_json(&json).expect("a field less is still a message");
                    case.steps[place].action = match &self.steps[place].action {
                        Action::Decide(_) => Action::Decide(message),
                        _ => Action::Apply(message),
                    };
                    self.adopt(case, failure, smaller);
                }
            }
        }
    }

    /// The case as text, from which [`Case::parse`] reads an equal one.
    pub(crate) fn to_text(&self, why: &str) -> String {
        let mut text = String::new();
        for line in why.lines() {
            let _ = writeln!(text, "# {line}");
        }
        for catalog in self.texts() {
            let lines = catalog.lines().filter(|line| !line.is_empty());
            let _ = writeln!(text, "=== catalog\n{}", lines.collect::<Vec<_>>().join("\n"));
        }
        if let Some(budget) = self.budget {
            let _ = writeln!(text, "=== budget\n{budget}");
        }
        text.push_str("=== steps\n");
        for step in &self.steps {
            let (name, value) = match &step.action {
                Action::Apply(message) => ("apply", message.to_json()),
                Action::Decide(message) => ("decide", message.to_json()),
                Action::Read(id) => ("read", json!(id)),
                Action::Ask(id) => ("ask", json!(id)),
                Action::Count => ("count", Json::Null),
                Action::Advance => ("advance", Json::Null),
                Action::Publish => ("publish", Json::Null),
                Action::Replace(list, ids) => ("replace", json!([list, ids])),
                Action::Summarise => ("summarise", Json::Null),
                Action::Swap(number) => ("swap", json!(number)),
                Action::Erase(id) => ("erase", json!(id)),
                Action::Checkpoint => ("checkpoint", Json::Null),
                Action::Compact => ("compact", Json::Null),
                Action::Reopen => ("reopen", Json::Null),
                Action::Crash => ("crash", Json::Null),
            };
            let _ = writeln!(text, "{}", json!({ "at": time(step.at_ms).to_string(), name: value }));
        }
        if !self.instants_ms.is_empty() {
            let _ = writeln!(text, "=== instants\n{}", json!(self.instants_ms));
        }
        text
    }

    /// Reads a case from its text.
    pub(crate) fn parse(text: &str) -> Case {
        let mut case =
            Case { catalogs: Vec::new(), budget: None, steps: Vec::new(), instants_ms: Vec::new() };
        let mut section = "";
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if let Some(name) = line.strip_prefix("=== ") {
                section = name;
                if name == "catalog" {
                    case.catalogs.push(CatalogParts::default());
                }
                continue;
            }
            match section {
                "catalog" => {
                    let head = &mut case.catalogs.last_mut().expect("a catalog has begun").head;
                    head.push_str(line);
                    head.push('\n');
                }
                "steps" => case.steps.push(parse_step(&serde_json::from_str(line).expect("a step is JSON"))),
                "budget" => case.budget = Some(line.parse().expect("a number of bytes")),
                "instants" => case.instants_ms = serde_json::from_str(line).expect("a list of times"),
                _ => assert_eq!(section, "steps", "no such section"),
            }
        }
        case
    }
}

fn parse_step(json: &Json) -> Step {
    let at_ms = Time::parse(json["at"].as_str().expect("`at` is text")).expect("`at` is a time").millis();
    let (name, value) =
        json.as_object().expect("an object").iter().find(|(name, _)| *name != "at").expect("an action");
    let message = || Message::from_json(value).expect("a message");
    let id = || value.as_str().expect("an id").to_owned();
    let action = match name.as_str() {
        "apply" => Action::Apply(message()),
        "decide" => Action::Decide(message()),
        "read" => Action::Read(id()),
        "ask" => Action::Ask(id()),
        "erase" => Action::Erase(id()),
        "count" => Action::Count,
        "advance" => Action::Advance,
        "publish" => Action::Publish,
        "replace" => {
            let (list, ids) = serde_json::from_value(value.clone()).expect("a list and its ids");
            Action::Replace(list, ids)
        }
        "summarise" => Action::Summarise,
        "checkpoint" => Action::Checkpoint,
        "compact" => Action::Compact,
        "reopen" => Action::Reopen,
        "crash" => Action::Crash,
        _ => Action::Swap(value.as_u64().expect("the number of a catalog") as usize),
    };
    Step { at_ms, action }
}

/// A part of a catalog with one definition a line.
#[derive(Clone, Copy, Debug)]
enum Part {
    Computed,
    Quantiles,
    Scores,
    Segments,
    Experiments,
    Personalizations,
}

impl Part {
    /// In the order in which others need them: what is needed comes last.
    const ALL: [Part; 6] = [
        Part::Personalizations,
        Part::Experiments,
        Part::Segments,
        Part::Scores,
        Part::Quantiles,
        Part::Computed,
    ];

    fn of(self, parts: &mut CatalogParts) -> &mut Vec<String> {
        match self {
            Part::Computed => &mut parts.computed,
            Part::Quantiles => &mut parts.quantiles,
            Part::Scores => &mut parts.scores,
            Part::Segments => &mut parts.segments,
            Part::Experiments => &mut parts.experiments,
            Part::Personalizations => &mut parts.personalizations,
        }
    }
}

/// The two sides of `name = '(a) && (b)'`, each as the whole condition.
fn halves(line: &str) -> Option<[String; 2]> {
    let (name, condition) = line.split_once(" = '")?;
    let condition = condition.strip_suffix('\'')?;
    let inner = condition.strip_prefix('(')?.strip_suffix(')')?;
    let mut depth = 1;
    let end = inner.char_indices().find_map(|(place, letter)| {
        depth += i32::from(letter == '(') - i32::from(letter == ')');
        (depth == 0).then_some(place)
    })?;
    let (left, right) = (&inner[..end], inner[end..].split_once('(')?.1);
    Some([format!("{name} = '{left}'"), format!("{name} = '{right}'")])
}
