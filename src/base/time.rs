//! Instants and durations, both whole milliseconds, and their two text forms.
//!
//! Everything a rule sees is event time in UTC, so one `i64` is enough and no zone, month or leap
//! second is involved: a day is always 24 hours, but for windows of calendar days, which name their
//! [`Zone`]. RFC 3339 text and zones are `jiff`'s; durations have their own small grammar (`60s`,
//! `1d12h`) because ISO 8601 ones carry months.
//!
//! Invariants:
//! 1. A [`Time`] made by [`Time::parse`] or [`Time::from_millis`] lies in the years 0001 to 9999,
//!    so it can always be printed and sums with any accepted [`Duration`] do not overflow.
//! 2. A [`Duration`] made by [`Duration::parse`] is positive and at most [`Duration::MAX`].

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{Add, Sub};
use std::sync::Arc;

use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::{Serialize, Serializer};

/// An instant: milliseconds since the Unix epoch, UTC.
///
/// ```
/// use habitue::Time;
/// let time = Time::parse("2026-01-01T09:00:00Z")?;
/// assert_eq!(time.millis(), 1_767_258_000_000);
/// assert_eq!(time.to_string(), "2026-01-01T09:00:00Z");
/// # Ok::<(), habitue::TimeError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(i64);

/// A length of time: whole milliseconds, written `90m`, `24h`, `7d`, `2w` or a sum such as `1d12h`.
///
/// ```
/// use habitue::Duration;
/// assert_eq!(Duration::parse("1d12h")?.millis(), 36 * 3_600_000);
/// assert_eq!(Duration::parse("36h")?.to_string(), "1d12h");
/// # Ok::<(), habitue::TimeError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Duration(i64);

/// Why a text or number is not a time or a duration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeError(String);

impl fmt::Display for TimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TimeError {}

/// Name and length in milliseconds of each duration unit, longest first, as they are printed.
const UNITS: [(&str, i64); 6] =
    [("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

impl Time {
    /// The first instant that can be named: `0001-01-01T00:00:00Z`.
    pub const MIN: Time = Time(-62_135_596_800_000);
    /// The last instant that can be named: `9999-12-31T23:59:59.999Z`, less the day `jiff` reserves.
    pub const MAX: Time = Time(253_402_207_200_000);
    /// Later than every instant: the deadline of what never changes by itself.
    pub const NEVER: Time = Time(i64::MAX);
    /// Earlier than every instant.
    pub const BEFORE_ALL: Time = Time(i64::MIN);

    /// The instant `millis` milliseconds after the Unix epoch.
    ///
    /// # Errors
    /// If it lies outside the years 0001 to 9999.
    pub fn from_millis(millis: i64) -> Result<Time, TimeError> {
        let time = Time(millis);
        if (Time::MIN..=Time::MAX).contains(&time) {
            Ok(time)
        } else {
            Err(TimeError(format!("{millis} ms is outside the years 0001 to 9999")))
        }
    }

    /// An instant known to be in range, for arithmetic on accepted times.
    pub(crate) const fn from_raw(millis: i64) -> Time {
        Time(millis)
    }

    /// Reads RFC 3339 text; a zone offset is required, fractions below a millisecond are cut.
    ///
    /// # Errors
    /// If the text is not RFC 3339 or out of range.
    pub fn parse(text: &str) -> Result<Time, TimeError> {
        let stamp: Timestamp = text.parse().map_err(|_| {
            TimeError(format!("`{text}` is not an RFC 3339 time, such as `2026-01-01T09:00:00Z`"))
        })?;
        Time::from_millis(stamp.as_nanosecond().div_euclid(1_000_000) as i64)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// The time from `earlier` to `self`; negative if `earlier` is later.
    pub const fn since(self, earlier: Time) -> Duration {
        Duration(self.0.saturating_sub(earlier.0))
    }
}

/// How times are written in a file: by default in RFC 3339, or as epoch milliseconds.
///
/// ```
/// use habitue::{Time, TimeFormat};
///
/// let format = TimeFormat::new(Some("%d.%m.%Y %H:%M"), Some("Europe/Helsinki"))?;
/// assert_eq!(format.parse("24.12.2025 18:00")?, Time::parse("2025-12-24T16:00:00Z")?);
/// assert!(TimeFormat::new(Some("%d.%m.%Y"), None).is_err(), "whose day it is has to be said");
/// # Ok::<(), habitue::TimeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct TimeFormat {
    written: Written,
    /// Of what is written without an offset.
    zone: Option<Zone>,
}

#[derive(Clone, Debug)]
enum Written {
    /// RFC 3339, or with a zone also without an offset, or epoch milliseconds.
    Standard,
    EpochSeconds,
    Pattern(String),
}

impl TimeFormat {
    /// Times written as `format` says: `s` or `ms` since the Unix epoch, or fields as `strptime` has them
    /// (`%Y-%m-%d %H:%M:%S`); if nothing is said, RFC 3339. What is written without an offset is of `zone`: what
    /// clocks show twice is the first, what they go over is that much later.
    ///
    /// # Errors
    /// If there is no such zone, or the format cannot say an instant.
    pub fn new(format: Option<&str>, zone: Option<&str>) -> Result<TimeFormat, TimeError> {
        let zone = match zone {
            Some(name) => {
                Some(Zone::named(name).ok_or_else(|| TimeError(format!("there is no time zone `{name}`")))?)
            }
            None => None,
        };
        let written = match format {
            None | Some("ms") => Written::Standard,
            Some("s") => Written::EpochSeconds,
            Some(pattern) => Written::Pattern(pattern.to_owned()),
        };
        let format = TimeFormat { written, zone };
        if let Written::Pattern(pattern) = &format.written {
            let sample = Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
            let sample = strtime::format(pattern, &sample)
                .map_err(|error| TimeError(format!("`{pattern}` is no format of times: {error}")))?;
            format.parse(&sample)?;
        }
        Ok(format)
    }

    /// Reads a time.
    ///
    /// # Errors
    /// If the text is not written so, or is out of range.
    pub fn parse(&self, text: &str) -> Result<Time, TimeError> {
        match &self.written {
            Written::Standard => match text.parse() {
                Ok(millis) => Time::from_millis(millis),
                Err(_) => Time::parse(text).or_else(|error| match text.parse() {
                    Ok(shown) => self.shown(shown, text),
                    Err(_) => Err(error),
                }),
            },
            Written::EpochSeconds => {
                let seconds: f64 =
                    text.parse().map_err(|_| TimeError(format!("`{text}` is not a number of seconds")))?;
                Time::from_millis((seconds * 1_000.0).floor() as i64)
            }
            Written::Pattern(pattern) => {
                let wrong = |_| TimeError(format!("`{text}` is not a time as `{pattern}` has it"));
                let fields = BrokenDownTime::parse(pattern, text).map_err(wrong)?;
                if let Ok(stamp) = fields.to_timestamp() {
                    return Time::from_millis(stamp.as_millisecond());
                }
                let shown = fields.to_datetime().or_else(|_| fields.to_date().map(DateTime::from));
                self.shown(shown.map_err(wrong)?, text)
            }
        }
    }

    /// When clocks of the zone show a time.
    fn shown(&self, shown: DateTime, text: &str) -> Result<Time, TimeError> {
        let Some(zone) = &self.zone else {
            return Err(TimeError(format!("`{text}` has no offset: say its time zone, such as `UTC`")));
        };
        let zoned = shown.to_zoned(zone.zone.clone());
        let zoned = zoned.map_err(|_| TimeError(format!("`{text}` is outside the years 0001 to 9999")))?;
        Time::from_millis(zoned.timestamp().as_millisecond())
    }
}

/// A time zone of the IANA database, which is compiled in: its days begin at the same instants on every
/// device. Equal to another of the same name.
#[derive(Clone)]
pub(crate) struct Zone {
    name: Arc<str>,
    zone: TimeZone,
}

impl Zone {
    /// The zone of that name, such as `Europe/Helsinki`.
    pub(crate) fn named(name: &str) -> Option<Zone> {
        let zone = TimeZone::get(name).ok()?;
        Some(Zone { name: zone.iana_name().unwrap_or(name).into(), zone })
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The first instant of the day, in this zone, that is so many days after the day of `time`: before it if
    /// negative. A day that begins in a gap begins after it. Of times that no calendar knows, the time itself.
    pub(crate) fn begin_of_day(&self, time: Time, days: i32) -> Time {
        let begin = || {
            let begin = self.day(time, days)?.to_zoned(self.zone.clone()).ok()?.start_of_day().ok()?;
            Some(Time(begin.timestamp().as_millisecond()))
        };
        begin().unwrap_or(time)
    }

    /// The instant at which clocks show a minute of the day that is so many days after the day of `time`, and
    /// that day's place in the week, from Monday on; nothing of times that no calendar knows. What clocks go
    /// over is when they do; of what they show twice, it is the first.
    pub(crate) fn at_minute(&self, time: Time, days: i32, minute: u16) -> Option<(Time, usize)> {
        let day = self.day(time, days)?;
        let at = day.at((minute / 60) as i8, (minute % 60) as i8, 0, 0).to_zoned(self.zone.clone()).ok()?;
        let weekday = day.weekday().to_monday_zero_offset() as usize;
        Some((Time(at.timestamp().as_millisecond()), weekday))
    }

    /// The hour that clocks show, 0 to 23; 0 at times that no calendar knows.
    pub(crate) fn hour(&self, time: Time) -> u8 {
        let stamp = Timestamp::from_millisecond(time.0).ok();
        stamp.map_or(0, |stamp| stamp.to_zoned(self.zone.clone()).hour().unsigned_abs())
    }

    /// The day, in this zone, that is so many days after the day of `time`.
    fn day(&self, time: Time, days: i32) -> Option<Date> {
        let day = Timestamp::from_millisecond(time.0).ok()?.to_zoned(self.zone.clone()).date();
        day.checked_add(Span::new().try_days(days).ok()?).ok()
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({})", self.name)
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Zone) -> bool {
        self.name == other.name
    }
}

impl Eq for Zone {}

impl Hash for Zone {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl Duration {
    /// No time at all.
    pub const ZERO: Duration = Duration(0);
    /// One millisecond, the smallest step there is.
    pub const MILLISECOND: Duration = Duration(1);
    /// The longest duration that can be written: 1,000 years of 365 days.
    pub const MAX: Duration = Duration(1_000 * 365 * 86_400_000);

    /// A duration of `millis` milliseconds, which may be negative.
    pub const fn from_millis(millis: i64) -> Duration {
        Duration(millis)
    }

    /// Reads `60s`, `90m`, `24h`, `7d`, `2w`, `250ms`, or a sum of such parts: `1d12h`.
    ///
    /// # Errors
    /// If the text has another form, is zero, or is longer than [`Duration::MAX`].
    pub fn parse(text: &str) -> Result<Duration, TimeError> {
        let wrong = || {
            TimeError(format!(
                "`{text}` is not a duration, such as `60s`, `90m`, `24h`, `7d`, `2w` or `1d12h`"
            ))
        };
        let mut rest = text;
        let mut total: i64 = 0;
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, tail) = rest.split_at(digits);
            let letters = tail.bytes().take_while(u8::is_ascii_alphabetic).count();
            let (unit, tail) = tail.split_at(letters);
            let number: i64 = number.parse().map_err(|_| wrong())?;
            let (_, length) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
            let part = number.checked_mul(*length).ok_or_else(wrong)?;
            total = total.checked_add(part).ok_or_else(wrong)?;
            rest = tail;
        }
        if total == 0 {
            return Err(wrong());
        }
        if total > Duration::MAX.0 {
            return Err(TimeError(format!("`{text}` is longer than 1,000 years")));
        }
        Ok(Duration(total))
    }

    /// Whole milliseconds.
    pub const fn millis(self) -> i64 {
        self.0
    }
}

/// Saturates at [`Time::NEVER`], which stays never.
impl Add<Duration> for Time {
    type Output = Time;
    fn add(self, duration: Duration) -> Time {
        Time(self.0.saturating_add(duration.0))
    }
}

impl Sub<Duration> for Time {
    type Output = Time;
    fn sub(self, duration: Duration) -> Time {
        Time(self.0.saturating_sub(duration.0))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Timestamp::from_millisecond(self.0) {
            Ok(stamp) => stamp.fmt(f),
            Err(_) if self.0 > 0 => f.write_str("never"),
            Err(_) => f.write_str("before all"),
        }
    }
}

/// As RFC 3339 text.
impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        if self.0 < 0 {
            f.write_str("-")?;
        }
        let mut rest = self.0.unsigned_abs();
        for (name, length) in UNITS {
            let length = length.unsigned_abs();
            // Weeks are written only alone: `7d` reads better than `1w`, `2w` better than `14d`.
            let weeks_apart = name == "w" && (!rest.is_multiple_of(length) || rest == length);
            if rest >= length && !weeks_apart {
                write!(f, "{}{name}", rest / length)?;
                rest %= length;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written() {
        for (text, millis, printed) in [
            ("60s", 60_000, "1m"),
            ("90m", 5_400_000, "1h30m"),
            ("24h", 86_400_000, "1d"),
            ("7d", 604_800_000, "7d"),
            ("2w", 1_209_600_000, "2w"),
            ("30d", 2_592_000_000, "30d"),
            ("1d12h", 129_600_000, "1d12h"),
            ("1ms", 1, "1ms"),
            ("1m1ms", 60_001, "1m1ms"),
        ] {
            let duration = Duration::parse(text).unwrap();
            assert_eq!(duration.millis(), millis, "{text}");
            assert_eq!(duration.to_string(), printed, "{text}");
            assert_eq!(Duration::parse(printed).unwrap(), duration, "{text}");
        }
        assert_eq!(Duration::from_millis(-1_500).to_string(), "-1s500ms");
        assert_eq!(Duration::ZERO.to_string(), "0s");
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in
            ["", "0s", "5", "h", "1y", "1mo", "-1s", "1.5h", "1 h", "1001000d", "99999999999999999999s"]
        {
            assert!(Duration::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_read_to_the_millisecond() {
        assert_eq!(Time::parse("1970-01-01T00:00:00.0019Z").unwrap().millis(), 1);
        assert_eq!(Time::parse("1969-12-31T23:59:59.9999Z").unwrap().millis(), -1);
        assert_eq!(Time::parse("2026-01-01T11:00:00+02:00").unwrap().to_string(), "2026-01-01T09:00:00Z");
        for text in ["2026-01-01", "2026-01-01T09:00:00", "yesterday", "", "2026-13-01T00:00:00Z"] {
            assert!(Time::parse(text).is_err(), "{text}");
        }
        assert!(Time::from_millis(i64::MAX).is_err());
        assert_eq!(Time::MAX.to_string().parse::<Timestamp>().unwrap().as_millisecond(), Time::MAX.millis());
        assert_eq!(Time::MIN.to_string(), "0001-01-01T00:00:00Z");
        assert_eq!(Time::NEVER.to_string(), "never");
    }

    /// Days of 23 and 25 hours, one that begins at one o'clock, and one that never was.
    #[test]
    fn days_begin_where_the_zone_says() {
        for (zone, time, days, expected) in [
            ("UTC", "2026-01-10T09:00:00Z", 0, "2026-01-10T00:00:00Z"),
            ("Europe/Helsinki", "2026-01-10T21:59:59.999Z", 0, "2026-01-09T22:00:00Z"),
            ("Europe/Helsinki", "2026-01-10T22:00:00Z", 0, "2026-01-10T22:00:00Z"),
            ("Europe/Helsinki", "2026-03-29T12:00:00Z", 0, "2026-03-28T22:00:00Z"),
            ("Europe/Helsinki", "2026-03-29T12:00:00Z", 1, "2026-03-29T21:00:00Z"),
            ("Europe/Helsinki", "2026-10-25T12:00:00Z", 1, "2026-10-25T22:00:00Z"),
            ("Europe/Helsinki", "2026-10-25T12:00:00Z", -6, "2026-10-18T21:00:00Z"),
            ("America/Sao_Paulo", "2018-11-04T12:00:00Z", 0, "2018-11-04T03:00:00Z"),
            ("Pacific/Apia", "2011-12-29T12:00:00Z", 1, "2011-12-30T10:00:00Z"),
        ] {
            let begin = Zone::named(zone).unwrap().begin_of_day(Time::parse(time).unwrap(), days);
            assert_eq!(begin.to_string(), expected, "{zone} {time} {days}");
        }
        assert!(Zone::named("Europe/Helsinky").is_none());
        let never = Zone::named("UTC").unwrap().begin_of_day(Time::NEVER, 1);
        assert_eq!(never, Time::NEVER);
    }
}
