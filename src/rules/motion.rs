//! What moves with the clock: when it passes a threshold.
//!
//! Times and durations made of `now` move by the millisecond; decayed scores are halved in every
//! half-life. The instants found here are where a moving value has to be looked at again.

use crate::base::time::{Duration, Time};
use crate::model::value::Value;

/// The first instant at which the order of two linearly moving values may change: the one at which
/// their difference reaches zero, or the one after it is zero.
pub(crate) fn linear_crossing(a: &Value, slope_a: i64, b: &Value, slope_b: i64, now: Time) -> Time {
    let (Some(a), Some(b)) = (milliseconds(a), milliseconds(b)) else { return Time::NEVER };
    let difference = i128::from(a) - i128::from(b);
    let slope = i128::from(slope_a) - i128::from(slope_b);
    if slope == 0 || (difference != 0 && (difference > 0) == (slope > 0)) {
        return Time::NEVER;
    }
    // From a difference of zero, or at a fraction of a millisecond before it, the next one counts.
    let steps = (difference.abs() / slope.abs()).max(1);
    now + Duration::from_millis(i64::try_from(steps).unwrap_or(i64::MAX))
}

/// A time or a duration in milliseconds.
pub(crate) fn milliseconds(value: &Value) -> Option<i64> {
    match value {
        Value::Time(time) => Some(time.millis()),
        Value::Duration(duration) => Some(duration.millis()),
        _ => None,
    }
}

/// A decayed score as everybody sees it: to 45 binary digits, some 13 decimal ones. So a weight is the
/// score of its event at its own instant, and scores that are equal on paper tie.
pub(crate) fn rounded_score(score: f64) -> f64 {
    const DROPPED: u32 = 8;
    let half = 1 << (DROPPED - 1);
    f64::from_bits((score.to_bits() + half) >> DROPPED << DROPPED)
}

/// The least digit by which the scores of two items are told apart, as of the whole half-lives at the last event of
/// each: 2^-1000. Below it, terms of long ago underflow sooner or later, depending on when they came.
pub(crate) const LEAST_DIGIT: f64 = f64::from_bits((1023 - 1000) << 52);

/// A safe lower bound of the first instant at which a decaying `score` passes `threshold`.
///
/// `score * 2^(-t/h) = threshold` at `t = h * log2(score / threshold)`. Rounding shifts that by far
/// less than the two milliseconds taken off; close to the crossing the answer is the next millisecond,
/// so the crossing is found by evaluating, and is exact for the evaluated score.
pub(crate) fn decay_crossing(score: &Value, threshold: &Value, half_life: Duration, now: Time) -> Time {
    let (Some(score), Some(threshold)) = (number(score), number(threshold)) else { return Time::NEVER };
    let ratio = score / threshold;
    // Scores approach zero and never cross it, nor any threshold further from it than they are.
    if threshold.abs() < f64::MIN_POSITIVE || ratio.is_nan() || ratio < 1.0 {
        return Time::NEVER;
    }
    let halvings = match ratio.is_finite() {
        true => libm::log2(ratio),
        false => libm::log2(score.abs()) - libm::log2(threshold.abs()),
    };
    let exact = half_life.millis() as f64 * halvings;
    let steps = (libm::floor(exact) - 2.0).max(1.0);
    now + Duration::from_millis(steps as i64)
}

/// A number as a float.
pub(crate) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(value) => Some(*value as f64),
        Value::Float(value) => Some(*value),
        _ => None,
    }
}
