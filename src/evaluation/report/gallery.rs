//! What classifiers look at in some test images, as a table of pictures inside the page.

use std::fmt::Write as _;

use super::html::{named, open_box};
use super::text::{base64, escaped, number};

/// A picture of a map, with what its classifier says.
#[derive(Clone, Debug, PartialEq)]
pub struct GalleryCell {
    /// A PNG file.
    pub png: Vec<u8>,
    /// The class that it says.
    pub said: String,
    /// Of that class, in \[0, 1\].
    pub probability: f64,
    /// True where that is the true class.
    pub right: bool,
    /// How the map was made and what its values are.
    pub caption: String,
    /// Areas under the curves of the map, in \[0, 1\].
    pub deletion: f64,
    pub insertion: f64,
}

/// A test image and the map of each treatment.
#[derive(Clone, Debug, PartialEq)]
pub struct GalleryRow {
    /// A PNG file.
    pub png: Vec<u8>,
    /// Which image it is.
    pub image: String,
    /// Its true class.
    pub class: String,
    /// In the order of [`Gallery::treatments`]; a sentence where there is no map.
    pub cells: Vec<Result<GalleryCell, String>>,
}

/// Maps of several classifiers side by side.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gallery {
    /// How they were made and how they are read.
    pub sentences: Vec<String>,
    /// Names, a column each.
    pub treatments: Vec<String>,
    pub rows: Vec<GalleryRow>,
}

/// The section of the page.
pub(super) fn section(out: &mut String, gallery: &Gallery) {
    *out += "<h2>Where the classifiers look</h2>\n";
    for sentence in &gallery.sentences {
        let _ = writeln!(out, "<p>{}</p>", escaped(sentence));
    }
    let caption = "Test images down, treatments across";
    open_box(out, caption);
    let _ = write!(
        out,
        "<table class=\"maps\">\n<caption>{caption}</caption>\n<thead>\n<tr><th scope=\"col\">image</th>"
    );
    for name in &gallery.treatments {
        let _ = write!(out, "<th scope=\"col\">{}</th>", named(name));
    }
    *out += "</tr>\n</thead>\n<tbody>\n";
    for row in &gallery.rows {
        *out += "<tr><th scope=\"row\">";
        picture(out, &row.png, &format!("{} of class {}", row.image, row.class));
        let _ = write!(out, "{}<small>{}</small></th>", named(&row.class), named(&row.image));
        for (name, of) in gallery.treatments.iter().zip(&row.cells) {
            *out += "<td>";
            match of {
                Ok(of) => cell(out, &row.image, name, of),
                Err(reason) => *out += &escaped(reason),
            }
            *out += "</td>";
        }
        *out += "</tr>\n";
    }
    *out += "</tbody>\n</table>\n</div>\n";
}

fn cell(out: &mut String, image: &str, treatment: &str, of: &GalleryCell) {
    picture(out, &of.png, &format!("map of {image} under {treatment}: {}", of.caption));
    let verdict = if of.right { "right" } else { "wrong" };
    let _ = write!(out, "{} {}, {verdict}", named(&of.said), number(of.probability));
    let (deletion, insertion) = (number(of.deletion), number(of.insertion));
    let _ = write!(out, "<small>deletion {deletion}</small><small>insertion {insertion}</small>");
    let _ = write!(out, "<small>{}</small>", escaped(&of.caption));
}

/// A picture inside the page; `words` say it to who does not see it.
fn picture(out: &mut String, png: &[u8], words: &str) {
    let (bytes, words) = (base64(png), escaped(words));
    let _ = write!(out, "<img alt=\"{words}\" src=\"data:image/png;base64,{bytes}\"/>");
}
