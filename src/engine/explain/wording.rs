//! Values and lengths of time as a person would say them.

use crate::base::time::{Duration, Time};
use crate::engine::explanation::Withheld;
use crate::model::value::Value;
use crate::rules::expression::Comparison;

/// A value in a sentence.
pub(crate) fn say(value: &Value) -> String {
    match value {
        Value::Float(number) => say_number(*number),
        Value::Time(time) => time.to_string(),
        Value::Duration(duration) => say_length(*duration),
        other => other.to_string(),
    }
}

/// A value in a sentence, or that there is none.
pub(crate) fn say_optional(value: Option<&Value>) -> String {
    value.map_or_else(|| "missing".to_owned(), say)
}

/// A number to six decimals: an explanation is no place for the noise of a subtraction.
fn say_number(number: f64) -> String {
    let rounded = libm::round(number * 1e6) / 1e6;
    if number.abs() < 1e9 && (rounded != 0.0 || number == 0.0) {
        rounded.to_string()
    } else {
        number.to_string()
    }
}

/// The purposes whose consent is lacking.
pub(crate) fn purposes(withheld: &Withheld) -> String {
    let purposes: Vec<String> = withheld.purposes.iter().map(|purpose| format!("`{purpose}`")).collect();
    purposes.join(" and ")
}

/// A length of time by its two largest units; what is below a day is said in full.
pub(crate) fn say_length(duration: Duration) -> String {
    const DAY_MS: i64 = 86_400_000;
    const HOUR_MS: i64 = 3_600_000;
    let millis = duration.millis();
    let shown = if millis.abs() >= DAY_MS { millis / HOUR_MS * HOUR_MS } else { millis };
    Duration::from_millis(shown).to_string()
}

/// An instant ahead, such as `in 1h59m at 2026-01-01T11:00:00Z`.
pub(crate) fn say_ahead(now: Time, at: Time) -> String {
    format!("in {} at {at}", say_length(at.since(now)))
}

/// What `value` would have to be, and by how much it is not: of a comparison that does not hold.
pub(crate) fn say_shortfall(value: &Value, comparison: Comparison, target: &Value) -> String {
    let gap = difference(value, target);
    let by = |direction: &str| gap.as_ref().map_or(String::new(), |gap| format!(" ({gap} {direction})"));
    let (shown, target_shown) = (say(value), say(target));
    match (comparison, target) {
        (Comparison::Equal, _) => format!("{shown} instead of {target_shown}"),
        (Comparison::Greater | Comparison::GreaterOrEqual, Value::Time(_)) => {
            format!("{shown} is not after {target_shown}")
        }
        (Comparison::Less | Comparison::LessOrEqual, Value::Time(_)) => {
            format!("{shown} is not before {target_shown}")
        }
        (Comparison::GreaterOrEqual, _) => format!("{shown} of at least {target_shown}{}", by("more")),
        (Comparison::Greater, _) => format!("{shown} of more than {target_shown}{}", by("more")),
        (Comparison::LessOrEqual, _) => format!("{shown} instead of at most {target_shown}{}", by("less")),
        (Comparison::Less, _) => format!("{shown} instead of less than {target_shown}{}", by("less")),
    }
}

/// How far two numbers or lengths of time are apart, if they are.
fn difference(a: &Value, b: &Value) -> Option<String> {
    let gap = match (a, b) {
        (Value::Int(a), Value::Int(b)) => Value::Int(i64::try_from(a.abs_diff(*b)).ok()?),
        (Value::Duration(a), Value::Duration(b)) => {
            let millis = i64::try_from(a.millis().abs_diff(b.millis())).ok()?;
            Value::Duration(Duration::from_millis(millis))
        }
        _ => Value::Float((as_number(a)? - as_number(b)?).abs()),
    };
    (as_number(&gap) != Some(0.0)).then(|| say(&gap))
}

/// How far a value is from a target, from 0 (there) to 1 (as far as the target is from nothing, or
/// further); of values that are no numbers, 1.
pub(crate) fn distance(value: &Value, target: &Value) -> f64 {
    let (Some(a), Some(b)) = (as_number(value), as_number(target)) else { return 1.0 };
    let scale = a.abs().max(b.abs());
    if scale == 0.0 { 0.0 } else { ((a - b).abs() / scale).min(1.0) }
}

fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(value) => Some(*value as f64),
        Value::Float(value) => Some(*value),
        Value::Duration(value) => Some(value.millis() as f64),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortfalls_are_said_in_numbers() {
        let float = |number: f64| Value::Float(number);
        let say = |value: Value, comparison, target: Value| say_shortfall(&value, comparison, &target);
        assert_eq!(say(float(420.0), Comparison::Greater, float(500.0)), "420 of more than 500 (80 more)");
        assert_eq!(say(float(500.0), Comparison::Greater, Value::Int(500)), "500 of more than 500");
        assert_eq!(
            say(float(0.3), Comparison::GreaterOrEqual, float(0.1 + 0.3)),
            "0.3 of at least 0.4 (0.1 more)"
        );
        assert_eq!(say(Value::Int(5), Comparison::Less, Value::Int(3)), "5 instead of less than 3 (2 less)");
        let day = |days: i64| Value::Duration(Duration::from_millis(days * 86_400_000 + 1));
        assert_eq!(say(day(20), Comparison::Greater, day(30)), "20d of more than 30d (10d more)");
        assert_eq!(
            say(Value::string("silver"), Comparison::Equal, Value::string("gold")),
            "\"silver\" instead of \"gold\""
        );
    }

    #[test]
    fn lengths_are_said_by_their_largest_units() {
        assert_eq!(say_length(Duration::from_millis(20 * 86_400_000 + 3_600_000 + 61_001)), "20d1h");
        assert_eq!(say_length(Duration::from_millis(7_140_000)), "1h59m");
    }
}
