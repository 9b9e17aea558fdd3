//! What to measure, from the command line.

use std::path::PathBuf;
use std::str::FromStr;

use crate::Outcome;

/// A question that all sides answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Question {
    Opening,
    Reads,
    Decisions,
    Messages,
    Growth,
}

#[derive(Debug)]
pub(crate) struct Arguments {
    pub questions: Vec<Question>,
    pub profiles: u64,
    pub customers: usize,
    pub segments: Vec<usize>,
    pub rounds: usize,
    pub calls: usize,
    pub folder: PathBuf,
    pub plot: Option<PathBuf>,
}

const ALL: [(&str, Question); 5] = [
    ("opening", Question::Opening),
    ("reads", Question::Reads),
    ("decisions", Question::Decisions),
    ("messages", Question::Messages),
    ("growth", Question::Growth),
];

impl Arguments {
    pub(crate) fn read(words: &[String]) -> Outcome<Arguments> {
        let mut read = Arguments {
            questions: Vec::new(),
            profiles: 1_000_000,
            customers: 20_000,
            segments: vec![10, 100, 1_000],
            rounds: 5,
            calls: 20_000,
            folder: std::env::temp_dir().join("habitue-rivals"),
            plot: None,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if word == "all" {
                read.questions.extend(ALL.map(|(_, question)| question));
                continue;
            }
            if let Some((_, question)) = ALL.iter().find(|(name, _)| name == word) {
                read.questions.push(*question);
                continue;
            }
            let value = words.next().ok_or_else(|| format!("`{word}` needs a value, or is no question"))?;
            match word.as_str() {
                "--profiles" => read.profiles = number(value)?,
                "--customers" => read.customers = number(value)?,
                "--segments" => read.segments = value.split(',').map(number).collect::<Outcome<_>>()?,
                "--rounds" => read.rounds = number(value)?,
                "--calls" => read.calls = number(value)?,
                "--folder" => read.folder = PathBuf::from(value),
                "--plot" => read.plot = Some(PathBuf::from(value)),
                _ => return Err(format!("there is no option `{word}`").into()),
            }
        }
        if read.questions.is_empty() {
            return Err("name a question: opening, reads, decisions, messages, growth, or all".into());
        }
        Ok(read)
    }
}

fn number<T: FromStr>(text: &str) -> Outcome<T> {
    text.parse().map_err(|_| format!("`{text}` is no number").into())
}
