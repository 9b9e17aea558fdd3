//! All tables as one drawing, as SVG: a bar up to the median, a stroke up to p99.9, on one scale of powers
//! of ten. Colours follow the reader's choice of light or dark.

use std::fmt::Write;

use crate::table::{Table, time};

const LEFT: f64 = 250.0;
const RIGHT: f64 = 740.0;
const WIDTH: f64 = 900.0;
const ROW: f64 = 18.0;
/// From one table's last row to the next one's first, with its title and scale.
const BETWEEN: f64 = 62.0;
const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#1f2328}.title{font-weight:600}\
                     .small{font-size:11px;fill:#59636e}.bar{fill:#8c959f}.own{fill:#0969da}\
                     .tail{stroke:#59636e}.grid{stroke:#d1d9e0}\
                     @media(prefers-color-scheme:dark){text{fill:#e6edf3}.small{fill:#9198a1}\
                     .bar{fill:#656c76}.own{fill:#4493f8}.tail{stroke:#9198a1}.grid{stroke:#3d444d}}";

/// The drawing.
pub(crate) fn drawing(tables: &[Table]) -> String {
    let rows: usize = tables.iter().map(|table| table.rows.len()).sum();
    let height = rows as f64 * ROW + tables.len() as f64 * BETWEEN + 10.0;
    let mut svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0}" role="img" aria-label="Times of all sides"><style>{STYLE}</style>"#
    );
    let mut top = 0.0;
    for table in tables {
        one(&mut svg, table, top);
        top += BETWEEN + table.rows.len() as f64 * ROW;
    }
    svg + "</svg>\n"
}

fn one(svg: &mut String, table: &Table, top: f64) {
    let scale = Scale::of(table);
    let (first, last) = (top + BETWEEN - 14.0, top + BETWEEN - 14.0 + table.rows.len() as f64 * ROW);
    let _ = write!(svg, r#"<text class="title" x="8" y="{:.0}">{}</text>"#, top + 22.0, table.title);
    for power in scale.first..=scale.last {
        let (nanoseconds, x) = (10_f64.powi(power), scale.x(10_f64.powi(power)));
        let _ = write!(
            svg,
            r#"<line class="grid" x1="{x:.1}" x2="{x:.1}" y1="{first}" y2="{last}"/><text class="small" text-anchor="middle" x="{x:.1}" y="{:.0}">{}</text>"#,
            first - 5.0,
            time(nanoseconds).replace(".00", "").replace(".0", "")
        );
    }
    for (place, (name, summary)) in table.rows.iter().enumerate() {
        let middle = first + (place as f64 + 0.5) * ROW;
        let class = if name.starts_with("Habitue") { "own" } else { "bar" };
        let (end, tail) = (scale.x(summary.median), scale.x(summary.p999));
        let _ = write!(
            svg,
            r#"<text text-anchor="end" x="{:.0}" y="{y:.1}">{name}</text><rect class="{class}" x="{LEFT}" y="{:.1}" width="{:.1}" height="12"/><line class="tail" x1="{end:.1}" x2="{tail:.1}" y1="{middle:.1}" y2="{middle:.1}"/><text class="small" x="{:.0}" y="{y:.1}">{} · {:.2}</text>"#,
            LEFT - 6.0,
            middle - 6.0,
            end - LEFT,
            RIGHT + 8.0,
            time(summary.median),
            table.against_floor(*summary),
            y = middle + 4.0,
        );
    }
}

/// From powers of ten to places.
struct Scale {
    first: i32,
    last: i32,
}

impl Scale {
    fn of(table: &Table) -> Scale {
        let medians = table.rows.iter().map(|(_, summary)| summary.median.max(1.0));
        let tails = table.rows.iter().map(|(_, summary)| summary.p999.max(10.0));
        let first = medians.fold(f64::INFINITY, f64::min).log10().floor();
        let last = tails.fold(1.0, f64::max).log10().ceil();
        Scale { first: first as i32, last: last as i32 }
    }

    fn x(&self, nanoseconds: f64) -> f64 {
        let powers = f64::from((self.last - self.first).max(1));
        let part = (nanoseconds.max(1.0).log10() - f64::from(self.first)) / powers;
        LEFT + (RIGHT - LEFT) * part.clamp(0.0, 1.0)
    }
}
