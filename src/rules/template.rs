//! The texts of offers: templates, compiled once and rendered for a profile. The only file that names
//! the crate `minijinja`.
//!
//! Values are put into the text as they are: a text is for people to read, and whoever puts it into
//! HTML escapes it there. A missing attribute is an error, not an empty string, so that no one is
//! greeted as "Hello !"; `{{ first_name | default('there') }}` says what to do without it.
//!
//! Invariants:
//! 1. A template reads only names that were known when it was compiled.
//! 2. Rendering takes bounded steps and gives a bounded text, or an error; templates cannot name
//!    files or other templates.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::ops::Range;
use std::sync::LazyLock;

use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, Value as Rendered};

use crate::base::limits::{MAX_RENDERED_BYTES, MAX_TEMPLATE_BYTES, MAX_TEMPLATE_FUEL};
use crate::model::value::Value;

/// The one template of its environment.
const NAME: &str = "text";

/// Filters and limits, shared by all templates.
static BASE: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut base = Environment::new();
    base.set_undefined_behavior(UndefinedBehavior::Strict);
    base.set_auto_escape_callback(|_| AutoEscape::None);
    base.set_fuel(Some(MAX_TEMPLATE_FUEL));
    base
});

/// A compiled template.
pub(crate) struct Template {
    environment: Environment<'static>,
    /// The names it reads, sorted.
    pub(crate) reads: Vec<String>,
}

/// Why a text is no template, and which of its bytes show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TemplateProblem {
    pub(crate) message: String,
    pub(crate) at: Range<usize>,
    /// The name that is not known, if that is the problem.
    pub(crate) unknown: Option<String>,
}

impl Template {
    /// Compiles `text`, which may read the names that are `known`.
    pub(crate) fn compile(text: &str, known: &dyn Fn(&str) -> bool) -> Result<Template, TemplateProblem> {
        if text.len() > MAX_TEMPLATE_BYTES {
            let message =
                format!("this is {} bytes long, and at most {MAX_TEMPLATE_BYTES} are allowed", text.len());
            return Err(TemplateProblem { message, at: 0..text.len(), unknown: None });
        }
        let mut environment = BASE.clone();
        environment.add_template_owned(NAME, text.to_owned()).map_err(|error| unreadable(text, &error))?;
        let template = environment.get_template(NAME).map_err(|error| unreadable(text, &error))?;
        let mut reads: Vec<String> = template.undeclared_variables(false).into_iter().collect();
        reads.retain(|name| !BASE.globals().any(|(global, _)| global == name));
        reads.sort();
        if let Some(name) = reads.iter().find(|name| !known(name)) {
            let message = format!("there is no attribute or computed attribute `{name}`");
            return Err(TemplateProblem { message, at: place_of(text, name), unknown: Some(name.clone()) });
        }
        Ok(Template { environment, reads })
    }

    /// The text for the given values of the names it reads; or, in words, why there is none.
    pub(crate) fn render(&self, values: impl Fn(&str) -> Option<Value>) -> Result<String, String> {
        let mut missing = Vec::new();
        let mut context = BTreeMap::new();
        for name in &self.reads {
            match values(name) {
                Some(value) => drop(context.insert(name.clone(), rendered(&value))),
                None => missing.push(name.as_str()),
            }
        }
        let mut output = Bounded::default();
        let template = self.environment.get_template(NAME).map_err(|error| error.to_string())?;
        match template.render_captured_to(Rendered::from(context), &mut output) {
            Ok(_) => String::from_utf8(output.bytes).map_err(|error| error.to_string()),
            Err(_) if output.is_full => Err(format!("the text is longer than {MAX_RENDERED_BYTES} bytes")),
            Err(error) => Err(failure(&error, &missing)),
        }
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Template").field("reads", &self.reads).finish_non_exhaustive()
    }
}

/// The properties of the trigger event that a text reads; none if it is no template.
pub(crate) fn trigger_properties(text: &str) -> Vec<String> {
    if text.len() > MAX_TEMPLATE_BYTES {
        return Vec::new();
    }
    let Ok(template) = BASE.template_from_str(text) else { return Vec::new() };
    let read = template.undeclared_variables(true).into_iter();
    let mut properties: Vec<String> =
        read.filter_map(|path| path.strip_prefix("event.").map(first_name)).collect();
    properties.sort();
    properties.dedup();
    properties
}

fn first_name(path: &str) -> String {
    path.split('.').next().unwrap_or(path).to_owned()
}

/// Text up to the longest that is allowed.
#[derive(Default)]
struct Bounded {
    bytes: Vec<u8>,
    is_full: bool,
}

impl Write for Bounded {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + more.len() > MAX_RENDERED_BYTES {
            self.is_full = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A value as templates see it: times and durations are texts.
fn rendered(value: &Value) -> Rendered {
    match value {
        Value::Bool(value) => Rendered::from(*value),
        Value::Int(value) => Rendered::from(*value),
        Value::Float(value) => Rendered::from(*value),
        Value::String(value) => Rendered::from(&**value),
        Value::Time(value) => Rendered::from(value.to_string()),
        Value::Duration(value) => Rendered::from(value.to_string()),
        Value::List(items) => items.iter().map(rendered).collect(),
        Value::Map(entries) => {
            let fields = entries.iter().map(|(key, value)| (key.to_string(), rendered(value)));
            Rendered::from(fields.collect::<BTreeMap<_, _>>())
        }
    }
}

/// Why rendering failed, in words.
fn failure(error: &minijinja::Error, missing: &[&str]) -> String {
    match error.kind() {
        ErrorKind::UndefinedError => match missing {
            [] => "a field that the text names is missing".to_owned(),
            [name] => format!("`{name}` is missing"),
            names => format!("one of `{}` is missing", names.join("`, `")),
        },
        ErrorKind::OutOfFuel => format!("rendering took more than {MAX_TEMPLATE_FUEL} steps"),
        _ => error.detail().map_or_else(|| error.kind().to_string(), str::to_owned),
    }
}

fn unreadable(text: &str, error: &minijinja::Error) -> TemplateProblem {
    let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    let message = format!("this is no template: {detail}");
    TemplateProblem { message, at: line(text, error.line().unwrap_or(1)), unknown: None }
}

/// The bytes of a line, counted from 1, without the blanks around it.
fn line(text: &str, number: usize) -> Range<usize> {
    let mut start = 0;
    for (place, line) in text.split_inclusive('\n').enumerate() {
        if place + 1 == number {
            let blank = line.len() - line.trim_start().len();
            return start + blank..start + blank.max(line.trim_end().len());
        }
        start += line.len();
    }
    0..text.len()
}

/// Where a name is first read: as a whole word, inside `{{ }}` or `{% %}` if it stands there.
fn place_of(text: &str, name: &str) -> Range<usize> {
    let is_word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let bytes = text.as_bytes();
    let whole = |start: usize| {
        let before = start.checked_sub(1).and_then(|place| bytes.get(place));
        !is_word(before) && before != Some(&b'.') && !is_word(bytes.get(start + name.len()))
    };
    let inside = |start: usize| {
        let opened = text[..start].rfind("{{").max(text[..start].rfind("{%"));
        let closed = text[..start].rfind("}}").max(text[..start].rfind("%}"));
        opened.is_some() && opened > closed
    };
    let places = || text.match_indices(name).map(|(start, _)| start).filter(|start| whole(*start));
    match places().find(|start| inside(*start)).or_else(|| places().next()) {
        Some(start) => start..start + name.len(),
        None => 0..text.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered_with(text: &str, values: &[(&str, Value)]) -> Result<String, String> {
        let template = Template::compile(text, &|_| true).unwrap();
        template
            .render(|name| values.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone()))
    }

    #[test]
    fn values_are_put_in_as_they_are() {
        let values = [
            ("first_name", Value::string("<Ana> & co")),
            ("spend", Value::Float(12.5)),
            ("n", Value::Int(3)),
        ];
        let text = "Hi {{ first_name }}, {{ spend }} in {{ n }}{% if n > 2 %}!{% endif %}";
        assert_eq!(rendered_with(text, &values).unwrap(), "Hi <Ana> & co, 12.5 in 3!");
        let map = Value::Map(vec![("city".into(), Value::string("Oulu"))].into());
        assert_eq!(rendered_with("{{ address.city }}", &[("address", map.clone())]).unwrap(), "Oulu");
        assert_eq!(
            rendered_with("{{ address.zip }}", &[("address", map)]).unwrap_err(),
            "a field that the text names is missing"
        );
        let tags = Value::List(vec![Value::string("a"), Value::string("b")].into());
        assert_eq!(
            rendered_with("{% for t in tags %}{{ t }} {% endfor %}{{ tags|join('-') }}", &[("tags", tags)])
                .unwrap(),
            "a b a-b"
        );
    }

    #[test]
    fn what_is_missing_is_named_unless_it_has_a_default() {
        assert_eq!(rendered_with("Hi {{ first_name }}", &[]).unwrap_err(), "`first_name` is missing");
        assert_eq!(rendered_with("Hi {{ first_name | default('there') }}", &[]).unwrap(), "Hi there");
        assert_eq!(rendered_with("{% if first_name is defined %}x{% endif %}ok", &[]).unwrap(), "ok");
    }

    #[test]
    fn unknown_names_and_broken_texts_have_a_place() {
        let known = |name: &str| name == "first_name";
        let problem =
            Template::compile("Mr frist_name {{ first_name }} {{ frist_name }}", &known).unwrap_err();
        assert_eq!((problem.at, problem.unknown.as_deref()), (34..44, Some("frist_name")));
        let problem = Template::compile("a\n {{ b \nc", &known).unwrap_err();
        assert!(problem.message.starts_with("this is no template: "), "{problem:?}");
        for text in
            ["{% include 'x' %}", "{% import 'x' as y %}", "{% macro a() %}{% endmacro %}", "{{ x | nope }}"]
        {
            let compiled = Template::compile(text, &|_| true);
            let refused = compiled.map_or(true, |template| template.render(|_| Some(Value::Int(1))).is_err());
            assert!(refused, "{text}");
        }
        let template =
            Template::compile("{% for i in range(3) %}{{ i }}{{ loop.index }}{% endfor %}", &|_| false)
                .unwrap();
        assert_eq!((template.render(|_| None).unwrap().as_str(), template.reads.len()), ("011223", 0));
    }

    #[test]
    fn rendering_is_bounded() {
        let endless = "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}";
        assert!(rendered_with(endless, &[]).unwrap_err().contains("steps"));
        let long = "{% for a in range(999) %}{{ text }}{% endfor %}";
        let text = Value::string(&"x".repeat(1_000));
        assert_eq!(
            rendered_with(long, &[("text", text)])
                .map_err(|error| error.contains("longer"))
                .map(|text| text.len()),
            Err(true)
        );
    }

    #[test]
    fn what_is_as_long_as_allowed_is_not_too_long() {
        let padded = |length: usize| format!("{{{{ event.x }}}}{}", " ".repeat(length - 13));
        let compiled = |length: usize| Template::compile(&padded(length), &|_| true);
        assert!(compiled(MAX_TEMPLATE_BYTES).is_ok());
        let problem = compiled(MAX_TEMPLATE_BYTES + 1).unwrap_err();
        assert_eq!(problem.message, "this is 16385 bytes long, and at most 16384 are allowed");
        assert_eq!(trigger_properties(&padded(MAX_TEMPLATE_BYTES)), ["x"]);
        assert_eq!(trigger_properties(&padded(MAX_TEMPLATE_BYTES + 1)), Vec::<String>::new());
        let text = |bytes: usize| Value::string(&"x".repeat(bytes));
        let rendered =
            |bytes: usize| rendered_with("{{ a }}{{ b }}", &[("a", text(1024)), ("b", text(bytes))]);
        assert_eq!(rendered(MAX_RENDERED_BYTES - 1024).unwrap().len(), MAX_RENDERED_BYTES);
        assert_eq!(rendered(MAX_RENDERED_BYTES - 1023).unwrap_err(), "the text is longer than 65536 bytes");
    }

    #[test]
    fn a_name_is_found_where_it_is_read() {
        for (text, place) in [
            ("ltv {{ ltv }}", 7),
            ("{{ a }} ltv {{ ltv }}", 15),
            ("{% if x %} ltv {% elif ltv %}{% endif %}", 23),
            ("{{ x_ltv + ltv }}", 11),
            ("{{ xltv + ltv }}", 10),
            ("{{ ltvx + ltv }}", 10),
            ("{{ ltv_ + ltv }}", 10),
            ("{{ a.ltv + ltv }}", 11),
            ("ltv", 0),
        ] {
            assert_eq!(place_of(text, "ltv"), place..place + 3, "{text}");
        }
        assert_eq!(place_of("{{ ltvs }}", "ltv"), 0..10);
        for (number, place) in [(1, 0..1), (2, 4..6), (3, 12..12), (4, 12..15), (5, 0..15)] {
            assert_eq!(line("a\n  bb \n   \nccc", number), place, "line {number}");
        }
    }
}
