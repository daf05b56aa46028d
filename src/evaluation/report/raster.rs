//! Charts as PNG: the SVG of a chart drawn as pixels.
//!
//! Letters come from fonts inside the program, so that a chart has the same pixels whatever is installed.
//! Scripts that these lack are taken from the system's fonts, which are looked for once and not before a
//! name needs them; where there are none either, a box stands for a letter. Whatever else a drawing may
//! point at, nothing is loaded.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use epaint_default_fonts::{HACK_REGULAR, UBUNTU_LIGHT};
use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::fontdb::{Database, FaceInfo, ID, Source, Stretch, Style, Weight};
use resvg::usvg::roxmltree::Document;
use resvg::usvg::{self, FontResolver, ImageHrefResolver, Options, Tree};

use super::charts::INK;
use crate::imaging::encode::{self, EncodeError};
use crate::imaging::picture::{Picture, Pixels};

/// Pixels for each unit of a chart that is to be sharp in print and on fine screens.
pub const SCALE: f64 = 2.0;
/// Units of SVG in an inch.
const PER_INCH: f64 = 96.0;
/// Longest side in pixels, which common viewers still show.
const LONGEST: f64 = 32_767.0;
/// Most pixels; four bytes each are held while it is drawn.
const MOST: f64 = 67_108_864.0;
/// Smallest scale at which words can be read.
const LEAST: f64 = 0.5;

/// Why a chart could not be drawn as PNG.
#[derive(Debug, thiserror::Error)]
pub enum RasterError {
    #[error("the chart could not be drawn as PNG ({0}); take it as SVG")]
    Svg(#[from] usvg::Error),
    #[error(
        "the chart is {width:.0} by {height:.0} units, too large for a PNG that can be read; take it as SVG"
    )]
    TooLarge { width: f64, height: f64 },
    #[error("the chart could not be written as PNG ({0}); take it as SVG")]
    Encode(#[from] EncodeError),
}

/// A PNG file of a chart of this report, on white where the drawing has no ground: `scale` pixels for each
/// of its units, at least a half, and fewer where that would be more than 2^26 pixels or a side longer than
/// 32,767. It is as large on paper as the drawing, and its texts Title and Description are the drawing's.
/// The same chart gives the same bytes.
///
/// # Errors
/// What is no SVG, and a chart so large that half a pixel for each unit is too much.
pub fn png(svg: &str, scale: f64) -> Result<Vec<u8>, RasterError> {
    let document = Document::parse(svg).map_err(usvg::Error::from)?;
    let options = Options {
        // The fonts have one weight: what is to be heavier gets an outline.
        style_sheet: Some(format!(".chart .title,.chart .strong{{stroke:{INK};stroke-width:0.5}}")),
        fontdb: Arc::clone(&own().database),
        font_resolver: FontResolver {
            select_font: Box::new(|_, _| own().face),
            select_fallback: Box::new(other_font),
        },
        image_href_resolver: ImageHrefResolver {
            resolve_data: Box::new(|_, _, _| None),
            resolve_string: Box::new(|_, _| None),
        },
        ..Options::default()
    };
    let tree = Tree::from_xmltree(&document, &options)?;
    let size = tree.size();
    let (width, height) = (f64::from(size.width()), f64::from(size.height()));
    let too_large = || RasterError::TooLarge { width, height };
    let bound = (LONGEST / width.max(height)).min((MOST / (width * height)).sqrt());
    let scale = scale.max(LEAST).min(bound);
    if scale < LEAST {
        return Err(too_large());
    }
    let side = |units: f64| (units * scale).round().max(1.0) as u32;
    let mut drawn = Pixmap::new(side(width), side(height)).ok_or_else(too_large)?;
    drawn.fill(Color::WHITE);
    resvg::render(&tree, Transform::from_scale(scale as f32, scale as f32), &mut drawn.as_mut());
    let colours = drawn.data().chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]);
    let picture = Picture {
        width: drawn.width(),
        height: drawn.height(),
        channels: 3,
        pixels: Pixels::U8(colours.collect()),
    };
    let told = |tag: &str| {
        let found = document.root_element().children().find(|node| node.tag_name().name() == tag);
        found.and_then(|node| node.text()).unwrap_or_default()
    };
    let texts = [("Title", told("title")), ("Description", told("desc"))];
    Ok(encode::png_of_density(&picture, &texts, PER_INCH * scale)?)
}

/// The fonts inside the program.
struct Own {
    database: Arc<Database>,
    /// The one for everything that it has a letter of.
    face: Option<ID>,
}

fn own() -> &'static Own {
    static OWN: OnceLock<Own> = OnceLock::new();
    OWN.get_or_init(|| {
        let mut database = Database::new();
        let face = database.load_font_source(Source::Binary(Arc::new(UBUNTU_LIGHT))).first().copied();
        // Signs that the first lacks.
        database.load_font_source(Source::Binary(Arc::new(HACK_REGULAR)));
        Own { database: Arc::new(database), face }
    })
}

/// A letter, and the fonts that were tried for it.
type Wanted = (char, Vec<ID>);

/// The system's fonts behind our own, whose numbers stay the same.
struct System {
    database: Arc<Database>,
    /// The font for a letter that some fonts have not: looking for it opens one font after the other.
    found: Mutex<HashMap<Wanted, Option<ID>>>,
}

fn system() -> &'static System {
    static SYSTEM: OnceLock<System> = OnceLock::new();
    SYSTEM.get_or_init(|| {
        let mut installed = Database::new();
        installed.load_system_fonts();
        let mut faces: Vec<FaceInfo> = installed.faces().cloned().collect();
        faces.sort_by_cached_key(rank);
        let mut database = Database::clone(&own().database);
        for face in faces {
            database.push_face_info(face);
        }
        System { database: Arc::new(database), found: Mutex::default() }
    })
}

/// Order in which the system's fonts are asked for a letter: upright ones of usual width and weight first,
/// of these no typewriter's and none with serifs, then by name, so that it is the same every time. Fonts
/// that a system hides are last: one of them has a box for every letter.
fn rank(face: &FaceInfo) -> ([bool; 3], u16, [bool; 2], String, String, u32) {
    let family = face.families.first().map(|(name, _)| name.clone()).unwrap_or_default();
    let unusual = [family.starts_with('.'), face.style != Style::Normal, face.stretch != Stretch::Normal];
    let weight = face.weight.0.abs_diff(Weight::NORMAL.0);
    let shape = [face.monospaced, !family.contains("Sans")];
    (unusual, weight, shape, family, face.post_script_name.clone(), face.index)
}

/// A font that has the letter and is none of `used`; our own come first.
fn other_font(letter: char, used: &[ID], database: &mut Arc<Database>) -> Option<ID> {
    let search = FontResolver::default_fallback_selector();
    let mut ours = Arc::clone(&own().database);
    if let Some(font) = search(letter, used, &mut ours) {
        return Some(font);
    }
    let system = system();
    *database = Arc::clone(&system.database);
    let mut found = system.found.lock().unwrap_or_else(PoisonError::into_inner);
    *found.entry((letter, used.to_vec())).or_insert_with(|| search(letter, used, database))
}
