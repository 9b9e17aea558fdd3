//! The year of the sample: its weeks and months, and how days are written for people.

use habitue::{Duration, Time};

/// Seven days.
pub(super) const WEEK: Duration = Duration::from_millis(7 * 86_400_000);

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The first instant of the year.
pub(super) fn start() -> Time {
    midnight(2017, 1)
}

/// The instant at which the year is over.
pub(super) fn end() -> Time {
    midnight(2018, 1)
}

/// Each month with its short name, first instant, and end.
pub(super) fn months() -> impl Iterator<Item = (&'static str, Time, Time)> {
    let ends = (2..=12).map(|month| midnight(2017, month)).chain([end()]);
    MONTHS.iter().zip(1..).zip(ends).map(|((name, month), end)| (*name, midnight(2017, month), end))
}

/// Where in the year `time` lies: 0 at its start, 1 at its end, and not beyond.
pub(super) fn share_of_year(time: Time) -> f64 {
    let passed = time.since(start()).millis() as f64 / end().since(start()).millis() as f64;
    passed.clamp(0.0, 1.0)
}

/// A day for people, such as `12 Mar 2017`.
pub(super) fn day(time: Time) -> String {
    let text = time.to_string();
    let mut parts = text.split(['-', 'T']);
    let (year, month, day) = (parts.next(), parts.next(), parts.next());
    let name = month.and_then(|month| month.parse::<usize>().ok()).and_then(|month| MONTHS.get(month - 1));
    match (year, name, day) {
        (Some(year), Some(name), Some(day)) => format!("{} {name} {year}", day.trim_start_matches('0')),
        _ => text,
    }
}

fn midnight(year: i32, month: u32) -> Time {
    Time::parse(&format!("{year}-{month:02}-01T00:00:00Z"))
        .expect("a year, a month and a first day are a time")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_written_for_people() {
        assert_eq!(day(start()), "1 Jan 2017");
        assert_eq!(day(Time::parse("2017-11-30T23:59:59Z").unwrap()), "30 Nov 2017");
        assert_eq!(day(Time::NEVER), "never");
    }

    #[test]
    fn months_fill_the_year() {
        let months: Vec<_> = months().collect();
        assert_eq!(months.len(), 12);
        assert_eq!((months[0].1, months[11].2), (start(), end()));
        assert!(months.windows(2).all(|pair| pair[0].2 == pair[1].1));
    }
}
