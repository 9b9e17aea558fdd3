//! Any text is a message or is refused, and a message is what its JSON says.
#![no_main]

use habitue::Message;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match Message::parse(text) {
        Ok(message) => {
            let json = message.to_json();
            assert_eq!(Message::from_json(&json).as_ref(), Ok(&message));
            assert_eq!(Message::parse(&json.to_string()).as_ref(), Ok(&message));
        }
        Err(refusal) => {
            assert!(!refusal.to_string().is_empty());
        }
    }
});
