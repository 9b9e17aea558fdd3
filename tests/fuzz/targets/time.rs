//! A time or duration that can be read is printed so that it reads back as the same one.
#![no_main]

use habitue::{Duration, Time};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(time) = Time::parse(text) {
        assert_eq!(Time::parse(&time.to_string()), Ok(time));
        assert_eq!(Time::from_millis(time.millis()), Ok(time));
    }
    if let Ok(duration) = Duration::parse(text) {
        assert!(duration > Duration::ZERO && duration <= Duration::MAX);
        assert_eq!(Duration::parse(&duration.to_string()), Ok(duration));
    }
});
