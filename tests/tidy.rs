//! The rules of the house that a compiler does not check: which folder may know which, and that a
//! stranger finds every file small and explained.

#![expect(clippy::unwrap_used, reason = "a test stops when it is wrong")]

use std::fs;
use std::path::{Path, PathBuf};

/// The layers, lowest first: a folder may import only itself and what stands before it.
const LAYERS: [&str; 11] =
    ["base", "model", "catalog", "rules", "facts", "crowd", "derived", "engine", "store", "persist", "db"];
/// Layers that must not know each other although one stands above: `db` joins them.
const STRANGERS: [(&str, &str); 1] = [("persist", "store")];
/// Most lines of code of one file, comments, blank lines and unit tests not counted.
const MAX_LINES: usize = 400;

struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    /// The file without its unit tests.
    fn code(&self) -> &str {
        self.text.split("#[cfg(test)]\nmod tests").next().unwrap_or("")
    }

    fn layer(&self) -> Option<usize> {
        let folder = self.path.strip_prefix("src").ok()?.components().next()?;
        LAYERS.iter().position(|layer| folder.as_os_str() == *layer)
    }
}

fn sources(root: &str) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(root)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(Source { text: fs::read_to_string(&path).unwrap(), path });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!found.is_empty(), "there is source code in {root}");
    found
}

fn report(broken: &[String]) {
    assert!(broken.is_empty(), "{} findings:\n{}", broken.len(), broken.join("\n"));
}

/// The folders named by `crate::folder` paths of a piece of code.
fn imports(code: &str) -> impl Iterator<Item = &str> {
    code.lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(|line| {
        line.split("crate::").skip(1).map(|path| {
            path.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').next().unwrap_or("")
        })
    })
}

#[test]
fn arrows_point_down() {
    let mut broken = Vec::new();
    for source in sources("src") {
        let Some(layer) = source.layer() else { continue };
        for import in imports(source.code()) {
            if STRANGERS.contains(&(LAYERS[layer], import)) {
                broken.push(format!("{} imports `{import}`, which it must not know", source.path.display()));
            }
            match LAYERS.iter().position(|known| *known == import) {
                Some(imported) if imported <= layer => {}
                Some(_) => broken.push(format!("{} imports the higher `{import}`", source.path.display())),
                None => {
                    broken.push(format!("{} imports `{import}`, which is no layer", source.path.display()));
                }
            }
        }
    }
    report(&broken);
}

#[test]
fn an_upward_arrow_would_be_found() {
    let code = "use crate::base::time::Time;\nfn f() { crate::db::open() }\n// crate::nothing\n";
    assert_eq!(imports(code).collect::<Vec<_>>(), ["base", "db"]);
}

#[test]
fn every_folder_is_a_layer() {
    let folders =
        fs::read_dir("src").unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let unknown: Vec<String> = folders
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .filter(|name| name != "bin" && !LAYERS.contains(&name.as_str()))
        .collect();
    report(&unknown);
}

#[test]
fn every_file_says_what_it_is() {
    let mut broken = Vec::new();
    for root in ["src", "tests", "benches"] {
        for source in sources(root) {
            if !source.text.starts_with("//! ") {
                broken.push(format!("{} has no `//!` header", source.path.display()));
            }
        }
    }
    report(&broken);
}

#[test]
fn files_are_small() {
    let mut broken = Vec::new();
    for source in sources("src").iter().filter(|source| !source.path.ends_with("tests.rs")) {
        let counts = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
        let lines = source.code().lines().filter(counts).count();
        if lines > MAX_LINES {
            broken
                .push(format!("{} has {lines} lines of code, more than {MAX_LINES}", source.path.display()));
        }
    }
    report(&broken);
}

#[test]
fn module_files_hold_no_logic() {
    let mut broken = Vec::new();
    for source in sources("src").iter().filter(|source| source.path.ends_with("mod.rs")) {
        if source.code().lines().any(|line| line.trim_start().starts_with("fn ") || line.contains(" fn ")) {
            broken.push(format!("{} holds a function", source.path.display()));
        }
    }
    report(&broken);
}

#[test]
fn outside_crates_are_named_in_one_file() {
    let homes = [
        ("cel::", "src/rules/cel.rs"),
        ("minijinja::", "src/rules/template.rs"),
        ("jiff::", "src/base/time.rs"),
        ("toml::", "src/catalog/toml_text.rs"),
        ("jsonc_parser::", "src/catalog/json_text.rs"),
        ("strsim::", "src/base/names.rs"),
        ("xxhash_rust::", "src/base/frozen_hash.rs"),
        ("blake3::", "src/base/keyed_hash.rs"),
        ("getrandom::", "src/base/keyed_hash.rs"),
        ("lz4_flex::", "src/persist/block_file/compression.rs"),
        ("sled::", "src/persist/live/tree.rs"),
        ("arc_swap::", "src/base/sync.rs"),
        ("boxcar::", "src/store/choices.rs"),
        ("crossbeam_channel::", "src/db/subscribing/stream.rs"),
        ("bytemuck::", "src/base/sync.rs"),
    ];
    let mut broken = Vec::new();
    // The command line is a crate of its own, and shows its report by a template.
    let library = sources("src").into_iter().filter(|source| !source.path.starts_with("src/bin"));
    for source in library {
        for (crate_name, home) in homes {
            let names = |line: &str| line.trim_start().starts_with(&format!("use {crate_name}"));
            if source.code().lines().any(names) && source.path != Path::new(home) {
                broken.push(format!("{} names `{crate_name}`, which lives in {home}", source.path.display()));
            }
        }
    }
    report(&broken);
}

#[test]
fn nothing_is_left_undone() {
    let marks = ["todo!(", "unimplemented!(", "#[ignore", "FIXME", "XXX"];
    let mut broken = Vec::new();
    for source in sources("src") {
        for mark in marks.iter().filter(|mark| source.text.contains(*mark)) {
            broken.push(format!("{} holds `{mark}`", source.path.display()));
        }
    }
    report(&broken);
}
