//! The progress of long work: a bar with rate and time left, on standard error if it is a terminal.

use std::fmt::Write;
use std::io::IsTerminal;

use habitue::{Recovery, RecoveryWork};
use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// Less work than this, in bytes, is done before anybody has read a bar.
const WORTH_SHOWING: u64 = 1024 * 1024;

/// A bar that counts bytes of `what`; hidden if standard error is no terminal or the work is short.
pub(crate) fn bytes(what: &str, total: u64) -> ProgressBar {
    let style = "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta} left";
    bar(total >= WORTH_SHOWING, total, style).with_message(what.to_owned())
}

/// Counts bytes read of an end that is known or not, and shows `{msg}`; hidden as the others.
pub(crate) fn reading(total: Option<u64>) -> ProgressBar {
    let known = "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta} left";
    match total {
        Some(total) => bar(total >= WORTH_SHOWING, total, known),
        None => {
            let bar = bar(true, 0, "{msg} {bytes} {bytes_per_sec}");
            bar.unset_length();
            bar
        }
    }
}

/// A bar that counts things of a kind, such as `messages`; hidden if standard error is no terminal.
pub(crate) fn counting(what: &str, total: u64) -> ProgressBar {
    let style = format!(
        "{{wide_bar}} {{human_pos}} of {{human_len}} {what}, {{whole_per_sec}} a second, {{eta}} left"
    );
    bar(true, total, &style)
}

/// A bar for the work of opening, if there is any; hidden as the others.
pub(crate) fn recovery() -> ProgressBar {
    bar(true, 0, "{msg} {wide_bar} {human_pos} of {human_len}, {whole_per_sec} a second, {eta} left")
}

/// Shows how far opening is.
pub(crate) fn show(bar: &ProgressBar, recovery: Recovery) {
    bar.set_message(match recovery.work {
        RecoveryWork::Replaying => "applying the journal's messages",
        RecoveryWork::MakingAnew => "making the live store anew",
        _ => "recovering",
    });
    bar.set_length(recovery.all);
    bar.set_position(recovery.done);
}

fn bar(worth_showing: bool, total: u64, style: &str) -> ProgressBar {
    let shown = worth_showing && std::io::stderr().is_terminal();
    let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(total), target);
    let whole_per_sec = |state: &ProgressState, text: &mut dyn Write| {
        let _nobody_to_tell = write!(text, "{}", HumanCount(state.per_sec() as u64));
    };
    match ProgressStyle::with_template(style) {
        Ok(style) => bar.with_style(style.with_key("whole_per_sec", whole_per_sec)),
        Err(_) => bar,
    }
}
