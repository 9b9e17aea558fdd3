//! Checks `events(…)` with its filters, windows and final function, and gives it its number.
//!
//! Equal aggregates get the same number, whoever names them: the window is put into one order and
//! bounds that others imply are dropped, so `within("7d").within("24h")` is `within("24h")`.

use crate::base::limits::{MAX_CALENDAR_DAYS, MAX_WINDOW_DEPTH};
use crate::base::names::nearest;
use crate::base::time::{Duration, Zone};
use crate::model::ids::EventId;
use crate::model::value::{Type, Value};
use crate::rules::canonical;
use crate::rules::expression::{Aggregate, Bound, Expr, Source};
use crate::rules::syntax::{Kind, Node};

use super::expression::Checker;
use super::made::usage;
use super::scope::Place;
use super::typed::Typed;

/// Functions that choose events by their times or properties.
pub(super) const WINDOWS: [&str; 7] =
    ["where", "within", "between", "older_than", "calendar_days", "after", "before"];

/// Functions that make a value of events.
pub(super) const FINALS: [&str; 15] = [
    "count",
    "exists",
    "sum",
    "avg",
    "min",
    "max",
    "first",
    "last",
    "previous",
    "distinct",
    "values",
    "top",
    "decayed",
    "followed_by",
    "not_followed_by",
];

/// `events(…)` and the filters and windows after it.
pub(super) struct Chain<'n> {
    /// The call of `events`.
    pub(super) root: &'n Node,
    /// The calls after it, in the order written.
    pub(super) steps: Vec<&'n Node>,
}

/// The chain that a node is, if it is one without a final function.
pub(super) fn chain(node: &Node) -> Option<Chain<'_>> {
    let mut steps = Vec::new();
    let mut rest = node;
    loop {
        let Kind::Call { function, target, .. } = &rest.kind else { return None };
        match target {
            None if function == "events" => break,
            Some(target) if WINDOWS.contains(&function.as_str()) => {
                steps.push(rest);
                rest = target;
            }
            _ => return None,
        }
    }
    steps.reverse();
    Some(Chain { root: rest, steps })
}

/// The parts of a chain's calls that are conditions or times of the profile: those of `after` and `before`.
pub(super) fn profile_parts<'n>(chain: &Chain<'n>) -> impl Iterator<Item = &'n Node> {
    chain.steps.iter().flat_map(|step| match &step.kind {
        Kind::Call { function, arguments, .. } if function == "after" || function == "before" => {
            arguments.iter()
        }
        _ => [].iter(),
    })
}

/// The bounds of a window while they are collected.
#[derive(Default)]
struct Window {
    within: Option<Duration>,
    older_than: Option<Duration>,
    calendar_days: Vec<(u16, Zone)>,
    after: Vec<Expr>,
    before: Vec<Expr>,
}

impl Checker<'_> {
    /// A chain of events that nothing is made of.
    pub(super) fn unfinished(&mut self, node: &Node) {
        let help =
            "end it with `.count()`, `.exists()`, `.sum(property)`, `.last()` or another function of events";
        self.report_help("syntax", &node.at, "events are not a value", help);
    }

    /// `chain.function(arguments)`.
    pub(super) fn aggregate(
        &mut self,
        chain: &Chain<'_>,
        function: &str,
        arguments: &[Node],
        node: &Node,
    ) -> Option<Typed> {
        if WINDOWS.contains(&function) {
            self.unfinished(node);
            return None;
        }
        if !FINALS.contains(&function) {
            let message = format!("there is no function `.{function}(…)` of events");
            let known = FINALS.iter().chain(&WINDOWS).copied();
            let help = match (function, nearest(function, known)) {
                ("size" | "length" | "len", _) => "write `.count()`".to_owned(),
                ("average" | "mean", _) => "write `.avg(property)`".to_owned(),
                ("filter", _) => "write `.where(condition)`".to_owned(),
                ("since", _) => "write `.after(t)`".to_owned(),
                ("unique", _) => "write `.distinct(property)`".to_owned(),
                (_, Some(near)) => format!("did you mean `.{near}`?"),
                (_, None) => format!("there are `{}`", FINALS.join("`, `")),
            };
            self.report_help("unknown_function", &node.at, message, help);
            return None;
        }
        if let Place::Where(_) = self.scope.place {
            let help = "`where` reads only properties of the event; ask about other events outside of it";
            self.report_help("scope", &node.at, "events cannot be read inside `where`", help);
            return None;
        }
        let event = self.event(chain.root)?;
        let filter_and_window = self.steps(event, chain);
        let made = self.made(event, function, arguments, node);
        let ((filter, window), (made, typed)) = (filter_and_window?, made?);
        let source = self.pool.source(Source { event, filter });
        let id = self.pool.aggregate(Aggregate { source, window, function: made });
        if self.pool.depth(id) > MAX_WINDOW_DEPTH {
            let message = format!("windows within windows nest more than {MAX_WINDOW_DEPTH} deep here");
            let help = "bound windows by attributes, or by events that are not bounded by others themselves";
            self.report_help("too_deep", &node.at, message, help);
            return None;
        }
        Some(Typed { expr: Expr::Aggregate(id), ..typed })
    }

    /// The event that `events(…)` names; `None` for any.
    fn event(&mut self, root: &Node) -> Option<Option<EventId>> {
        let Kind::Call { arguments, .. } = &root.kind else { return None };
        match arguments.as_slice() {
            [] => Some(None),
            [name] => self.event_named(name).map(Some),
            _ => {
                self.report("arguments", &root.at, "`events(\"Name\")` takes one name");
                None
            }
        }
    }

    pub(super) fn event_named(&mut self, node: &Node) -> Option<EventId> {
        let Kind::Literal(Value::String(name)) = &node.kind else {
            let help = "write the event's name in quotes: `\"Order Completed\"`";
            self.report_help("arguments", &node.at, "this is not an event's name", help);
            return None;
        };
        let world = self.world;
        if let Some(event) = world.event(name) {
            return Some(event);
        }
        if world.is_left_out(name) {
            return None;
        }
        let help = match nearest(name, world.event_names.iter()) {
            Some(near) => format!("did you mean `\"{near}\"`?"),
            None => format!("declare it under `[events.\"{name}\"]`"),
        };
        self.report_help("unknown_event", &node.at, format!("there is no event `{name}`"), help);
        None
    }

    /// The filter and window of a chain.
    fn steps(&mut self, event: Option<EventId>, chain: &Chain<'_>) -> Option<(Option<Expr>, Vec<Bound>)> {
        let mut filters = Vec::new();
        let mut window = Window::default();
        let mut whole = true;
        for step in &chain.steps {
            let Kind::Call { function, arguments, .. } = &step.kind else { continue };
            whole &= match (function.as_str(), arguments.as_slice()) {
                ("where", [condition]) => {
                    let filter = self.at_place(Place::Where(event), |inner| inner.condition(condition));
                    let found = filter.is_some();
                    filters.extend(filter);
                    found
                }
                ("within", [length]) => self.positive(length).map(|length| window.within(length)).is_some(),
                ("older_than", [length]) => {
                    self.positive(length).map(|length| window.older_than(length)).is_some()
                }
                ("calendar_days", [days, zone]) => {
                    self.calendar_days(days, zone).map(|days| window.calendar_days.push(days)).is_some()
                }
                ("between", [far, near]) => self.between(far, near, step, &mut window).is_some(),
                ("after", [time]) => self.bound(time).map(|time| window.after.push(time)).is_some(),
                ("before", [time]) => self.bound(time).map(|time| window.before.push(time)).is_some(),
                _ => {
                    self.report(
                        "arguments",
                        &step.at,
                        format!("{}, here are {}", usage(function), arguments.len()),
                    );
                    false
                }
            };
        }
        if let (true, Some(far), Some(near)) = (whole, window.within, window.older_than)
            && far <= near
        {
            let at = chain.steps.last().map_or(&chain.root.at, |step| &step.at);
            let message = format!("no time is both within the last {far} and older than {near}");
            self.report("window", at, message);
            return None;
        }
        let filter = canonical::all(filters);
        let filter = (canonical::as_truth(&filter) != Some(true)).then_some(filter);
        whole.then(|| (filter, window.bounds()))
    }

    /// The days and the zone of `calendar_days`.
    fn calendar_days(&mut self, days: &Node, zone: &Node) -> Option<(u16, Zone)> {
        let parts = (self.expression(days), self.zone(zone, "calendar_days"));
        let (Some(count), zone) = parts else { return None };
        let count = match count.expr {
            Expr::Constant(Value::Int(count)) => u16::try_from(count).ok(),
            _ => None,
        };
        let count = count.filter(|count| (1..=MAX_CALENDAR_DAYS).contains(count));
        if count.is_none() {
            let message = format!("{} is no number of days from 1 to {MAX_CALENDAR_DAYS}", self.quoted(days));
            self.report_help(
                "arguments",
                &days.at,
                message,
                "1 is today, 7 is today and the six days before",
            );
        }
        Some((count?, zone?))
    }

    fn between(&mut self, far: &Node, near: &Node, step: &Node, window: &mut Window) -> Option<()> {
        let lengths = (self.positive(far), self.positive(near));
        let (Some(far), Some(near)) = lengths else { return None };
        if far <= near {
            let help = format!("write `.between(\"{near}\", \"{far}\")`: the longer time ago comes first");
            let message = format!("there is no time between {far} and {near} ago");
            if far == near {
                self.report("window", &step.at, message);
            } else {
                self.report_help("window", &step.at, message, help);
            }
            return None;
        }
        window.within(far);
        window.older_than(near);
        Some(())
    }

    /// The time of `after` or `before`.
    fn bound(&mut self, node: &Node) -> Option<Expr> {
        let typed = self.at_place(Place::Window, |inner| inner.expression(node))?;
        if !matches!(typed.ty, Type::Time | Type::Any) {
            let message = format!("{} is no time", self.described(node, &typed));
            let help = match &typed.expr {
                Expr::Constant(Value::String(text)) if Duration::parse(text).is_ok() => {
                    format!("write `.within(\"{text}\")` or `.older_than(\"{text}\")`")
                }
                Expr::Constant(Value::String(text)) => format!("write `timestamp(\"{text}\")`"),
                Expr::Constant(Value::Duration(_)) => "write `.within(…)` or `.older_than(…)`".to_owned(),
                _ => "use a time: an attribute, `timestamp(\"…\")`, or `events(\"Name\").last()`".to_owned(),
            };
            self.report_help("type", &node.at, message, help);
            return None;
        }
        if typed.moves() || typed.expr.contains(&|part| *part == Expr::Now) {
            let message = format!("{} moves with the clock", self.quoted(node));
            let help =
                "write `.within(\"24h\")` for the last day, `.older_than(\"24h\")` for what was before it";
            self.report_help("motion", &node.at, message, help);
            return None;
        }
        let too_much = |part: &Expr| matches!(part, Expr::Segment(_) | Expr::Held(..));
        if typed.expr.contains(&too_much) {
            let help = "use an attribute, a constant, or a time of other events";
            self.report_help("window", &node.at, "a window cannot depend on a segment or on `held`", help);
            return None;
        }
        Some(typed.expr)
    }
}

impl Window {
    fn within(&mut self, length: Duration) {
        self.within = Some(self.within.map_or(length, |shorter| shorter.min(length)));
    }

    fn older_than(&mut self, length: Duration) {
        self.older_than = Some(self.older_than.map_or(length, |longer| longer.max(length)));
    }

    /// The bounds in one order: by the clock, then after, then before, the latter two by their form.
    fn bounds(self) -> Vec<Bound> {
        let sorted = |mut times: Vec<Expr>| {
            times.sort_by_cached_key(|time| format!("{time:?}"));
            times.dedup();
            times
        };
        let within = self.within.map(Bound::Within).into_iter();
        let older_than = self.older_than.map(Bound::OlderThan);
        let after = sorted(self.after).into_iter().map(Bound::After);
        let before = sorted(self.before).into_iter().map(Bound::Before);
        let mut days = self.calendar_days;
        days.sort_by(|(a, of), (b, other)| (a, of.name()).cmp(&(b, other.name())));
        days.dedup();
        let days = days.into_iter().map(|(days, zone)| Bound::CalendarDays(days, zone));
        within.chain(older_than).chain(days).chain(after).chain(before).collect()
    }
}
