//! Any text is a script or is refused, and the same script prints the same lines.
//!
//! The input is a catalog, a line `---` and a script; without such a line it is a script for the catalog
//! of the world. Catalogs that a script names are those among the seeds.
#![no_main]

mod refusals;

use habitue::simulate::{Script, Simulation};
use libfuzzer_sys::fuzz_target;

const WORLD: &str = include_str!("../seeds/catalog/world.toml");
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/seeds/catalog");

fuzz_target!(|text: &str| {
    let (catalog, script) = text.split_once("\n---\n").unwrap_or((WORLD, text));
    // No file outside this folder may be read.
    if script.contains("\"/") || script.contains("..") || script.contains("\\u") {
        return;
    }
    if let Some(lines) = lines(catalog, script) {
        assert_eq!(Some(&lines), self::lines(catalog, script).as_ref());
        for line in lines {
            assert!(serde_json::from_str::<serde_json::Value>(&line).is_ok(), "{line}");
        }
    }
});

/// Everything that is printed for programs, or `None` if the catalog is refused.
fn lines(catalog: &str, script: &str) -> Option<Vec<String>> {
    let mut simulation = Simulation::new(refusals::compile(catalog)?);
    let script = Script::from_text(script, FOLDER);
    Some(simulation.run(&script).map(|answer| answer.to_json_line()).collect())
}
