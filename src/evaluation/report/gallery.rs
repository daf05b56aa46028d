//! Pictures inside the page: what classifiers look at in some test images, and what generators made.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

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

/// Some images that a generator made of a class.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeShown {
    /// Name of the first treatment that learns from them.
    pub treatment: String,
    pub seed: u64,
    /// Class name.
    pub class: String,
    /// PNG files in base 64.
    pub pictures: Vec<String>,
}

impl MadeShown {
    /// Of PNG files.
    pub fn new(treatment: &str, seed: u64, class: &str, files: &[Vec<u8>]) -> Self {
        let pictures = files.iter().map(|png| base64(png)).collect();
        MadeShown { treatment: treatment.to_owned(), seed, class: class.to_owned(), pictures }
    }
}

/// The section of made images; nothing where there is none.
pub(super) fn made(out: &mut String, all: &[MadeShown]) {
    if all.is_empty() {
        return;
    }
    let caption = "Made images, by class and generator";
    *out += "<h2>Gallery</h2>\n<p class=\"muted\">The first images that each generator made of a class and that its own \
             test accepts: none of them is real.</p>\n";
    open_box(out, caption);
    let _ = write!(out, "<table class=\"maps\">\n<caption>{caption}</caption>\n<tbody>\n");
    for of in all {
        let MadeShown { treatment, seed, class, pictures } = of;
        let _ = write!(
            out,
            "<tr><th scope=\"row\">{}<small>{}</small><small>seed {seed}</small></th>",
            named(class),
            named(treatment)
        );
        for (number, file) in pictures.iter().enumerate() {
            *out += "<td>";
            embedded(out, file, &format!("made image {} of {class} by {treatment}", number + 1));
            *out += "made</td>";
        }
        *out += "</tr>\n";
    }
    *out += "</tbody>\n</table>\n</div>\n";
}

/// The section of maps.
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
    embedded(out, &base64(png), words);
}

/// The same of a file in base 64.
fn embedded(out: &mut String, file: &str, words: &str) {
    let (file, words) = (escaped(file), escaped(words));
    let _ = write!(out, "<img alt=\"{words}\" src=\"data:image/png;base64,{file}\"/>");
}
