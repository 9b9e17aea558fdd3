//! A small shop: its catalog, and a folder for its database.

#[path = "folder.rs"]
mod folder;

pub(crate) use folder::Folder;
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

/// The catalog.
pub(crate) fn catalog() -> Catalog {
    Catalog::from_toml(CATALOG).expect("the catalog of the story is right")
}
