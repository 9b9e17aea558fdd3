//! Checks functions of values; those of events are in [`aggregate`](super::aggregate).

use crate::base::names::nearest;
use crate::base::time::{Duration, Time, Zone};
use crate::model::value::{Type, Value};
use crate::rules::expression::{Expr, Pattern, TextFunction};
use crate::rules::hours::Hours;
use crate::rules::syntax::{Kind, Node};

use super::aggregate;
use super::expression::Checker;
use super::scope::Place;
use super::typed::Typed;

const FUNCTIONS: [&str; 11] = [
    "events",
    "has",
    "held",
    "hours",
    "consent",
    "variant",
    "held_out",
    "not_bought",
    "size",
    "timestamp",
    "duration",
];
const METHODS: [&str; 10] = [
    "contains",
    "startsWith",
    "endsWith",
    "matches",
    "lowerAscii",
    "size",
    "exists",
    "all",
    "without",
    "top",
];

impl Checker<'_> {
    /// `function(arguments)` or `target.function(arguments)`.
    pub(super) fn call(
        &mut self,
        function: &str,
        target: Option<&Node>,
        arguments: &[Node],
        node: &Node,
    ) -> Option<Typed> {
        let Some(target) = target else { return self.function(function, arguments, node) };
        if let Some(chain) = aggregate::chain(target) {
            return self.aggregate(&chain, function, arguments, node);
        }
        self.method(function, target, arguments, node)
    }

    fn function(&mut self, function: &str, arguments: &[Node], node: &Node) -> Option<Typed> {
        match (function, arguments) {
            ("has", [value]) => self.has(value),
            ("held", [condition, duration]) => self.held(condition, duration, node),
            ("consent", [purpose]) => self.consent(purpose, node),
            ("variant", [experiment]) => self.variant(experiment, node),
            ("held_out", [holdout]) => self.held_out(holdout, node),
            ("hours", [days, from, until, zone]) => self.hours([days, from, until, zone], node),
            ("size", [value]) => self.size(value),
            ("not_bought", [list]) => self.not_bought(list, None, node),
            ("not_bought", [list, within]) => self.not_bought(list, Some(within), node),
            ("timestamp", [text]) => {
                let time = self.constant_text(text, "timestamp", "2026-01-01T00:00:00Z")?;
                match Time::parse(&time) {
                    Ok(time) => Some(Typed::new(Expr::Constant(Value::Time(time)), Type::Time)),
                    Err(error) => {
                        self.report("value", &text.at, error.to_string());
                        None
                    }
                }
            }
            ("duration", [text]) => {
                let duration = self.constant_text(text, "duration", "30d")?;
                match Duration::parse(&duration) {
                    Ok(length) => Some(Typed::new(Expr::Constant(Value::Duration(length)), Type::Duration)),
                    Err(error) => {
                        self.report("value", &text.at, error.to_string());
                        None
                    }
                }
            }
            ("events", _) => {
                self.unfinished(node);
                None
            }
            _ => {
                self.unknown_function(function, arguments.len(), node);
                None
            }
        }
    }

    fn unknown_function(&mut self, function: &str, given: usize, node: &Node) {
        let usage = match function {
            "has" => "`has(x)` takes one value",
            "held" => "`held(condition, \"30d\")` takes a condition and a duration",
            "consent" => "`consent(\"marketing\")` takes one purpose",
            "variant" => "`variant(\"banner\")` takes one experiment",
            "hours" => {
                "`hours(\"mon-fri\", \"09:00\", \"17:00\", \"Europe/Helsinki\")` takes days, two times and a zone"
            }
            "held_out" => "`held_out(\"everything\")` takes one holdout",
            "not_bought" => "`not_bought(list, \"365d\")` takes a list, and how far back",
            "size" => "`size(x)` takes one text, list or map",
            "timestamp" => "`timestamp(\"2026-01-01T00:00:00Z\")` takes one text",
            "duration" => "`duration(\"30d\")` takes one text",
            _ => "",
        };
        if !usage.is_empty() {
            return self.report("arguments", &node.at, format!("{usage}, here are {given}"));
        }
        let message = format!("there is no function `{function}`");
        let help = match function {
            "now" => "write `now` without brackets".to_owned(),
            "int" | "uint" | "double" | "string" | "bytes" | "bool" | "dyn" | "type" => {
                "types are declared in the catalog and never converted; ints and floats mix freely".to_owned()
            }
            "count" | "sum" | "avg" | "min" | "max" | "first" | "last" | "exists" => {
                format!("it belongs to events: `events(\"Name\").{function}(…)`")
            }
            "matches" | "contains" | "startsWith" | "endsWith" => format!("write `text.{function}(\"…\")`"),
            "isnull" | "isNull" | "exist" | "isset" | "defined" => "write `has(x)`, or `!has(x)`".to_owned(),
            "event" => "write `events(\"Name\")`".to_owned(),
            _ if self.world.event(function).is_some() => format!("write `events(\"{function}\")`"),
            _ => match nearest(function, FUNCTIONS) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are `{}`", FUNCTIONS.join("`, `")),
            },
        };
        self.report_help("unknown_function", &node.at, message, help);
    }

    fn has(&mut self, value: &Node) -> Option<Typed> {
        let typed = self.expression(value)?;
        self.must_stand_still(value, &typed)?;
        if matches!(typed.expr, Expr::Constant(_)) {
            let message = format!("{} is a constant and always there", self.quoted(value));
            self.report_help(
                "value",
                &value.at,
                message,
                "`has` asks whether an attribute or property is there",
            );
            return None;
        }
        Some(Typed::condition(Expr::Has(Box::new(typed.expr))))
    }

    fn held(&mut self, condition: &Node, duration: &Node, node: &Node) -> Option<Typed> {
        let refused = match self.scope.place {
            Place::Where(_) => Some("`held` cannot be asked of an event"),
            Place::Window => Some("`held` cannot bound a window"),
            Place::Profile | Place::Held => None,
        };
        if let Some(message) = refused {
            self.report_help("scope", &node.at, message, "ask for it outside: `held(…) && events(…)…`");
            return None;
        }
        let parts = (self.at_place(Place::Held, |inner| inner.condition(condition)), self.positive(duration));
        let (Some(condition), Some(duration)) = parts else { return None };
        Some(Typed::condition(Expr::Held(Box::new(condition), duration)))
    }

    /// Whether it is one of these hours of the week.
    fn hours(&mut self, [days, from, until, zone]: [&Node; 4], node: &Node) -> Option<Typed> {
        if let Place::Where(_) = self.scope.place {
            let help = "ask for it outside: `hours(…) && events(…)…`";
            self.report_help("scope", &node.at, "what time it is cannot be asked of an event", help);
            return None;
        }
        let days = self.constant_text(days, "hours", "mon-fri");
        let (from, until) =
            (self.constant_text(from, "hours", "09:00"), self.constant_text(until, "hours", "17:00"));
        let zone = self.zone(zone, "hours");
        match Hours::new(&days?, &from?, &until?, zone?) {
            Ok(hours) => Some(Typed::condition(Expr::Hours(hours.into()))),
            Err(problem) => {
                self.report("value", &node.at, problem);
                None
            }
        }
    }

    /// A time zone, by its name.
    pub(super) fn zone(&mut self, node: &Node, function: &str) -> Option<Zone> {
        let name = self.constant_text(node, function, "Europe/Helsinki")?;
        let found = Zone::named(&name);
        if found.is_none() {
            let message = format!("there is no time zone `{name}`");
            self.report_help("value", &node.at, message, "zones are named as in `Europe/Helsinki`, or `UTC`");
        }
        found
    }

    fn size(&mut self, value: &Node) -> Option<Typed> {
        if aggregate::chain(value).is_some() {
            self.report_help("type", &value.at, "events have no size", "write `.count()`");
            return None;
        }
        let typed = self.expression(value)?;
        let sized =
            matches!(typed.ty, Type::String | Type::List(_) | Type::Map(_) | Type::Record(_) | Type::Any);
        if !sized {
            let message = format!("{} has no size", self.described(value, &typed));
            self.report_help("type", &value.at, message, "text, lists and maps have one");
            return None;
        }
        self.must_stand_still(value, &typed)?;
        Some(Typed::new(Expr::Size(Box::new(typed.expr)), Type::Int))
    }

    fn method(&mut self, function: &str, target: &Node, arguments: &[Node], node: &Node) -> Option<Typed> {
        let text_function = match function {
            "contains" => Some(TextFunction::Contains),
            "startsWith" => Some(TextFunction::StartsWith),
            "endsWith" => Some(TextFunction::EndsWith),
            _ => None,
        };
        match (function, text_function, arguments) {
            (_, Some(text_function), [part]) => self.text_function(text_function, target, part),
            ("matches", _, [pattern]) => self.matches(target, pattern),
            ("lowerAscii", _, []) => {
                let text = self.text(target)?;
                Some(Typed::new(Expr::LowerAscii(Box::new(text.expr)), Type::String))
            }
            ("size", _, []) => self.size(target),
            ("without", _, [other]) => self.without(target, other),
            ("top", _, [many]) => self.top_items(target, many),
            _ => {
                // The target may have problems of its own, which are worth knowing too.
                let _ = self.expression(target);
                self.unknown_method(function, target, node);
                None
            }
        }
    }

    fn unknown_method(&mut self, function: &str, target: &Node, node: &Node) {
        let quoted = &self.text[target.at.clone()];
        let message = format!("there is no function `.{function}(…)` with these arguments");
        let help = match function {
            "contains" | "startsWith" | "endsWith" | "matches" => format!("write `.{function}(\"…\")`"),
            "exists" | "all" => format!("write `.{function}(e, condition on e)`"),
            "without" => "write `.without(list)`".to_owned(),
            "top" => "of an affinity write `.top(3)`, of `events(\"Name\")` write `.top(property)`".to_owned(),
            "lowerAscii" => "it takes nothing: `.lowerAscii()`".to_owned(),
            "exists_one" | "existsOne" | "map" | "filter" => {
                "lists have `.exists(e, condition)`, `.all(e, condition)`, `size(list)` and `value in list`".to_owned()
            }
            "lower" | "toLowerCase" | "upperAscii" | "upper" => "write `.lowerAscii()` and compare with small letters".to_owned(),
            "length" | "len" => "write `size(x)`".to_owned(),
            "getFullYear" | "getMonth" | "getDate" | "getDayOfWeek" | "getHours" | "getDayOfMonth" => {
                "there are no calendar functions, but windows such as `.calendar_days(7, \"Europe/Helsinki\")`; compare with `timestamp(\"…\")`, or a difference with `duration(\"…\")`".to_owned()
            }
            _ if aggregate::FINALS.contains(&function) || aggregate::WINDOWS.contains(&function) => {
                format!("it belongs to events: `events(\"Name\").{function}(…)`")
            }
            _ => match nearest(function, METHODS) {
                Some(near) => format!("did you mean `.{near}`?"),
                None if quoted.len() < 40 => format!("text has `contains`, `startsWith`, `endsWith`, `matches`, `lowerAscii`; lists have `exists`, `all`; is `{quoted}` one of them?"),
                None => "text has `contains`, `startsWith`, `endsWith`, `matches`, `lowerAscii`; lists have `exists`, `all`".to_owned(),
            },
        };
        self.report_help("unknown_function", &node.at, message, help);
    }

    /// Checks a part that must be text.
    fn text(&mut self, node: &Node) -> Option<Typed> {
        let typed = self.expression(node)?;
        if !matches!(typed.ty, Type::String | Type::Any) {
            let message = format!("{} is no text", self.described(node, &typed));
            match typed.ty {
                Type::List(_) => self.report_help(
                    "type",
                    &node.at,
                    message,
                    "write `value in list`, or `list.exists(e, …)`",
                ),
                _ => self.report("type", &node.at, message),
            }
            return None;
        }
        self.must_stand_still(node, &typed)?;
        Some(typed)
    }

    fn text_function(&mut self, function: TextFunction, text: &Node, part: &Node) -> Option<Typed> {
        let parts = (self.text(text), self.text(part));
        let (Some(text), Some(part)) = parts else { return None };
        Some(Typed::condition(Expr::Text(function, Box::new(text.expr), Box::new(part.expr))))
    }

    fn matches(&mut self, text: &Node, pattern: &Node) -> Option<Typed> {
        let text = self.text(text);
        let pattern_text = self.constant_text(pattern, "matches", "^[A-Z]{2}-")?;
        match Pattern::new(&pattern_text) {
            Ok(compiled) => Some(Typed::condition(Expr::Matches(Box::new(text?.expr), compiled))),
            Err(reason) => {
                self.report("pattern", &pattern.at, format!("this is no pattern: {reason}"));
                None
            }
        }
    }

    /// A part that must be text known now.
    pub(super) fn constant_text(&mut self, node: &Node, function: &str, example: &str) -> Option<String> {
        match &node.kind {
            Kind::Literal(Value::String(text)) => Some(text.to_string()),
            _ => {
                let typed = self.expression(node)?;
                if let Expr::Constant(Value::String(text)) = typed.expr {
                    return Some(text.to_string());
                }
                let message = format!("`{function}` needs a text that is known when the catalog is checked");
                let help = if typed.ty == Type::Time || typed.ty == Type::Duration {
                    format!("this is a {} already: leave `{function}` out", typed.ty)
                } else {
                    format!("write it in quotes: `{function}(\"{example}\")`")
                };
                self.report_help("arguments", &node.at, message, help);
                None
            }
        }
    }

    /// A part that must be a length of time known now, longer than none: `"30d"` or `duration("30d")`.
    pub(super) fn positive(&mut self, node: &Node) -> Option<Duration> {
        if let Kind::Literal(Value::String(text)) = &node.kind {
            return match Duration::parse(text) {
                Ok(duration) => Some(duration),
                Err(error) => {
                    self.report("value", &node.at, error.to_string());
                    None
                }
            };
        }
        let typed = self.expression(node)?;
        match canonical_duration(&typed) {
            Some(duration) => Some(duration),
            None => {
                let message =
                    format!("{} is no length of time that is known and more than none", self.quoted(node));
                self.report_help(
                    "arguments",
                    &node.at,
                    message,
                    "write it in quotes: `\"30d\"`, `\"24h\"`, `\"90m\"`",
                );
                None
            }
        }
    }
}

fn canonical_duration(typed: &Typed) -> Option<Duration> {
    match typed.expr {
        Expr::Constant(Value::Duration(duration))
            if duration > Duration::ZERO && duration <= Duration::MAX =>
        {
            Some(duration)
        }
        _ => None,
    }
}
