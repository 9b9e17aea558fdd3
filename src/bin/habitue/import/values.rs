//! Cells as values of declared types. What does not fit its type stays the text it is, and is refused by the
//! database, which says what it expects.

use habitue::{TimeFormat, Type};
use serde_json::{Number, Value as Json};

/// What is in one column of a row.
#[derive(Clone, Copy)]
pub(super) enum Cell<'a> {
    Text(&'a str),
    Value(&'a Json),
}

impl<'a> Cell<'a> {
    fn text(self) -> Option<&'a str> {
        match self {
            Cell::Text(text) => Some(text),
            Cell::Value(value) => value.as_str(),
        }
    }
}

/// How cells are read.
pub(super) struct Values<'a> {
    pub(super) times: &'a TimeFormat,
    /// Texts that are no value, if any are said.
    pub(super) null: Option<&'a [String]>,
}

impl Values<'_> {
    /// The value of a cell.
    pub(super) fn value(&self, cell: Cell<'_>, ty: Option<&Type>) -> Json {
        if self.is_null(cell) {
            return Json::Null;
        }
        match cell {
            Cell::Text(text) => self.of_text(text, ty),
            Cell::Value(Json::String(text)) => self.of_text(text, ty),
            Cell::Value(value) => value.clone(),
        }
    }

    /// The text of a cell that is an id or a name; of a number, its digits.
    pub(super) fn text(&self, cell: Cell<'_>) -> Option<String> {
        if self.is_null(cell) {
            return None;
        }
        match (cell.text(), cell) {
            (Some(text), _) => (!text.is_empty()).then(|| text.to_owned()),
            (None, Cell::Value(value)) => Some(value.to_string()),
            (None, Cell::Text(_)) => None,
        }
    }

    fn is_null(&self, cell: Cell<'_>) -> bool {
        match (cell, self.null) {
            (Cell::Value(Json::Null), _) => true,
            (cell, Some(null)) => cell.text().is_some_and(|text| null.iter().any(|null| null == text)),
            (Cell::Text(text), None) => text.is_empty(),
            (Cell::Value(_), None) => false,
        }
    }

    fn of_text(&self, text: &str, ty: Option<&Type>) -> Json {
        let trimmed = text.trim();
        let value = match ty {
            Some(Type::Bool) => match trimmed {
                "1" => Some(Json::from(true)),
                "0" => Some(Json::from(false)),
                _ if trimmed.eq_ignore_ascii_case("true") => Some(Json::from(true)),
                _ if trimmed.eq_ignore_ascii_case("false") => Some(Json::from(false)),
                _ => None,
            },
            Some(Type::Int) => trimmed.parse::<i64>().ok().map(Json::from),
            Some(Type::Float) => trimmed.parse().ok().and_then(Number::from_f64).map(Json::Number),
            Some(Type::Time) => self.times.parse(trimmed).ok().map(|time| Json::from(time.to_string())),
            Some(Type::List(_) | Type::Map(_) | Type::Record(_)) => serde_json::from_str(trimmed).ok(),
            _ => None,
        };
        value.unwrap_or_else(|| Json::from(text))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_become_what_is_declared() {
        let times = TimeFormat::new(Some("%d.%m.%Y"), Some("Europe/Helsinki")).unwrap();
        let values = Values { times: &times, null: None };
        let list = Type::List(Box::new(Type::Int));
        for (text, ty, expected) in [
            ("TRUE", Some(&Type::Bool), json!(true)),
            ("0", Some(&Type::Bool), json!(false)),
            ("maybe", Some(&Type::Bool), json!("maybe")),
            (" 42 ", Some(&Type::Int), json!(42)),
            ("4.2", Some(&Type::Int), json!("4.2")),
            ("4.20", Some(&Type::Float), json!(4.2)),
            ("inf", Some(&Type::Float), json!("inf")),
            ("24.12.2025", Some(&Type::Time), json!("2025-12-23T22:00:00Z")),
            ("[1, 2]", Some(&list), json!([1, 2])),
            ("007", Some(&Type::String), json!("007")),
            ("007", None, json!("007")),
            ("", Some(&Type::String), Json::Null),
        ] {
            assert_eq!(values.value(Cell::Text(text), ty), expected, "{text}");
        }
        assert_eq!(values.value(Cell::Value(&json!("")), Some(&Type::String)), json!(""));
        let null = ["NULL".to_owned()];
        let values = Values { times: &times, null: Some(&null) };
        assert_eq!(values.value(Cell::Text(""), Some(&Type::String)), json!(""));
        assert_eq!(values.value(Cell::Value(&json!("NULL")), Some(&Type::String)), Json::Null);
        assert_eq!(values.text(Cell::Value(&json!(17))), Some("17".to_owned()));
    }
}
