//! An explanation as a tree for people: an answer, what is missing, when it changes, and why.
//!
//! A screenful: at most [`MAX_LINES`] lines, the rest is counted. Programs read the JSON, which is
//! complete.

use std::fmt;

use crate::base::time::Time;
use crate::engine::decision::Reason;
use crate::engine::explain::limits::events_of;
use crate::engine::explain::wording::{purposes, say_ahead, say_optional};
use crate::engine::explanation::{
    Evidence, ExplainedAnswer, ExplainedDecision, ExplainedLimit, ExplainedOffer, ExplainedPart,
    ExplainedSegment, Explanation, Mention, Miss, NextChange, Origin, Withheld,
};
use crate::model::value::Value;
use crate::rules::definitions::LimitKind;

/// Most lines that are printed.
const MAX_LINES: usize = 30;
/// Most characters of one line, beside what leads to it.
const MAX_TEXT: usize = 160;
/// Most messages that are named in one line.
const MAX_NAMED: usize = 3;

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = Lines { lines: Vec::new() };
        match &self.answer {
            ExplainedAnswer::Segment(segment) => lines.segment(self, segment),
            ExplainedAnswer::Decision(decision) => lines.decision(self, decision),
        }
        let total = lines.lines.len();
        let shown = if total > MAX_LINES { MAX_LINES - 1 } else { total };
        for (place, line) in lines.lines[..shown].iter().enumerate() {
            f.write_str(if place > 0 { "\n" } else { "" })?;
            f.write_str(line)?;
        }
        if shown < total { write!(f, "\n… and {} more lines", total - shown) } else { Ok(()) }
    }
}

struct Lines {
    lines: Vec<String>,
}

impl Lines {
    fn add(&mut self, depth: usize, text: &str) {
        let text: String = match text.char_indices().nth(MAX_TEXT) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text.to_owned(),
        };
        self.lines.push(format!("{}{text}", "  ".repeat(depth)));
    }

    fn segment(&mut self, explanation: &Explanation, segment: &ExplainedSegment) {
        let mark = mark(segment.member);
        let is = if segment.member { "is in" } else { "is not in" };
        let (user, at, revision) = (&explanation.user, explanation.at, explanation.revision);
        self.add(
            0,
            &format!("{mark} `{user}` {is} `{}` at {at} (catalog revision {revision})", segment.segment),
        );
        self.known(explanation);
        self.misses(1, &segment.nearest_miss);
        let change = match &segment.change {
            NextChange::At { becomes, .. } if becomes.as_bool() == Some(true) => "enters",
            NextChange::At { .. } => "leaves",
            _ => "",
        };
        self.change(explanation.at, &segment.change, change);
        self.part(1, &segment.condition);
    }

    fn decision(&mut self, explanation: &Explanation, decision: &ExplainedDecision) {
        let (user, at, revision) = (&explanation.user, explanation.at, explanation.revision);
        let what = match decision.reason {
            Reason::Qualified => format!("gets {}", decision.decision),
            Reason::Fallback => format!("gets the fallback {}", decision.decision),
            Reason::Nothing => "gets nothing".to_owned(),
            Reason::HeldOut if decision.is_empty() => "is held out, and gets nothing".to_owned(),
            Reason::HeldOut => format!("is held out, and gets the fallback {}", decision.decision),
        };
        let name = &decision.personalization;
        self.add(0, &format!("`{user}` {what} of `{name}` at {at} (catalog revision {revision})"));
        self.known(explanation);
        let cached = if decision.cached { "from the cache" } else { "not in the cache" };
        let until = decision.valid_until.map_or("for ever".to_owned(), |until| format!("until {until}"));
        let cause =
            decision.cause.as_ref().map_or(String::new(), |cause| format!("; last changed by {cause}"));
        self.add(1, &format!("{cached}, valid {until} if no message comes{cause}"));
        if let Some(trigger) = &decision.trigger {
            let seen = trigger.message.as_ref().map_or("none yet".to_owned(), mention);
            self.add(1, &format!("trigger `{}`: {seen}", trigger.event));
        }
        let becomes = match &decision.change {
            NextChange::At { becomes, .. } => format!("becomes {becomes}"),
            _ => String::new(),
        };
        self.change(explanation.at, &decision.change, &becomes);
        for offer in &decision.offers {
            let mark = mark(offer.qualifies);
            let chosen = if offer.chosen { "chosen, " } else { "" };
            self.add(1, &format!("{mark} offer `{}`: {chosen}{}", offer.name, offer.why));
            self.problem(offer.problem.as_deref());
            self.condition(offer);
        }
        if let Some(fallback) = &decision.fallback {
            self.add(1, &format!("fallback `{fallback}`"));
        }
    }

    /// The condition of an offer; of one with limits, its parts, the limits in the catalog's words.
    fn condition(&mut self, offer: &ExplainedOffer) {
        for limit in offer.limits.iter().filter(|limit| limit.limit == LimitKind::Stock) {
            self.add(2, &format!("{} stock: {}", mark(limit.holds), limit.text));
        }
        let condition = &offer.condition;
        let limit_of = |part: &ExplainedPart| offer.limits.iter().find(|limit| limit.part == part.text);
        let parts = match limit_of(condition) {
            Some(_) => std::slice::from_ref(condition),
            None => &condition.parts[..],
        };
        if !parts.iter().any(|part| limit_of(part).is_some()) {
            if condition.text != "true" {
                self.part(2, condition);
            }
            return;
        }
        for part in parts {
            match limit_of(part) {
                Some(limit) => self.limit(2, limit, part),
                None => self.part(2, part),
            }
        }
    }

    fn limit(&mut self, depth: usize, limit: &ExplainedLimit, part: &ExplainedPart) {
        let mut text = format!("{} ", mark(limit.holds));
        match (limit.limit, &limit.name) {
            (LimitKind::Cap, Some(name)) => text.push_str(&format!("cap `{name}`: ")),
            (LimitKind::Cap, None) => text.push_str("cap: "),
            _ => {}
        }
        text.push_str(&limit.text);
        let is_date = matches!(limit.limit, LimitKind::Begins | LimitKind::Ends);
        if let Some(turns) = limit.turns.filter(|_| !is_date) {
            text.push_str(&format!(", until {turns}"));
        }
        match events_of(part) {
            Some(events) if limit.limit == LimitKind::Cap => text.push_str(&say_exposures(events)),
            Some(events) => text.push_str(&say_events(events)),
            None => {}
        }
        self.add(depth, &text);
    }

    fn problem(&mut self, problem: Option<&str>) {
        if let Some(problem) = problem {
            self.add(2, &format!("its text is missing: {problem}"));
        }
    }

    fn known(&mut self, explanation: &Explanation) {
        if !explanation.known {
            self.add(
                1,
                "unknown customer: no message of this id has taken effect, so no segment has it as a member",
            );
        }
    }

    fn misses(&mut self, depth: usize, misses: &[Miss]) {
        for miss in misses {
            self.add(depth, &format!("missing: {} ({})", miss.need, miss.part));
        }
    }

    fn change(&mut self, now: Time, change: &NextChange, verb: &str) {
        let text = match change {
            NextChange::At { at, message, .. } => {
                let message = message
                    .as_ref()
                    .map_or(String::new(), |message| format!(", when {message} takes effect"));
                format!("{verb} {} if no message comes{message}", say_ahead(now, *at))
            }
            NextChange::NotBefore { at } => format!("does not change before {at} by itself"),
            NextChange::Never => "does not change by itself".to_owned(),
        };
        self.add(1, &text);
    }

    fn part(&mut self, depth: usize, part: &ExplainedPart) {
        let is_condition = matches!(part.value, Some(Value::Bool(_)));
        let mut text = match (&part.name, is_condition) {
            (Some(name), true) if *name != part.text => {
                format!("{} {name}: {}", mark(part.is_true()), part.text)
            }
            (_, true) => format!("{} {}", mark(part.is_true()), part.text),
            (Some(name), false) => format!("· {name} = {}", say_optional(part.value.as_ref())),
            (None, false) => format!("· {} = {}", part.text, say_optional(part.value.as_ref())),
        };
        if let Some(need) = &part.need {
            text.push_str(&format!(" — {need}"));
        }
        let only_fact = match &part.parts[..] {
            [fact] if fact.parts.is_empty() && part.compared.is_some() => Some(fact),
            _ => None,
        };
        if let Some(fact) = only_fact {
            text.push_str(&say_fact(part, fact));
        }
        if let Some(since) = part.since {
            text.push_str(&format!(", since {since}"));
        }
        if let Some(turns) = part.turns.filter(|_| part.need.is_none()) {
            text.push_str(&format!(", until {turns}"));
        }
        if let Some(origin) = &part.origin {
            text.push_str(&say_origin(origin));
        }
        if let Some(withheld) = &part.withheld {
            text.push_str(&say_withheld(withheld));
        }
        self.add(depth, &text);
        for inner in part.parts.iter().filter(|_| only_fact.is_none()) {
            self.part(depth + 1, inner);
        }
    }
}

/// The one value that a comparison reads, said in the same line: its name only where the comparison
/// does not begin with it, its value only where what is missing does not say it.
fn say_fact(part: &ExplainedPart, fact: &ExplainedPart) -> String {
    let (name, value) = (fact.name.as_ref().unwrap_or(&fact.text), say_optional(fact.value.as_ref()));
    let withheld = fact.withheld.as_ref().map_or(String::new(), say_withheld);
    let origin = fact.origin.as_ref().map_or(String::new(), say_origin) + &withheld;
    match (part.text.starts_with(name.as_str()), &part.need) {
        // That it is not set was just said.
        (_, Some(_)) if fact.origin == Some(Origin::NeverSet) => withheld,
        (true, Some(_)) => origin,
        (true, None) => format!(" — {value}{origin}"),
        (false, _) => format!("; {name} = {value}{origin}"),
    }
}

fn mark(truth: bool) -> &'static str {
    if truth { "✓" } else { "✗" }
}

fn say_origin(origin: &Origin) -> String {
    match origin {
        Origin::Message(message) => format!(", set by {}", mention(message)),
        Origin::RemovedBy(message) => format!(", removed by {}", mention(message)),
        Origin::Default => ", the default".to_owned(),
        Origin::NeverSet => ", never set".to_owned(),
        Origin::Call => ", said by the call".to_owned(),
        Origin::Events(events) => events.iter().map(say_events).collect(),
    }
}

fn say_events(events: &Evidence) -> String {
    let event = events.event.as_deref().unwrap_or("event");
    match events.count {
        0 => format!("; no `{event}`"),
        count => format!("; {count} `{event}`: {}", named(events)),
    }
}

/// The exposures that a cap counts.
fn say_exposures(events: &Evidence) -> String {
    match events.count {
        0 => "; not shown".to_owned(),
        1 => format!("; shown once: {}", named(events)),
        count => format!("; shown {count} times: {}", named(events)),
    }
}

/// The ids of the latest of some events.
fn named(events: &Evidence) -> String {
    let named: Vec<&str> = events.latest.iter().take(MAX_NAMED).map(|mention| &*mention.message).collect();
    let rest = if events.count > named.len() as u64 { ", …" } else { "" };
    named.join(", ") + rest
}

fn say_withheld(withheld: &Withheld) -> String {
    let named: Vec<&str> = withheld.latest.iter().take(MAX_NAMED).map(|mention| &*mention.message).collect();
    let rest = if withheld.count > named.len() as u64 { ", …" } else { "" };
    let verb = if withheld.count == 1 { "does" } else { "do" };
    let (count, named, purposes) = (withheld.count, named.join(", "), purposes(withheld));
    format!("; {count} {verb} not count without consent to {purposes}: {named}{rest}")
}

fn mention(mention: &Mention) -> String {
    format!("{} at {}", mention.message, mention.at)
}
