//! Points in the plane as a drawing: the class of each by its colour, where its image is from by its shape.

use std::fmt::Write as _;

use super::charts::{Sheet, WIDTH, at};
use super::text::{short, width};
use crate::domain::numbers::counted;
use crate::evaluation::projection::{Caption, Mark};

/// Colours of classes, those of the light window; after seven they repeat with a dot inside.
const CLASSES: [u32; 7] = [0x0072b2, 0xcc79a7, 0x009e73, 0xe69f00, 0x56b4e9, 0xd55e00, 0xf0e442];
/// Colour of a sign that is of no class.
const NEUTRAL: u32 = 0x5c666e;
/// Letters, which edges are mixed with.
const INK: u32 = 0x1d2226;
/// Room beside the points, and their height.
const MARGIN: f64 = 16.0;
const HEIGHT: f64 = 620.0;
/// Room between the frame and the outermost points.
const INSIDE: f64 = 14.0;
/// Height of a line of the legend and of the notes.
const LINE: f64 = 20.0;
/// Size of the small letters.
const SMALL: f64 = 12.0;
/// Widest name, in Latin letters.
const NAME: usize = 40;

/// The shape of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    Disc,
    Ring,
    Diamond,
    HollowDiamond,
    Cross,
}

impl From<Mark> for Sign {
    fn from(mark: Mark) -> Self {
        match mark {
            Mark::Real => Sign::Disc,
            Mark::HeldOut => Sign::Ring,
            Mark::Undecided => Sign::HollowDiamond,
            Mark::Accepted => Sign::Diamond,
            Mark::Rejected => Sign::Cross,
        }
    }
}

/// One image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dot {
    /// To the right and upwards, without a unit.
    pub at: [f64; 2],
    /// Index into [`Cloud::classes`].
    pub class: usize,
    pub sign: Sign,
}

/// Points with what has to be said of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Cloud {
    pub title: String,
    /// How far the points are to be believed, in sentences.
    pub notes: Vec<String>,
    pub classes: Vec<String>,
    /// What the signs stand for; later ones are drawn over earlier ones. A sign that is not here is not drawn.
    pub signs: Vec<(Sign, String)>,
    pub dots: Vec<Dot>,
}

impl Cloud {
    /// Points of a feature map, each by its place, class and mark; `source` says whose features they are of.
    pub fn of_map(
        caption: &Caption,
        source: String,
        classes: &[String],
        points: impl Iterator<Item = ([f64; 2], usize, Mark)>,
    ) -> Self {
        let mut notes = caption.sentences();
        notes.push(source);
        Cloud {
            title: caption.title().to_owned(),
            notes,
            classes: classes.to_vec(),
            signs: Mark::ALL.map(|mark| (mark.into(), mark.text().to_owned())).to_vec(),
            dots: points.map(|(at, class, mark)| Dot { at, class, sign: mark.into() }).collect(),
        }
    }

    /// A file of SVG, light; [`super::raster::png`] makes pixels of it. Both directions have one scale. A point that
    /// is no number is left out.
    pub fn svg(&self) -> String {
        let dots: Vec<&Dot> =
            self.dots.iter().filter(|dot| dot.at.iter().all(|place| place.is_finite())).collect();
        let note = format!(
            "{}: the colour is the class, the sign says where the image is from.",
            counted(dots.len(), "point", "points")
        );
        let mut sheet = Sheet::new(self.title.clone(), &note);
        let mut legend = (MARGIN + 6.0, 62.0);
        for (sign, words) in &self.signs {
            if dots.iter().any(|dot| dot.sign == *sign) {
                entry(&mut sheet, &mut legend, *sign, None, words);
            }
        }
        for (class, name) in self.classes.iter().enumerate() {
            let of = |sign: Sign| dots.iter().filter(|dot| dot.class == class && dot.sign == sign).count();
            let counts: Vec<String> = self
                .signs
                .iter()
                .filter(|(sign, _)| of(*sign) > 0)
                .map(|(sign, words)| format!("{} {words}", of(*sign)))
                .collect();
            if !counts.is_empty() {
                entry(&mut sheet, &mut legend, Sign::Disc, Some(class), name);
                sheet.told.push(format!("{name}: {}.", counts.join("; ")));
            }
        }
        let top = legend.1 + LINE;
        sheet.bar("cell", (MARGIN, top), (WIDTH - 2.0 * MARGIN, HEIGHT));
        let ends = |axis: usize| {
            let places = dots.iter().map(|dot| dot.at[axis]);
            let low = places.clone().fold(f64::INFINITY, f64::min);
            (low, places.fold(f64::NEG_INFINITY, f64::max))
        };
        let ((left, right), (low, high)) = (ends(0), ends(1));
        let room = [WIDTH - 2.0 * (MARGIN + INSIDE), HEIGHT - 2.0 * INSIDE];
        let scale = (room[0] / (right - left).max(1e-9)).min(room[1] / (high - low).max(1e-9));
        let middle = (WIDTH / 2.0, top + HEIGHT / 2.0);
        for (sign, _) in &self.signs {
            for dot in dots.iter().filter(|dot| dot.sign == *sign) {
                let x = middle.0 + (dot.at[0] - f64::midpoint(left, right)) * scale;
                let y = middle.1 - (dot.at[1] - f64::midpoint(low, high)) * scale;
                draw(&mut sheet.body, *sign, Some(dot.class), (x, y));
            }
        }
        let mut y = top + HEIGHT + LINE;
        for line in self.notes.iter().flat_map(|note| lines(note)) {
            sheet.text((MARGIN, y), "dim", "start", &line);
            y += LINE;
        }
        sheet.told.extend(self.notes.iter().cloned());
        sheet.height = y;
        sheet.finish("features", true)
    }
}

/// A sign with its words, on the next line where this one is full.
fn entry(sheet: &mut Sheet, place: &mut (f64, f64), sign: Sign, class: Option<usize>, words: &str) {
    let words = short(words, NAME);
    let wide = 32.0 + width(&words, SMALL);
    if place.0 + wide > WIDTH - MARGIN {
        *place = (MARGIN + 6.0, place.1 + LINE);
    }
    draw(&mut sheet.body, sign, class, *place);
    sheet.text((place.0 + 12.0, place.1 + 4.0), "dim", "start", &words);
    place.0 += wide;
}

/// A sentence in lines that have room.
fn lines(sentence: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in sentence.split_whitespace() {
        let Some(last) = lines.last_mut() else { break };
        if last.is_empty() {
            last.push_str(word);
        } else if width(last, SMALL) + width(word, SMALL) + SMALL < WIDTH - 2.0 * MARGIN {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

fn hex(colour: u32) -> String {
    format!("#{colour:06x}")
}

/// A colour that keeps an edge on a light ground.
fn edge(colour: u32) -> u32 {
    [16_u32, 8, 0].into_iter().fold(0, |mixed, shift| {
        let part = |of: u32| f64::from((of >> shift) & 255);
        let value = part(colour) + (part(INK) - part(colour)) * 0.3;
        mixed | ((value.round() as u32) << shift)
    })
}

fn draw(body: &mut String, sign: Sign, class: Option<usize>, (x, y): (f64, f64)) {
    let colour = class.map_or(NEUTRAL, |class| CLASSES[class % CLASSES.len()]);
    let edge = hex(edge(colour));
    let (fill, line) = match sign {
        Sign::Disc | Sign::Diamond => (hex(colour), 0.75),
        Sign::Ring | Sign::HollowDiamond => ("none".to_owned(), 1.5),
        Sign::Cross => ("none".to_owned(), 2.0),
    };
    let near = |by: f64| [at(x - by), at(y - by), at(x + by), at(y + by)];
    let (middle, centre) = (at(x), at(y));
    let shape = match sign {
        Sign::Disc | Sign::Ring => format!("<circle cx=\"{middle}\" cy=\"{centre}\" r=\"4\""),
        Sign::Diamond | Sign::HollowDiamond => {
            let [left, top, right, bottom] = near(5.5);
            format!("<path d=\"M{left} {centre}L{middle} {top}L{right} {centre}L{middle} {bottom}Z\"")
        }
        Sign::Cross => {
            let [left, top, right, bottom] = near(3.5);
            format!("<path d=\"M{left} {top}L{right} {bottom}M{left} {bottom}L{right} {top}\"")
        }
    };
    let _ = writeln!(body, "{shape} fill=\"{fill}\" stroke=\"{edge}\" stroke-width=\"{line}\"/>");
    if class.is_some_and(|class| (class / CLASSES.len()) % 2 == 1) {
        let dot = if fill == "none" { edge.as_str() } else { "#ffffff" };
        let _ = writeln!(body, "<circle cx=\"{middle}\" cy=\"{centre}\" r=\"1.4\" fill=\"{dot}\"/>");
    }
}
