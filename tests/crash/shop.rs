//! A small shop: its catalog, and a folder for its database.

use std::path::{Path, PathBuf};

use habitue::Catalog;

/// The catalog as text.
pub(crate) const CATALOG: &str = r#"
    schema = 1
    [attributes]
    tier = "string"
    points = "int"
    [events."Product Viewed"]
    category = "string"
    [events."Order Completed"]
    total = "float"
    [computed]
    spent = 'events("Order Completed").within("30d").sum(total)'
    favourite = 'events("Product Viewed").top(category)'
    [segments]
    buyer = 'spent > 50.0'
    lapsed = 'now - events("Order Completed").last() > duration("30d")'
    viewer = 'events("Product Viewed").within("24h").count() >= 2'
    gold = 'tier == "gold" && !lapsed'
    [personalizations.home]
    fallback = { name = "hello" }
    [[personalizations.home.offers]]
    name = "thanks"
    when = 'buyer'
    text = "Thank you, {{ tier | default('guest') }}"
"#;

/// A folder of the test's own, removed when the test passes.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// A folder that does not exist yet.
    pub(crate) fn new(name: &str) -> Folder {
        // It is processes that end here, and files that are damaged, but no machine: memory will do.
        let memory = Path::new("/dev/shm");
        let above = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let path = above.join(format!("habitue-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Folder(path)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

/// The catalog.
pub(crate) fn catalog() -> Catalog {
    Catalog::from_toml(CATALOG).expect("the catalog of the story is right")
}
