//! Any text is a catalog or is refused with places and words.
#![no_main]

mod refusals;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    refusals::compile(text);
});
