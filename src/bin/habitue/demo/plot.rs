//! The plots of the report, as SVG text to stand inside the page.
//!
//! Colours and fonts come from the page's style by class, so that one drawing reads in light and dark.
//! Every line is labelled where it ends, so there is no legend; the numbers behind a place show when the
//! pointer rests on it (`<title>`), so there is no script.

use std::fmt::Write;

use habitue::Time;

use super::calendar::{day, months, share_of_year};
use super::customers::{Customer, Stay};
use super::outcome::{Outcome, SegmentYear};

/// The rectangle of a drawing inside which the data is drawn, in the drawing's units.
#[derive(Clone, Copy)]
struct Frame {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

const WIDE: Frame = Frame { left: 44.0, right: 778.0, top: 14.0, bottom: 300.0 };
const SMALL: Frame = Frame { left: 2.0, right: 234.0, top: 16.0, bottom: 72.0 };
/// The distance between the labels of two lines.
const LABEL_STEP: f64 = 17.0;
/// The height of one segment in a customer's year.
const ROW: f64 = 18.0;

impl Frame {
    fn x(&self, time: Time) -> f64 {
        self.left + (self.right - self.left) * share_of_year(time)
    }

    fn y(&self, size: u64, largest: u64) -> f64 {
        self.bottom - (self.bottom - self.top) * size as f64 / largest.max(1) as f64
    }

    /// The points of a line, as SVG writes them.
    fn points(&self, times: &[Time], sizes: &[u64], largest: u64) -> String {
        let point =
            |(time, size): (&Time, &u64)| format!("{:.1},{:.1}", self.x(*time), self.y(*size, largest));
        times.iter().zip(sizes).map(point).collect::<Vec<_>>().join(" ")
    }
}

/// Several segments through the year in one plot, each labelled at its end.
pub(super) fn lines(outcome: &Outcome, names: &[&str]) -> String {
    let segments: Vec<&SegmentYear> = names.iter().filter_map(|name| outcome.segment(name)).collect();
    let largest = segments.iter().flat_map(|segment| &segment.sizes).copied().max().unwrap_or(1);
    let step = round_step(largest);
    let top = largest.div_ceil(step) * step;
    let mut svg = opening(960.0, 330.0, "Sizes of some segments through the year");
    for size in (0..=top).step_by(step as usize) {
        let y = WIDE.y(size, top);
        let _ = write!(
            svg,
            r#"<line class="grid" x1="{}" x2="{}" y1="{y:.1}" y2="{y:.1}"/><text class="tick end" x="{}" y="{:.1}">{size}</text>"#,
            WIDE.left,
            WIDE.right,
            WIDE.left - 8.0,
            y + 4.0
        );
    }
    month_names(&mut svg, WIDE, 22.0, 3);
    let ends: Vec<f64> = segments.iter().map(|segment| WIDE.y(segment.last(), top)).collect();
    for (number, (segment, label_y)) in segments.iter().zip(apart(&ends)).enumerate() {
        let (name, size) = (segment.text.name.replace('_', " "), segment.last());
        let end = ends[number];
        let _ = write!(
            svg,
            r#"<g class="c{number}"><polyline class="line" points="{}"/><circle class="dot" cx="{r}" cy="{end:.1}" r="3.5"/><path class="lead" d="M{} {end:.1}L{} {label_y:.1}"/><text class="label" x="{}" y="{:.1}"><tspan class="strong">{size}</tspan> {name}</text></g>"#,
            WIDE.points(&outcome.week_times, &segment.sizes, top),
            WIDE.right + 5.0,
            WIDE.right + 16.0,
            WIDE.right + 20.0,
            label_y + 4.5,
            r = WIDE.right,
        );
    }
    tips(&mut svg, WIDE, outcome, &segments);
    svg + "</svg>"
}

/// One segment through the year, small, on its own scale.
pub(super) fn small(outcome: &Outcome, segment: &SegmentYear) -> String {
    let largest = segment.sizes.iter().copied().max().unwrap_or(0);
    let mut svg = opening(240.0, 90.0, &format!("Size of {} through the year", segment.text.name));
    let _ = write!(
        svg,
        r#"<line class="grid" x1="{l}" x2="{r}" y1="{t}" y2="{t}"/><text class="tick" x="{l}" y="{}">{largest}</text>"#,
        SMALL.top - 4.0,
        l = SMALL.left,
        r = SMALL.right,
        t = SMALL.top,
    );
    month_names(&mut svg, SMALL, 13.0, 1);
    let points = SMALL.points(&outcome.week_times, &segment.sizes, largest);
    let (end_x, end_y) = (SMALL.right, SMALL.y(segment.last(), largest));
    let _ = write!(
        svg,
        r#"<polygon class="area" points="{l},{b} {points} {end_x},{b}"/><line class="axis" x1="{l}" x2="{end_x}" y1="{b}" y2="{b}"/><polyline class="line" points="{points}"/><circle class="dot" cx="{end_x}" cy="{end_y:.1}" r="3"/>"#,
        l = SMALL.left,
        b = SMALL.bottom,
    );
    tips(&mut svg, SMALL, outcome, &[segment]);
    svg + "</svg>"
}

/// One customer's year: a row of purchases, and a row for each segment with the times she was in it.
pub(super) fn stays(customer: &Customer) -> String {
    let rows = customer.stays.len() as f64;
    let frame = Frame { left: 168.0, right: 950.0, top: 30.0, bottom: 34.0 + rows * ROW };
    let mut svg = opening(960.0, frame.bottom + 24.0, &format!("The year of {}", customer.id));
    month_names(&mut svg, frame, 18.0, 3);
    for (_, start, _) in months() {
        let x = frame.x(start);
        let _ = write!(
            svg,
            r#"<line class="grid" x1="{x:.1}" x2="{x:.1}" y1="{}" y2="{}"/>"#,
            frame.top - 20.0,
            frame.bottom
        );
    }
    let _ = write!(svg, r#"<text class="row strong" x="160" y="21">purchases</text>"#);
    for order in &customer.orders {
        let x = frame.x(*order);
        let _ = write!(svg, r#"<line class="purchase" x1="{x:.1}" x2="{x:.1}" y1="11" y2="23"/>"#);
    }
    for (number, stay) in customer.stays.iter().enumerate() {
        stay_row(&mut svg, frame, frame.top + 4.0 + number as f64 * ROW, stay);
    }
    svg + "</svg>"
}

fn stay_row(svg: &mut String, frame: Frame, top: f64, stay: &Stay) {
    let still = stay.spans.last().is_some_and(|(_, until)| until.is_none());
    let (class, name) = (if still { "row now" } else { "row" }, stay.segment.replace('_', " "));
    let _ = write!(svg, r#"<text class="{class}" x="160" y="{:.1}">{name}</text>"#, top + 11.0);
    for (from, until) in &stay.spans {
        let (left, right) = (frame.x(*from), until.map_or(frame.right, |until| frame.x(until)));
        let until = until.map_or("still there".to_owned(), |until| format!("until {until}"));
        let _ = write!(
            svg,
            r#"<rect class="{}" x="{left:.1}" y="{:.1}" width="{:.1}" height="11" rx="2"><title>{name}: from {from}, {until}</title></rect>"#,
            if still { "stay now" } else { "stay" },
            top + 2.0,
            (right - left).max(1.5),
        );
    }
}

fn opening(width: f64, height: f64, title: &str) -> String {
    format!(r#"<svg viewBox="0 0 {width} {height}" role="img" aria-label="{title}">"#)
}

/// The names of the months in their middles, `below` the frame, `letters` of each.
fn month_names(svg: &mut String, frame: Frame, below: f64, letters: usize) {
    for (name, start, end) in months() {
        let x = (frame.x(start) + frame.x(end)) / 2.0;
        let y = frame.bottom + below;
        let _ = write!(svg, r#"<text class="tick middle" x="{x:.1}" y="{y:.1}">{}</text>"#, &name[..letters]);
    }
}

/// A strip for each week that shows its numbers when the pointer rests on it.
fn tips(svg: &mut String, frame: Frame, outcome: &Outcome, segments: &[&SegmentYear]) {
    for (week, time) in outcome.week_times.iter().enumerate().skip(1) {
        let before = frame.x(outcome.week_times[week - 1]);
        let sizes: Vec<String> = segments
            .iter()
            .map(|segment| format!("{} {}", segment.sizes[week], segment.text.name.replace('_', " ")))
            .collect();
        let _ = write!(
            svg,
            r#"<rect class="tip" x="{before:.1}" y="0" width="{:.1}" height="{}"><title>{}: {}</title></rect>"#,
            frame.x(*time) - before,
            frame.bottom,
            day(*time),
            sizes.join(", "),
        );
    }
}

/// Moves labels apart that would overlap, keeping their order and, as far as possible, their places.
fn apart(places: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by(|a, b| places[*a].total_cmp(&places[*b]));
    let mut moved = places.to_vec();
    // Upwards from the lowest, because there is no room below the axis.
    for pair in order.windows(2).rev() {
        moved[pair[0]] = moved[pair[0]].min(moved[pair[1]] - LABEL_STEP);
    }
    moved
}

/// A round distance between grid lines: 1, 2 or 5 times a power of ten, about five of them up to `largest`.
fn round_step(largest: u64) -> u64 {
    let mut power = 1;
    loop {
        for factor in [1, 2, 5] {
            if largest <= factor * power * 6 {
                return factor * power;
            }
        }
        power *= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_keep_their_distance_and_order() {
        assert_eq!(apart(&[100.0, 50.0, 98.0]), [100.0, 50.0, 83.0]);
        assert_eq!(apart(&[100.0, 100.0, 100.0]).len(), 3);
        assert!(apart(&[]).is_empty());
    }

    #[test]
    fn steps_are_round() {
        assert_eq!([1, 6, 7, 255, 380, 3_001].map(round_step), [1, 1, 2, 50, 100, 1_000]);
    }
}
