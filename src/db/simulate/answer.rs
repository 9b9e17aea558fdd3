//! What a simulation says to a line: that it holds, that it does not, or what was asked for.
//!
//! An answer has one form for programs, a line of JSON whose keys are in the order of the contract,
//! and one for people, [`Failure`]'s text.

use std::fmt;

use serde::Serialize;
use serde_json::Value as Json;

use super::script::Line;

/// The answer to one line of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// What the line expects holds.
    Passed {
        /// The line's number in the script, from 1.
        line: usize,
    },
    /// What the line expects does not hold, or the line could not be followed.
    Failed(Box<Failure>),
    /// What the line asks for, one line of JSON.
    Printed(String),
}

/// Why a line failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The line's number in the script, from 1.
    pub line: usize,
    /// The line as written.
    pub text: String,
    /// What differs, as the script has it; null if the line could not be followed.
    pub expected: Json,
    /// What differs, as it is.
    pub actual: Json,
    /// The explanation, for people.
    pub why: String,
}

/// How an expectation is answered.
#[derive(Serialize)]
struct Verdict<'a> {
    line: usize,
    ok: bool,
    #[serde(flatten)]
    failure: Option<Reason<'a>>,
}

#[derive(Serialize)]
struct Reason<'a> {
    expected: &'a Json,
    actual: &'a Json,
    why: &'a str,
}

impl Answer {
    /// The answer to a line that could not be followed.
    pub(super) fn not_followed(line: &Line<'_>, why: impl Into<String>) -> Answer {
        Answer::failed(line, Json::Null, Json::Null, why)
    }

    /// The answer to a line that expects other than what is.
    pub(super) fn failed(line: &Line<'_>, expected: Json, actual: Json, why: impl Into<String>) -> Answer {
        let (line, text, why) = (line.number, line.text.to_owned(), why.into());
        Answer::Failed(Box::new(Failure { line, text, expected, actual, why }))
    }

    /// What was asked for, as JSON.
    pub(super) fn printed(asked: &impl Serialize) -> Answer {
        Answer::Printed(to_line(asked))
    }

    /// The answer as one line of JSON, without the newline.
    ///
    /// ```
    /// use habitue::simulate::Answer;
    /// assert_eq!(Answer::Passed { line: 3 }.to_json_line(), r#"{"line":3,"ok":true}"#);
    /// ```
    pub fn to_json_line(&self) -> String {
        match self {
            Answer::Passed { line } => to_line(&Verdict { line: *line, ok: true, failure: None }),
            Answer::Failed(failure) => {
                let Failure { line, expected, actual, why, .. } = &**failure;
                to_line(&Verdict { line: *line, ok: false, failure: Some(Reason { expected, actual, why }) })
            }
            Answer::Printed(text) => text.clone(),
        }
    }
}

/// JSON on one line. Only maps with keys that are no text cannot be written, and we write none.
fn to_line(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("answers have text keys only")
}

/// The line, what differs and why, indented below the line's number.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "line {}: {}", self.line, self.text)?;
        if !self.expected.is_null() || !self.actual.is_null() {
            writeln!(f, "    expected  {}", self.expected)?;
            writeln!(f, "    actual    {}", self.actual)?;
        }
        let mut label = "why";
        for line in self.why.lines() {
            writeln!(f, "    {label:<8}  {line}")?;
            label = "";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn failure() -> Failure {
        let (expected, actual) = (json!({"segments": {"vip": true}}), json!({"segments": {"vip": false}}));
        let why = "vip is false\n  ltv is missing".to_owned();
        Failure { line: 7, text: "{…}".to_owned(), expected, actual, why }
    }

    #[test]
    fn programs_read_lines_of_json() {
        assert_eq!(
            Answer::Failed(Box::new(failure())).to_json_line(),
            r#"{"line":7,"ok":false,"expected":{"segments":{"vip":true}},"actual":{"segments":{"vip":false}},"why":"vip is false\n  ltv is missing"}"#
        );
    }

    #[test]
    fn people_read_the_line_and_the_explanation() {
        let text = "line 7: {…}\n    expected  {\"segments\":{\"vip\":true}}\n    actual    \
                    {\"segments\":{\"vip\":false}}\n    why       vip is false\n                ltv is missing\n";
        assert_eq!(failure().to_string(), text);
    }
}
