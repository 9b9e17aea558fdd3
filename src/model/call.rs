//! What a call says beside who asks.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

/// What a call says beside who asks: where and how it asks, and which variants it wants to see.
///
/// The catalog declares under `[context]` what calls may say; conditions, scores and texts of offers read it as
/// `context.x`. It is used for the answer and not kept, unless the catalog says that exposures record it.
///
/// ```
/// use habitue::{Call, Catalog, Database};
///
/// let database = Database::in_memory(Catalog::from_toml(r#"
///     schema = 1
///     [context]
///     page = "string"
///     weather = "string"
///     [personalizations.hero]
///     fallback = { name = "welcome" }
///     [[personalizations.hero.offers]]
///     name = "umbrellas"
///     when = 'context.weather == "rain" && context.page != "checkout"'
/// "#)?);
/// let call = Call::new().with("page", "home").with("weather", "rain");
/// assert_eq!(database.decide_with("ana", "hero", &call)?.decision.name(), Some("umbrellas"));
/// assert_eq!(database.decide("ana", "hero")?.decision.name(), Some("welcome"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Call {
    context: Map<String, Json>,
    variants: BTreeMap<String, String>,
}

impl Call {
    /// A call that says nothing.
    pub fn new() -> Call {
        Call::default()
    }

    /// A call that says what the entries of a JSON object say.
    pub fn of(context: Map<String, Json>) -> Call {
        Call { context, variants: BTreeMap::new() }
    }

    /// Says something; `null` is to say nothing of it.
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Json>) -> Call {
        self.context.insert(name.into(), value.into());
        self
    }

    /// Wants to see a variant of an experiment, whoever asks and whether she takes part or not: to try what it
    /// looks like. For this call alone; conditions inside `held` do not see it.
    pub fn with_variant(mut self, experiment: impl Into<String>, variant: impl Into<String>) -> Call {
        self.variants.insert(experiment.into(), variant.into());
        self
    }

    /// What it says, by name.
    pub fn context(&self) -> &Map<String, Json> {
        &self.context
    }

    /// The variants it wants to see, by their experiments.
    pub fn variants(&self) -> &BTreeMap<String, String> {
        &self.variants
    }
}
