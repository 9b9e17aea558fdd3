//! A script: text of one JSON object per line, each with a time and a step.
//!
//! Lines are read when they are their turn, so a long script costs no more memory than its text. A
//! line that cannot be read says why and does not stop the others: its time still counts, so that
//! a `+1h` after it means what its writer meant.

use std::fs;
use std::io::ErrorKind as IoErrorKind;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json};

use super::crowd_step::CrowdStep;
use super::expectation::Expectation;
use super::fields::Fields;
use crate::base::error::{Error, ErrorKind};
use crate::base::time::{Duration, Time};
use crate::model::call::Call;
use crate::model::message::Message;
use crate::model::refusal::Refusal;
use crate::model::value::read_time;

/// The text of a script, and where it is.
#[derive(Clone, Debug)]
pub struct Script {
    name: String,
    /// The folder to which the paths of its catalogs are relative.
    folder: PathBuf,
    text: String,
}

/// One line of a script that says something.
#[derive(Debug)]
pub struct Line<'a> {
    /// Its number in the script, from 1.
    pub number: usize,
    /// The line as written.
    pub text: &'a str,
    /// The folder to which a catalog's path is relative.
    pub(super) folder: &'a Path,
    pub(super) at: Option<At>,
    pub(super) step: Result<Step, String>,
}

/// When a line happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    Instant(Time),
    /// So long after the line before, perhaps at once.
    After(Duration),
}

/// A message, or why it is none.
pub(super) type ReadMessage = Box<Result<Message, Refusal>>;

/// What a line does.
#[derive(Debug)]
pub(super) enum Step {
    Message(ReadMessage),
    Expect(Expectation),
    Query {
        user: String,
        call: Call,
    },
    /// Decides, and puts on record that it is shown.
    Record {
        user: String,
        asked: Asked,
        call: Call,
    },
    Members {
        segment: String,
    },
    Goal {
        goal: String,
    },
    Catalog {
        path: String,
    },
    Persona {
        path: String,
        /// The id she comes under, if not her own.
        id: Option<String>,
        /// What of her attributes is otherwise.
        with: Vec<(String, Json)>,
    },
    PublishList {
        list: String,
        members: Vec<String>,
    },
    PublishCutPoints,
    Unmerge {
        user: String,
    },
    Erase {
        user: String,
    },
    Anonymise {
        user: String,
    },
    /// Expects a refusal; without a reason, any.
    Reject {
        message: ReadMessage,
        reason: Option<String>,
    },
    ExplainSegment {
        user: String,
        segment: String,
    },
    ExplainDecision {
        user: String,
        personalization: String,
        call: Call,
    },
    Crowd(CrowdStep),
}

/// What is to be decided.
#[derive(Debug)]
pub(super) enum Asked {
    Personalization(String),
    Placement(String),
}

/// The keys that name a step; a line has one of them.
const STEPS: [&str; 17] = [
    "message",
    "expect",
    "query",
    "record",
    "members",
    "goal",
    "catalog",
    "publish",
    "reject",
    "explain",
    "persona",
    "unmerge",
    "erase",
    "anonymise",
    "popular",
    "trending",
    "together",
];

impl Script {
    /// Reads a script file.
    ///
    /// # Errors
    /// If nothing is there, or it cannot be read or is not UTF-8.
    pub fn read(path: impl AsRef<Path>) -> Result<Script, Error> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let bytes = fs::read(path).map_err(|error| {
            let (kind, message) = match error.kind() {
                IoErrorKind::NotFound => (ErrorKind::NotFound, format!("there is no script `{name}`")),
                _ => (ErrorKind::Io, format!("cannot read the script `{name}`: {error}")),
            };
            Error::new(kind, message).caused_by(error)
        })?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            let message =
                format!("`{name}` is not UTF-8 text: line {line} holds other bytes; save it as UTF-8");
            Error::new(ErrorKind::Io, message).caused_by(error)
        })?;
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        Ok(Script { name, folder, text })
    }

    /// A script given as text; the catalogs it names are relative to `folder`.
    pub fn from_text(text: impl Into<String>, folder: impl Into<PathBuf>) -> Script {
        Script { name: "<script>".to_owned(), folder: folder.into(), text: text.into() }
    }

    /// The path as it was given, or `<script>` for text that has none.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The lines that say something, in order: neither blank nor a comment.
    pub fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let text = self.text.strip_prefix('\u{feff}').unwrap_or(&self.text);
        text.lines().enumerate().filter_map(|(index, line)| {
            let line = line.trim();
            (!line.is_empty() && !line.starts_with('#')).then(|| Line::read(index + 1, line, &self.folder))
        })
    }
}

impl<'a> Line<'a> {
    /// What the line expects, in few words for a list of tests; of another line, its text.
    ///
    /// ```
    /// use habitue::simulate::Script;
    ///
    /// let text = r#"{"expect":{"user":"ana","segments":{"vip":false},"decisions":{"home":"preview"}}}"#;
    /// let titles: Vec<String> = Script::from_text(text, "").lines().map(|line| line.title()).collect();
    /// assert_eq!(titles, ["ana: not in vip, home = preview"]);
    /// ```
    pub fn title(&self) -> String {
        match &self.step {
            Ok(Step::Expect(expectation)) => expectation.to_string(),
            Ok(Step::Reject { message, reason }) => {
                let reason = reason.as_ref().map_or(String::new(), |reason| format!(" for {reason}"));
                match &**message {
                    Ok(message) => format!("{} is refused{reason}", said(message)),
                    Err(_) => format!("what is no message is refused{reason}"),
                }
            }
            _ => self.text.to_owned(),
        }
    }

    fn read(number: usize, text: &'a str, folder: &'a Path) -> Line<'a> {
        let json = match serde_json::from_str::<Json>(text) {
            Ok(json) => json,
            Err(error) => {
                let step = Err(format!("not readable as JSON: {}", place_in_line(&error)));
                return Line { number, text, folder, at: None, step };
            }
        };
        match json.get("at").map(read_at).transpose() {
            Ok(at) => Line { number, text, folder, at, step: read_step(&json) },
            Err(problem) => Line { number, text, folder, at: None, step: Err(problem) },
        }
    }
}

/// What a message is, and of whom: `track Order Completed of ana`.
fn said(message: &Message) -> String {
    let event = message.event().map_or(String::new(), |event| format!(" {event}"));
    let of = message.user_id().or(message.anonymous_id()).map_or(String::new(), |id| format!(" of {id}"));
    format!("{}{event}{of}", message.kind().as_str())
}

/// The parser's words, with the column only: it knows no other line than this one.
fn place_in_line(error: &serde_json::Error) -> String {
    error.to_string().replace(" at line 1 column ", " at column ")
}

fn read_at(json: &Json) -> Result<At, String> {
    let wrong = |detail: &str| format!("`at` is {json}: {detail}");
    if let Some(wait) = json.as_str().and_then(|text| text.strip_prefix('+')) {
        return read_wait(wait)
            .map(At::After)
            .ok_or_else(|| wrong("after `+` stands a duration, such as `+0s`, `+1ms`, `+48h` or `+1d12h`"));
    }
    read_time(json).map(At::Instant).map_err(|mismatch| wrong(&mismatch.reason))
}

/// A duration that may be zero, which a duration of a rule may not: it is read with a millisecond more.
pub(super) fn read_wait(text: &str) -> Option<Duration> {
    if text.is_empty() {
        return None;
    }
    let longer = Duration::parse(&format!("1ms{text}")).ok()?;
    Some(Duration::from_millis(longer.millis() - 1))
}

fn read_step(json: &Json) -> Result<Step, String> {
    let mut keys = vec!["at"];
    keys.extend(STEPS);
    if json.get("persona").is_some() {
        keys.extend(["as", "with"]);
    }
    let line = Fields::of("a line", json, &keys)?;
    let mut named = STEPS.into_iter().filter_map(|name| line.get(name).map(|body| (name, body)));
    let Some((name, body)) = named.next() else {
        return Err(format!("a line needs one of `{}`", STEPS.join("`, `")));
    };
    if let Some((other, _)) = named.next() {
        return Err(format!("a line does one thing, not both `{name}` and `{other}`: write two lines"));
    }
    match name {
        "message" => Ok(Step::Message(read_message(body))),
        "expect" => Expectation::read(body).map(Step::Expect),
        "query" => {
            let fields = Fields::of("`query`", body, &["user", "context", "variants"])?;
            Ok(Step::Query { user: fields.id("user")?, call: fields.call()? })
        }
        "record" => read_record(body),
        "goal" => Ok(Step::Goal { goal: line.text("goal")? }),
        "members" => Ok(Step::Members { segment: line.text("members")? }),
        "catalog" => Ok(Step::Catalog { path: line.text("catalog")? }),
        "persona" => Ok(Step::Persona {
            path: line.text("persona")?,
            id: line.get("as").map(|_| line.id("as")).transpose()?,
            with: line.entries("with")?.map(|(name, value)| (name.clone(), value.clone())).collect(),
        }),
        "publish" => read_publish(body),
        "reject" => read_reject(body),
        "unmerge" => Ok(Step::Unmerge { user: read_user(name, body)? }),
        "erase" => Ok(Step::Erase { user: read_user(name, body)? }),
        "anonymise" => Ok(Step::Anonymise { user: read_user(name, body)? }),
        "popular" | "trending" | "together" => CrowdStep::read(name, body).map(Step::Crowd),
        _ => read_explain(body),
    }
}

/// The customer whom a step is about: an id, or an object with `user`.
fn read_user(step: &str, body: &Json) -> Result<String, String> {
    let object = format!("`{step}`");
    match body {
        Json::Object(_) => Fields::of(&object, body, &["user"])?.id("user"),
        id => {
            let fields = Map::from_iter([("user".to_owned(), id.clone())]);
            Fields::of(&object, &Json::Object(fields), &["user"])?.id("user")
        }
    }
}

/// What is published: the members of a list, or cut-points.
fn read_publish(json: &Json) -> Result<Step, String> {
    if json.as_str() == Some("cut_points") {
        return Ok(Step::PublishCutPoints);
    }
    let fields = Fields::of("`publish`", json, &["list", "members"])?;
    let members = fields.required("members")?.as_array();
    let members: Option<Vec<String>> =
        members.and_then(|ids| ids.iter().map(|id| Some(id.as_str()?.to_owned())).collect());
    let members = members.ok_or("`members` is a list of ids")?;
    Ok(Step::PublishList { list: fields.text("list")?, members })
}

fn read_message(json: &Json) -> ReadMessage {
    Box::new(Message::from_json(json))
}

fn read_reject(json: &Json) -> Result<Step, String> {
    let fields = Fields::of("`reject`", json, &["message", "reason"])?;
    let message = read_message(fields.required("message")?);
    let reason = fields.get("reason").map(|_| fields.text("reason")).transpose()?;
    Ok(Step::Reject { message, reason })
}

fn read_record(json: &Json) -> Result<Step, String> {
    let known = ["user", "personalization", "placement", "context", "variants"];
    let fields = Fields::of("`record`", json, &known)?;
    let asked = match (fields.get("personalization"), fields.get("placement")) {
        (Some(_), None) => Asked::Personalization(fields.text("personalization")?),
        (None, Some(_)) => Asked::Placement(fields.text("placement")?),
        _ => return Err("`record` needs a `personalization` or a `placement`, one of them".to_owned()),
    };
    Ok(Step::Record { user: fields.id("user")?, asked, call: fields.call()? })
}

fn read_explain(json: &Json) -> Result<Step, String> {
    let known = ["user", "segment", "personalization", "context", "variants"];
    let fields = Fields::of("`explain`", json, &known)?;
    let user = fields.id("user")?;
    match (fields.get("segment"), fields.get("personalization")) {
        (Some(_), None) => Ok(Step::ExplainSegment { user, segment: fields.text("segment")? }),
        (None, Some(_)) => {
            let (personalization, call) = (fields.text("personalization")?, fields.call()?);
            Ok(Step::ExplainDecision { user, personalization, call })
        }
        _ => Err("`explain` needs a `segment` or a `personalization`, one of them".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        let script = Script::from_text(text, "");
        let line = script.lines().next().expect("a line");
        line.step.expect_err(text)
    }

    fn at(text: &str) -> Option<At> {
        let script = Script::from_text(format!(r#"{{"at":{text},"members":"vip"}}"#), "");
        let line = script.lines().next().expect("a line");
        line.step.is_ok().then_some(line.at).flatten()
    }

    #[test]
    fn comments_and_blank_lines_keep_their_numbers() {
        let text = "\u{feff}# one\r\n\r\n{\"members\":\"vip\"}\r\n  # four\n\n  {\"members\":\"vip\"}  ";
        let script = Script::from_text(text, "");
        let numbers: Vec<usize> = script.lines().map(|line| line.number).collect();
        assert_eq!(numbers, [3, 6]);
        assert!(script.lines().all(|line| line.step.is_ok() && line.text == r#"{"members":"vip"}"#));
    }

    #[test]
    fn a_line_happens_at_an_instant_or_some_time_after_the_one_before() {
        let instant = At::Instant(Time::parse("2026-01-01T09:00:00Z").unwrap());
        assert_eq!(at(r#""2026-01-01T10:00:00+01:00""#), Some(instant));
        assert_eq!(at("1767258000000"), Some(instant));
        for (text, millis) in
            [("0s", 0), ("0ms", 0), ("1ms", 1), ("48h", 172_800_000), ("1d12h", 129_600_000)]
        {
            let expected = At::After(Duration::from_millis(millis));
            assert_eq!(at(&format!("\"+{text}\"")), Some(expected), "{text}");
        }
        for text in ["\"\"", "\"+\"", "\"+1\"", "\"+-1s\"", "\"-1s\"", "\"tomorrow\"", "1.5", "true", "null"]
        {
            assert_eq!(at(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_line_is_said() {
        for (text, part) in [
            ("{", "not readable as JSON: EOF while parsing an object at column 1"),
            ("[]", "a line is an object"),
            ("{}", "a line needs one of `message`, `expect`"),
            (r#"{"expct":{}}"#, "a line has an unknown key `expct`; did you mean `expect`?"),
            (r#"{"members":"a","catalog":"b"}"#, "not both `members` and `catalog`"),
            (r#"{"members":1}"#, "`members` of a line is text, not 1"),
            (r#"{"query":{}}"#, "`query` needs `user`"),
            (r#"{"query":["ana"]}"#, "`query` is an object with `user`"),
            (r#"{"expect":{"segments":{}}}"#, "`expect` needs `user`"),
            (r#"{"expect":{"user":"ana","segment":{}}}"#, "did you mean `segments`?"),
            (
                r#"{"expect":{"user":"ana","segments":{"vip":null}}}"#,
                "segment `vip` is true or false, not null",
            ),
            (r#"{"expect":{"user":"ana","segments":["vip"]}}"#, "is an object, not [\"vip\"]"),
            (r#"{"expect":{"user":"ana","decisions":{"home":1}}}"#, "decision `home` is"),
            (r#"{"reject":{"reason":"skew"}}"#, "`reject` needs `message`"),
            (r#"{"explain":{"user":"ana"}}"#, "needs a `segment` or a `personalization`"),
            (r#"{"at":"+x","members":"vip"}"#, "after `+` stands a duration"),
        ] {
            let said = problem(text);
            assert!(said.contains(part), "{text}: {said}");
        }
    }

    #[test]
    fn the_time_of_a_line_with_another_fault_is_kept() {
        let script = Script::from_text(r#"{"at":"+1h","expct":{}}"#, "");
        let line = script.lines().next().expect("a line");
        assert_eq!(line.at, Some(At::After(Duration::from_millis(3_600_000))));
        assert!(line.step.is_err());
    }
}
