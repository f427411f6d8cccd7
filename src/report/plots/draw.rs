//! What plots share: the page, colours, axes, legends.

use crate::fault::{Fault, Result};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// One plot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plot {
    /// File name without `.svg`.
    pub name: String,
    pub caption: String,
    pub svg: String,
}

pub type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// Draws on a white page of the given size, pixels.
pub fn draw(size: (u32, u32), fill: impl FnOnce(&Area) -> Drawn) -> Result<String> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        area.fill(&WHITE).map_err(failed).and_then(|()| fill(&area))?;
        area.present().map_err(failed)?;
    }
    Ok(svg)
}

/// Result of a drawing step.
pub type Drawn = Result<()>;

pub fn failed(e: impl std::fmt::Display) -> Fault {
    Fault::failed(format!("cannot draw a plot: {e}"))
}

/// Colours that stay apart for most colour-blind readers (Okabe & Ito, 2008).
const COLORS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(80, 80, 80),
];

pub fn color(i: usize) -> RGBColor {
    COLORS[i % COLORS.len()]
}

/// Text on axes and in legends, pixels.
pub const FONT: i32 = 13;

/// Room for a legend right of a chart, pixels.
const LEGEND: i32 = 170;

/// Splits off the room of a legend and fills it with names beside their colours: never over the data.
pub fn legend<'a>(area: &Area<'a>, entries: &[(String, RGBAColor)]) -> Result<Area<'a>> {
    let width = area.dim_in_pixel().0 as i32;
    let (chart, side) = area.split_horizontally(width - LEGEND);
    let style = TextStyle::from(("sans-serif", FONT).into_font()).pos(Pos::new(HPos::Left, VPos::Center));
    for (i, (name, color)) in entries.iter().enumerate() {
        let y = 48 + 20 * i as i32;
        side.draw(&PathElement::new([(8, y), (26, y)], color.stroke_width(3))).map_err(failed)?;
        side.draw(&Text::new(name.clone(), (32, y), style.clone())).map_err(failed)?;
    }
    Ok(chart)
}

/// A name that is safe in a file name and an id.
pub fn file_name(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' }).collect()
}

/// Ends of an axis with a little room; values that are all equal still get a range.
pub fn range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for v in values.filter(|v| v.is_finite()) {
        low = low.min(v);
        high = high.max(v);
    }
    let room = if high > low { 0.05 * (high - low) } else { 0.5 };
    (low <= high).then_some((low - room, high + room))
}
