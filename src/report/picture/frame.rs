//! What all pictures have in common: the page, its title, its style.

use std::fmt::Write as _;

use plotters::prelude::*;

/// Turns a picture for a dark page: pictures themselves have plain colours.
const STYLE: &str = "<style>text{font-family:'DejaVu Sans',Verdana,sans-serif}\
    @media (prefers-color-scheme:dark){[fill=\"#FFFFFF\"]{fill:#15191e}[fill=\"#000000\"]{fill:#e8e8e8}\
    [stroke=\"#000000\"]{stroke:#e8e8e8}[fill=\"#505050\"]{fill:#b4b4b4}[stroke=\"#E1E1E1\"]{stroke:#343a42}}</style>";

/// Text for an element or an attribute of SVG.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            letter if letter.is_control() => safe.push(' '),
            letter => safe.push(letter),
        }
    }
    safe
}

/// A page of that size with a title, drawn upon by `draw`.
///
/// # Errors
/// If the plotting library cannot draw it.
pub(super) fn page(
    title: &str,
    size: (u32, u32),
    draw: impl FnOnce(&DrawingArea<SVGBackend<'_>, plotters::coord::Shift>) -> Result<(), String>,
) -> Result<String, String> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
        area.fill(&WHITE).map_err(failed)?;
        let style = ("sans-serif", 17).into_font().color(&BLACK);
        area.draw_text(title, &style, (12, 8)).map_err(failed)?;
        draw(&area)?;
        area.present().map_err(failed)?;
    }
    Ok(dressed(&text, title))
}

/// The same with a name for those who cannot see it, and turnable to dark.
fn dressed(svg: &str, title: &str) -> String {
    let end = svg.find('>').map_or(0, |at| at + 1);
    let mut text = String::with_capacity(svg.len() + 600);
    text.push_str(svg[..end].trim_end_matches('>'));
    let title = escaped(title);
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        " role=\"img\" aria-label=\"{title}\">\n<title>{title}</title>{STYLE}"
    );
    text.push_str(&svg[end..]);
    text
}

/// The start of a page that is drawn by hand.
pub(super) fn open(title: &str, width: f64, height: f64) -> String {
    let title = escaped(title);
    format!(
        "<svg width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-label=\"{title}\">\n<title>{title}</title>{STYLE}\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#FFFFFF\"/>\n\
         <text x=\"12\" y=\"22\" font-size=\"15\" fill=\"#000000\">{title}</text>\n"
    )
}

pub(super) fn failed(error: impl std::fmt::Display) -> String {
    format!("the picture cannot be drawn: {error}")
}
