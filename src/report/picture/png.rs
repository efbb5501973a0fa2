//! Pictures as PNG, by the fonts of the system (feature `png`).

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

/// Pixels per unit of the picture.
const SCALE: f32 = 2.0;

/// The bytes of a PNG.
///
/// # Errors
/// If there is no font, or the picture is larger than memory.
pub fn render(svg: &str) -> Result<Vec<u8>, String> {
    let mut options = Options::default();
    let fonts = options.fontdb_mut();
    fonts.load_system_fonts();
    if fonts.is_empty() {
        return Err(
            "this system has no fonts to draw text with\n  hint: install some, or write SVG".to_owned(),
        );
    }
    fonts.set_sans_serif_family("DejaVu Sans");
    let tree = Tree::from_str(svg, &options).map_err(|error| error.to_string())?;
    let size = tree.size();
    let pixels = [size.width(), size.height()].map(|side| (side * SCALE).ceil() as u32);
    let mut map = Pixmap::new(pixels[0], pixels[1]).ok_or("the picture is too large for PNG")?;
    resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut map.as_mut());
    map.encode_png().map_err(|error| error.to_string())
}
