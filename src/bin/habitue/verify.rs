//! `habitue verify`: whether everything on disk is as it was written.

use habitue::{ErrorKind, Flaw, OpenOptions, Verified};
use serde::Serialize;

use crate::console::Console;
use crate::data::Whole;
use crate::failure::{Exit, Failure, counted};

/// The answer, for programs.
#[derive(Serialize)]
struct Verdict<'a> {
    ok: bool,
    /// Why it does not open.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(flatten)]
    verified: Option<&'a Verified>,
    /// What opening it had to mend.
    mended: Vec<String>,
}

pub(crate) fn run(arguments: &Whole, console: &mut Console) -> Result<Exit, Failure> {
    let opened = arguments.opening.open_existing(OpenOptions::new().questions_only(), console);
    let database = match opened {
        Err(Failure::Library(error))
            if arguments.json && matches!(error.kind(), ErrorKind::Damaged | ErrorKind::Incompatible) =>
        {
            let error = Some(error.to_string());
            console.json(&Verdict { ok: false, error, verified: None, mended: Vec::new() })?;
            return Ok(Exit::Damaged);
        }
        opened => opened?,
    };
    let verified = database.verify()?;
    let mended = database.warnings();
    let ok = verified.flaws.is_empty() && mended.is_empty();
    if arguments.json {
        console.json(&Verdict { ok, error: None, verified: Some(&verified), mended })?;
    } else {
        console.line(&for_people(&verified))?;
    }
    Ok(if ok { Exit::Ok } else { Exit::Damaged })
}

fn for_people(verified: &Verified) -> String {
    let Verified { journal_records, base_profiles, live_profiles, profiles, messages, flaws } = verified;
    let mut lines = vec![
        format!("journal     {}", counted(*journal_records as usize, "record")),
        format!("base        {}", counted(*base_profiles as usize, "profile")),
        format!("live store  {}", counted(*live_profiles as usize, "profile")),
        format!(
            "compared    {} with {}",
            counted(*profiles as usize, "profile"),
            counted(*messages as usize, "message")
        ),
    ];
    lines.extend(flaws.iter().map(for_reader));
    lines.push(match flaws.len() {
        0 => "nothing is wrong".to_owned(),
        number => counted(number, "flaw"),
    });
    lines.join("\n")
}

fn for_reader(flaw: &Flaw) -> String {
    let mut text = String::from("flaw");
    if let Some(file) = &flaw.file {
        text.push_str(&format!(" in `{}`", file.display()));
    }
    if let Some(offset) = flaw.offset {
        text.push_str(&format!(" at byte {offset}"));
    }
    if let Some(profile) = &flaw.profile {
        text.push_str(&format!(", profile `{profile}`"));
    }
    format!("{text}: {}", flaw.reason)
}
