//! Every bound of the system, named, with its unit and reason, in one place.

use super::time::Duration;

/// Longest condition, score or computed attribute, bytes. Longer ones are lists in disguise: use a
/// static segment or `in`.
pub(crate) const MAX_CONDITION_BYTES: usize = 8 * 1024;
/// Deepest nesting of a condition, levels. Keeps every recursive walk over it far from the stack's end.
pub(crate) const MAX_CONDITION_DEPTH: usize = 64;
/// Most nodes of one condition after computed attributes are put in their places.
pub(crate) const MAX_CONDITION_NODES: usize = 4_096;
/// Most nodes of conditions and scores that one personalization evaluates at a call.
pub(crate) const MAX_CALL_NODES: usize = 4_096;
/// Deepest nesting of windows that begin or end at a time of other events, levels.
pub(crate) const MAX_WINDOW_DEPTH: usize = 8;
/// Longest pattern of `matches`, bytes.
pub(crate) const MAX_PATTERN_BYTES: usize = 512;
/// Largest catalog file, bytes.
pub(crate) const MAX_CATALOG_BYTES: usize = 64 * 1024 * 1024;
/// Most rows of a score.
pub(crate) const MAX_SCORE_ROWS: usize = 200;
/// Most parts of a quantile.
pub(crate) const MAX_QUANTILE_PARTS: u32 = 100;
/// Most bytes of ids in all published lists together.
pub(crate) const MAX_PUBLISHED_BYTES: usize = 128 * 1024 * 1024;
/// Most attributes, events, properties of one event, or offers of one personalization.
pub(crate) const MAX_DECLARATIONS: usize = 10_000;
/// Most segments or personalizations of a catalog.
pub(crate) const MAX_DEFINITIONS: usize = 200_000;
/// Longest name of anything declared, bytes.
pub(crate) const MAX_NAME_BYTES: usize = 256;
/// Largest message, bytes of JSON (Segment's own limit).
pub(crate) const MAX_MESSAGE_BYTES: usize = 32 * 1024;
/// Longest user id, anonymous id or message id, bytes.
pub(crate) const MAX_ID_BYTES: usize = 256;
/// Most identifiers of one profile; what would exceed it is another profile's.
pub(crate) const MAX_IDENTIFIERS: usize = 1_000;
/// Deepest nesting of a property or trait, levels.
pub(crate) const MAX_VALUE_DEPTH: usize = 16;
/// Largest magnitude of a float: 2^1000. A sum of 2^23 of them is still finite.
pub(crate) const MAX_FLOAT: f64 = 1.071_508_607_186_267_3e301;
/// Most log entries that one aggregate keeps for one profile, unless the catalog says otherwise.
pub(crate) const DEFAULT_ENTRIES_PER_AGGREGATE: u32 = 10_000;
/// Most entries a catalog may ask for.
pub(crate) const MAX_ENTRIES_PER_AGGREGATE: u32 = 1_000_000;
/// Most days of a calendar window: ten years and some.
pub(crate) const MAX_CALENDAR_DAYS: u16 = 3_660;
/// Most exposures that a cap may allow; each is an entry that its aggregate keeps.
pub(crate) const MAX_EXPOSURES: u32 = 1_000;
/// Largest stock of an offer.
pub(crate) const MAX_STOCK: u64 = 1_000_000_000_000;
/// Most values that `values(p, n)` may ask for.
pub(crate) const MAX_LISTED_VALUES: i64 = 1_000;
/// How far ahead of the clock a message may be, unless the catalog says otherwise.
pub(crate) const DEFAULT_MAX_SKEW: Duration = Duration::from_millis(5 * 60_000);
/// How much longer than its windows reach back a catalog keeps messages, unless it says otherwise: 400 days.
pub(crate) const DEFAULT_HISTORY_MARGIN: Duration = Duration::from_millis(400 * 86_400_000);
/// Longest template of an offer, bytes.
pub(crate) const MAX_TEMPLATE_BYTES: usize = 16 * 1024;
/// Steps that rendering one template may take.
pub(crate) const MAX_TEMPLATE_FUEL: u64 = 100_000;
/// Longest text that a template may produce, bytes.
pub(crate) const MAX_RENDERED_BYTES: usize = 64 * 1024;
/// Largest record of the journal, bytes. A record is held in memory whole, twice while it is written.
pub(crate) const MAX_RECORD_BYTES: usize = 256 * 1024 * 1024;
/// Smallest segment of the journal, bytes: the header's page and one more.
pub(crate) const MIN_SEGMENT_BYTES: u64 = 8 * 1024;
/// Most appended bytes that wait to be written, before appending waits. One record may exceed it.
pub(crate) const MAX_UNWRITTEN_BYTES: usize = 4 * 1024 * 1024;
/// Most emptied segments of the journal that are kept for use.
pub(crate) const MAX_SPARE_SEGMENTS: usize = 2;
/// Longest key of a block file, bytes.
pub(crate) const MAX_BLOCK_KEY_BYTES: usize = 16 * 1024;
/// Least and greatest magnitude of a weight that an affinity gives to an event. Counts times these are finite.
pub(crate) const LEAST_AFFINITY_WEIGHT: f64 = 0.000_001;
pub(crate) const MAX_AFFINITY_WEIGHT: f64 = 1_000_000.0;
/// Most items that a context of a crowd keeps, and how many unless the catalog says otherwise.
pub(crate) const MAX_CROWD_KEEP: u32 = 4_096;
pub(crate) const DEFAULT_CROWD_KEEP: u32 = 512;
/// Most contexts of a crowd, and how many unless the catalog says otherwise.
pub(crate) const MAX_CROWD_CONTEXTS: u32 = 100_000;
pub(crate) const DEFAULT_CROWD_CONTEXTS: u32 = 1_000;
/// Most items of which it is kept what came together with them, and how many unless the catalog says otherwise.
pub(crate) const MAX_CROWD_ITEMS: u32 = 1_000_000;
pub(crate) const DEFAULT_CROWD_ITEMS: u32 = 10_000;
/// From how many customers a list of a crowd has to come: the least that a catalog may ask for, and the most.
pub(crate) const LEAST_CROWD_PEOPLE: u32 = 20;
pub(crate) const MAX_CROWD_PEOPLE: u32 = 200;
/// Shortest half-life of a crowd. Weights of shorter ones would lose digits (`crowd/weight.rs`).
pub(crate) const LEAST_CROWD_HALF_LIFE: Duration = Duration::from_millis(3_600_000);
