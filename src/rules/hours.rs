//! Times of the day on days of the week, as the clocks of a time zone show them.
//!
//! Where clocks go forward over a time that is named, it is the instant at which they do; where they go back
//! over it, the first of the two counts.

use crate::base::time::{Time, Zone};

/// The days of the week, from Monday on.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// Minutes of a day.
const DAY: u16 = 24 * 60;

/// Hours of the week.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Hours {
    /// From Monday on: on which days they begin.
    days: [bool; 7],
    /// Minutes of the day.
    from: u16,
    /// Minutes of the same day, or of the next one if that is not later.
    until: u16,
    zone: Zone,
}

impl Hours {
    /// The hours on `days`, such as `mon-fri` or `sat,sun`, from one time of the day until another.
    ///
    /// # Errors
    /// With what is wrong, if that cannot be read.
    pub(crate) fn new(days: &str, from: &str, until: &str, zone: Zone) -> Result<Hours, String> {
        let days = read_days(days)?;
        let (from, until) = (minute(from)?, minute(until)?);
        if from == DAY {
            return Err("a day ends with `24:00`, and begins with `00:00`".to_owned());
        }
        if from == until {
            return Err("no time is between the two: write `00:00` and `24:00` for a whole day".to_owned());
        }
        Ok(Hours { days, from, until, zone })
    }

    /// Whether `now` is in them, and the next instant at which that may change.
    pub(crate) fn at(&self, now: Time) -> (bool, Time) {
        let (mut is_in, mut next) = (false, Time::NEVER);
        // Those of yesterday may last until today, and those of today come again in a week.
        for day in -1..=8 {
            let Some((from, until)) = self.on(now, day) else { continue };
            is_in |= from <= now && now < until;
            next = [from, until].into_iter().filter(|edge| *edge > now).fold(next, Time::min);
        }
        (is_in, next)
    }

    /// The hours that begin so many days after the day of `now`, if there are any.
    fn on(&self, now: Time, day: i32) -> Option<(Time, Time)> {
        let (from, weekday) = self.zone.at_minute(now, day, self.from)?;
        let next = i32::from(self.until <= self.from);
        let (until, _) = match self.until {
            DAY => self.zone.at_minute(now, day + 1, 0)?,
            until => self.zone.at_minute(now, day + next, until)?,
        };
        self.days[weekday].then_some((from, until))
    }

    /// As a condition writes them: days, from, until, and the zone.
    pub(crate) fn texts(&self) -> [String; 4] {
        let days: Vec<&str> =
            DAYS.iter().zip(self.days).filter(|(_, is_on)| *is_on).map(|(day, _)| *day).collect();
        let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        [days.join(","), time(self.from), time(self.until), self.zone.name().to_owned()]
    }
}

/// Days, or first and last ones with a dash, with commas between; `daily` is all.
fn read_days(text: &str) -> Result<[bool; 7], String> {
    let mut days = [text.trim() == "daily"; 7];
    if days[0] {
        return Ok(days);
    }
    let day = |name: &str| {
        let place = DAYS.iter().position(|day| *day == name.trim().to_ascii_lowercase());
        place.ok_or_else(|| format!("`{}` is no day: write `mon-fri`, `sat,sun` or `daily`", name.trim()))
    };
    for part in text.split(',') {
        let (first, last) = match part.split_once('-') {
            Some((first, last)) => (day(first)?, day(last)?),
            None => (day(part)?, day(part)?),
        };
        // From Friday to Monday, over the end of the week.
        let many = (last + 7 - first) % 7 + 1;
        (first..first + many).for_each(|place| days[place % 7] = true);
    }
    Ok(days)
}

fn minute(text: &str) -> Result<u16, String> {
    let wrong = || format!("`{text}` is no time of the day, such as `09:00` or `24:00`");
    let (hours, minutes) = text.split_once(':').ok_or_else(wrong)?;
    let digits = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(hours) || !digits(minutes) {
        return Err(wrong());
    }
    let (hours, minutes): (u16, u16) =
        (hours.parse().map_err(|_| wrong())?, minutes.parse().map_err(|_| wrong())?);
    let minute = hours * 60 + minutes;
    if minutes < 60 && minute <= DAY { Ok(minute) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(days: &str, from: &str, until: &str) -> Hours {
        Hours::new(days, from, until, Zone::named("Europe/Helsinki").unwrap()).unwrap()
    }

    #[test]
    fn they_are_those_that_clocks_show() {
        for (days, from, until, at, is_in, next) in [
            // The 5th of January 2026 is a Monday; Helsinki is two hours ahead of UTC, in summer three.
            ("mon-fri", "09:00", "17:00", "2026-01-05T06:59:59.999Z", false, "2026-01-05T07:00:00Z"),
            ("mon-fri", "09:00", "17:00", "2026-01-05T07:00:00Z", true, "2026-01-05T15:00:00Z"),
            ("mon-fri", "09:00", "17:00", "2026-01-05T15:00:00Z", false, "2026-01-06T07:00:00Z"),
            ("mon-fri", "09:00", "17:00", "2026-01-09T15:00:00Z", false, "2026-01-12T07:00:00Z"),
            ("mon-fri", "09:00", "17:00", "2026-07-06T06:00:00Z", true, "2026-07-06T14:00:00Z"),
            ("mon", "09:00", "17:00", "2026-01-05T15:00:00Z", false, "2026-01-12T07:00:00Z"),
            // Over midnight, as of the day on which they begin.
            ("sat", "22:00", "02:00", "2026-01-10T23:59:00Z", true, "2026-01-11T00:00:00Z"),
            ("sat", "22:00", "02:00", "2026-01-11T00:00:00Z", false, "2026-01-17T20:00:00Z"),
            ("fri-mon", "00:00", "24:00", "2026-01-06T21:59:59Z", false, "2026-01-08T22:00:00Z"),
            // The clocks go from three to four on the 29th of March, and from four to three on the 25th of October.
            ("sun", "03:30", "05:00", "2026-03-29T01:29:59Z", false, "2026-03-29T01:30:00Z"),
            ("sun", "03:30", "05:00", "2026-10-25T00:30:00Z", true, "2026-10-25T03:00:00Z"),
        ] {
            let found = hours(days, from, until).at(Time::parse(at).unwrap());
            assert_eq!((found.0, found.1.to_string().as_str()), (is_in, next), "{days} {from} {until} {at}");
        }
    }

    #[test]
    fn they_are_read_as_they_are_written() {
        for (days, from, until, written) in [
            ("mon-fri", "09:00", "17:00", "mon,tue,wed,thu,fri 09:00 17:00"),
            ("Fri-mon", "00:00", "24:00", "mon,fri,sat,sun 00:00 24:00"),
            ("daily", "22:00", "06:00", "mon,tue,wed,thu,fri,sat,sun 22:00 06:00"),
        ] {
            let hours = hours(days, from, until);
            let [days, from, until, zone] = hours.texts();
            assert_eq!(format!("{days} {from} {until}"), written);
            assert_eq!(Hours::new(&days, &from, &until, Zone::named(&zone).unwrap()), Ok(hours));
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        for (days, from, until) in [
            ("", "09:00", "17:00"),
            ("monday", "09:00", "17:00"),
            ("mon-", "09:00", "17:00"),
            ("mon", "9:00", "17:00"),
            ("mon", "09:60", "17:00"),
            ("mon", "09:00", "24:01"),
            ("mon", "24:00", "02:00"),
            ("mon", "09:00", "09:00"),
        ] {
            let zone = Zone::named("UTC").unwrap();
            assert!(Hours::new(days, from, until, zone).is_err(), "{days} {from} {until}");
        }
    }
}
