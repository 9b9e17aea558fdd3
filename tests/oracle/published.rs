//! Cut-points: who was counted, and that each cuts where it should, or where values allow.

use habitue::{Answers, CutPoints, Value};

/// Compares cut-points with the values that the reference has for everybody.
pub(crate) fn check(told: &[CutPoints], catalog: &str, answers: &[Answers]) -> Result<(), String> {
    let lines = catalog.lines().filter(|line| line.starts_with('q') && line.contains(" = { value = "));
    if lines.clone().count() != told.len() {
        return Err(format!("publish: {told:?} of another catalog"));
    }
    for (line, told) in lines.zip(told) {
        let said = |key: &str| {
            let rest = &line[line.find(&format!("{key} = "))? + key.len() + 3..];
            Some(rest[..rest.find([',', ' ']).unwrap_or(rest.len())].trim_matches('\''))
        };
        let (value, of) = (said("value").unwrap_or_default(), said("of"));
        // Where a digit of a float decides, both may be right.
        let is_close = |answers: &Answers| {
            answers.close_calls.contains(value) || of.is_some_and(|of| answers.close_calls.contains(of))
        };
        if answers.iter().any(is_close) {
            continue;
        }
        let counted =
            answers.iter().filter(|answers| answers.known && of.is_none_or(|of| answers.segments[of]));
        let values: Vec<f64> =
            counted.filter_map(|answers| answers.attributes[value].as_ref().map(number)).collect();
        if told.counted != values.len() as u64 {
            return Err(format!("publish: {line}: {told:?}, expected {values:?}"));
        }
        let cuts: Vec<f64> = told.cuts.iter().map(number).collect();
        let parts: f64 = said("parts").and_then(|parts| parts.parse().ok()).unwrap_or(5.0);
        let tolerance: f64 = said("tolerance").and_then(|text| text.parse().ok()).unwrap_or(0.0);
        if !cuts.is_sorted() || (!values.is_empty() && cuts.len() as f64 != parts - 1.0) {
            return Err(format!("publish: {line}: {told:?} are no cut-points of {values:?}"));
        }
        // How far the share below a cut is from its target; the last digits of floats may be others here.
        let off = |cut: f64, place: usize| {
            let room = cut.abs() * 1e-9;
            let below = |cut: f64| values.iter().filter(|value| **value < cut).count();
            let shares = below(cut - room)..=below(cut + room);
            let target = (place + 1) as f64 / parts;
            shares
                .map(|below| (below as f64 / values.len() as f64 - target).abs())
                .fold(f64::INFINITY, f64::min)
        };
        for (place, cut) in cuts.iter().enumerate().filter(|_| !values.is_empty()) {
            let exact = |value: &f64| {
                let below = values.iter().filter(|other| *other < value).count() as f64;
                (below / values.len() as f64 - (place + 1) as f64 / parts).abs()
            };
            let best = values.iter().map(exact).fold(f64::INFINITY, f64::min);
            if off(*cut, place) > (tolerance / 100.0).max(best) + 1e-9 {
                return Err(format!("publish: {line}: {cut} of {told:?} is off, {values:?}"));
            }
        }
    }
    Ok(())
}

fn number(value: &Value) -> f64 {
    match value {
        Value::Int(number) => *number as f64,
        Value::Float(number) => *number,
        Value::Time(time) => time.millis() as f64,
        Value::Duration(duration) => duration.millis() as f64,
        _ => f64::NAN,
    }
}
