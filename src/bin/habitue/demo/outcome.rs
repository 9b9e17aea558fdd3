//! All that the demo found out, as plain data: printed for people, as JSON, and as a page from this.

use habitue::{CatalogSummary, Cause, Time};
use serde::Serialize;

use super::calendar::day;
use super::catalog_text::SegmentText;
use super::customers::Customer;
use super::latency::{Latency, Lookups};
use super::restart::Restart;
use super::year::Year;

/// The week whose sizes stand for the start of the year: in the first days nobody is known.
const FIRST_WEEK: usize = 4;

/// What the demo found out.
#[derive(Serialize)]
pub(super) struct Outcome {
    /// What the catalog holds, as the library counts it.
    pub(super) catalog: CatalogSummary,
    pub(super) messages: usize,
    pub(super) orders: usize,
    pub(super) households: usize,
    pub(super) refused: Vec<String>,
    /// Wall time of the whole replay, with the making of messages and the weekly readings.
    pub(super) replay_seconds: f64,
    /// Messages divided by the time inside `apply` only.
    pub(super) messages_per_second: f64,
    pub(super) transitions: Transitions,
    /// The days of the weekly readings.
    pub(super) weeks: Vec<String>,
    #[serde(skip)]
    pub(super) week_times: Vec<Time>,
    /// In the order of the catalog's text.
    pub(super) segments: Vec<SegmentYear>,
    pub(super) customers: Vec<Customer>,
    pub(super) apply: Latency,
    pub(super) lookups: Lookups,
    pub(super) restart: Restart,
    /// Where the page was written to.
    pub(super) report: String,
}

/// How often somebody entered or left a segment.
#[derive(Serialize)]
pub(super) struct Transitions {
    pub(super) entered: usize,
    pub(super) left: usize,
    /// How many of both were caused by the passing of time alone.
    pub(super) by_time: usize,
}

/// The sizes of one segment through the year.
#[derive(Serialize)]
pub(super) struct SegmentYear {
    #[serde(flatten)]
    pub(super) text: SegmentText,
    /// One for each of the weekly readings.
    pub(super) sizes: Vec<u64>,
}

impl Outcome {
    /// Brings together what was found.
    pub(super) fn new(
        catalog: CatalogSummary,
        texts: Vec<SegmentText>,
        year: Year,
        customers: Vec<Customer>,
        lookups: Lookups,
        restart: Restart,
        report: String,
    ) -> Outcome {
        let entered = year.transitions.iter().filter(|transition| transition.entered).count();
        let by_time = year.transitions.iter().filter(|transition| transition.cause == Cause::Time).count();
        let segments = texts.into_iter().map(|text| SegmentYear { sizes: year.sizes_of(&text.name), text });
        Outcome {
            catalog,
            messages: year.apply.calls,
            orders: year.orders.len(),
            households: year.households.len(),
            replay_seconds: year.elapsed.as_secs_f64(),
            messages_per_second: year.messages_per_second(),
            transitions: Transitions { entered, left: year.transitions.len() - entered, by_time },
            weeks: year.weeks.iter().map(|week| day(week.at)).collect(),
            week_times: year.weeks.iter().map(|week| week.at).collect(),
            segments: segments.collect(),
            customers,
            apply: year.apply,
            lookups,
            restart,
            report,
            refused: year.refused,
        }
    }

    /// The places of the readings that stand for the start, the middle and the end of the year.
    pub(super) fn three_weeks(&self) -> [usize; 3] {
        let last = self.weeks.len().saturating_sub(1);
        [FIRST_WEEK.min(last), last / 2, last]
    }

    /// The sizes of one segment.
    pub(super) fn segment(&self, name: &str) -> Option<&SegmentYear> {
        self.segments.iter().find(|segment| segment.text.name == name)
    }
}

impl SegmentYear {
    /// The size at the end.
    pub(super) fn last(&self) -> u64 {
        self.sizes.last().copied().unwrap_or(0)
    }
}
