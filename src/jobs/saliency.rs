//! What the classifiers of a comparison look at: maps of the same test images under every treatment, side by side.
//!
//! The classifiers are those that the evaluation kept beside its results ([`Classifiers`]), so nothing is trained.
//! Pictures, masks, seed and the colour that hides a pixel are the same for all of them. Of a cross-validation the
//! images are those of the fold that these classifiers did not learn from.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::JobError;
use super::comparisons::write_new;
use super::compute::Compute;
use super::evaluate::{
    Classifiers, EvaluateOutcome, EvaluateRequest, Files, HeldImages, KeptClassifier, answers,
    evaluate_beside, read_classifier,
};
use crate::classify::treatments::Classifier;
use crate::domain::task::Ctx;
use crate::evaluation::report::{Gallery, GalleryCell, GalleryRow, slug};
use crate::evaluation::saliency::paint::{LEGEND, OPACITY, colour, paint, png};
use crate::evaluation::saliency::side_by_side::{About, Look, Method, Question, looks};
use crate::evaluation::saliency::{Baseline, SaliencyError, SaliencyMap};
use crate::imaging::decode::{Limits, decode};
use crate::imaging::encode;
use crate::imaging::files::{is_inside, real};
use crate::imaging::picture::{Picture, Pixels};
use crate::imaging::training_set::Spec;
use crate::nn::ComputeDevice;

/// How maps and areas are read, whatever the maps are of.
const READING: &str = "A map marks the pixels that the answer of a classifier rests on: on the thing itself, or \
                           beside it, which is context. Hiding what a good map marks makes its class unlikely \
                           (deletion near 0), showing that alone makes it likely (insertion near 1). Pictures, masks \
                           and the colour that hides are the same for every treatment";
/// What follows where the maps of a row are of one class.
const OF_ONE_CLASS: &str =
    ", so deletion and insertion of a row compare; a difference of some hundredths says little.";
/// What follows where each map is of the class that its classifier says.
const OF_SAID: &str = ", but each map is of the class that its own classifier says: deletion and insertion of a row \
                       compare only where that is the same class.";
/// Why a classifier whose file is whole has no map.
const BROKEN: &str = "Its classifier gave a value that is no number.";
/// Folder of the maps below that of the results.
const MAPS: &str = "maps";
/// Steps of the legend's colours.
const SHADES: usize = 32;
/// Pixels that the longer side of a picture in a file has at least, where whole multiples allow.
const LARGE: u32 = 168;

/// Why a comparison has no maps.
fn before_maps(folder: &Path) -> JobError {
    JobError::Input(format!(
        "this comparison was measured before classifiers were kept; compare again: {}",
        folder.display()
    ))
}

/// A test image that the classifiers were asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestImage {
    /// Relative to the root of its folder.
    pub path: String,
    /// Its true class when it was measured.
    pub class: usize,
    /// What each treatment said of it, in the order of [`Classifiers::of`]; `None` where that is not known.
    pub said: Vec<Option<usize>>,
}

impl TestImage {
    /// True where two treatments say different classes of it.
    pub fn is_disputed(&self) -> bool {
        let mut said = self.said.iter().flatten();
        let first = said.next();
        said.any(|other| Some(other) != first)
    }
}

/// The test images of a comparison's classifiers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestImages {
    /// In class order.
    pub classes: Vec<String>,
    pub images: Vec<TestImage>,
}

impl TestImages {
    /// Positions of so many images of each class: first those that treatments disagree on, then the others, both in
    /// their order.
    pub fn sample(&self, each: usize) -> Vec<usize> {
        let mut chosen = Vec::new();
        for class in 0..self.classes.len() {
            let of = |disputed: bool| {
                let images = self.images.iter().enumerate();
                images
                    .filter(move |(_, image)| image.class == class && image.is_disputed() == disputed)
                    .map(|(position, _)| position)
            };
            chosen.extend(of(true).chain(of(false)).take(each));
        }
        chosen
    }
}

/// Which images the kept classifiers were asked about, and what they said.
///
/// # Errors
/// A comparison from before classifiers were kept, or a list that cannot be read.
pub fn test_images(classifiers: &Classifiers) -> Result<TestImages, JobError> {
    let list = HeldImages::read(&classifiers.folder)?.ok_or_else(|| before_maps(&classifiers.folder))?;
    let answers = answers(classifiers);
    let images = list.images.into_iter().enumerate();
    let images = images.map(|(position, image)| TestImage {
        path: image.path,
        class: image.class,
        said: answers.iter().map(|said| said.as_ref()?.get(position).copied()).collect(),
    });
    Ok(TestImages { images: images.collect(), classes: list.classes })
}

/// Maps to make.
#[derive(Clone, Debug)]
pub struct MapsRequest {
    /// The folder that the paths of the test images begin at.
    pub root: PathBuf,
    /// With the folder where they lie now.
    pub classifiers: Classifiers,
    /// Names of treatments; all of them where it is empty.
    pub treatments: Vec<String>,
    /// Positions in [`TestImages::images`]; at least one.
    pub images: Vec<usize>,
    pub question: Question,
    /// auto, gpu, cpu or software.
    pub device: String,
}

/// What a treatment's classifier says of an image, and the map of that.
#[derive(Clone, Debug, PartialEq)]
pub struct MapCell {
    pub said: usize,
    /// Of what it says, in \[0, 1\].
    pub probability: f64,
    /// The class that the map is of.
    pub class: usize,
    pub map: SaliencyMap,
    /// The picture under the colours of the map, at training size.
    pub painted: Picture,
    /// Area under the deletion curve, in \[0, 1\].
    pub deletion: f64,
    /// Area under the insertion curve, in \[0, 1\].
    pub insertion: f64,
}

/// A test image with the map of each treatment.
#[derive(Clone, Debug, PartialEq)]
pub struct MapRow {
    /// Position in [`TestImages::images`].
    pub image: usize,
    /// Relative to the root.
    pub path: String,
    /// Its true class.
    pub class: usize,
    /// As the classifiers see it, at training size.
    pub picture: Picture,
    /// In the order of [`Maps::treatments`]; a sentence where there is no map.
    pub cells: Vec<Result<MapCell, String>>,
}

/// Maps side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct Maps {
    pub question: Question,
    /// The seed that the classifiers were trained with.
    pub seed: u64,
    /// Of a cross-validation the fold that they were not trained on, from 0.
    pub fold: Option<usize>,
    /// In class order.
    pub classes: Vec<String>,
    /// Names, each with what a reader of its maps has to know.
    pub treatments: Vec<(String, Option<String>)>,
    /// How the images were chosen, a sentence; `None` where a person named them.
    pub chosen: Option<String>,
    pub rows: Vec<MapRow>,
    /// The colours of the maps from 0 to 1.
    pub legend: Vec<[u8; 3]>,
}

fn saliency_error(error: SaliencyError) -> JobError {
    let text = error.to_string();
    match error {
        SaliencyError::Cancelled => JobError::Cancelled,
        SaliencyError::Device => JobError::Resource(text),
        _ => JobError::Input(text),
    }
}

/// Makes the maps. The same request gives the same maps. A treatment without a classifier that can be asked has its
/// reason in its cells.
///
/// # Errors
/// A comparison from before classifiers were kept; no image or treatment, or one that is not there; an image that cannot
/// be read; a setting out of its range; as [`JobError`] says.
pub fn maps(ctx: &Ctx, request: &MapsRequest) -> Result<Maps, JobError> {
    let kept = &request.classifiers;
    let list = HeldImages::read(&kept.folder)?.ok_or_else(|| before_maps(&kept.folder))?;
    if request.images.is_empty() {
        return Err(JobError::Input(
            "there is no test image to make maps of; choose at least one".to_owned(),
        ));
    }
    let asked = |name: &String| request.treatments.is_empty() || request.treatments.contains(name);
    let wanted: Vec<&KeptClassifier> = kept.of.iter().filter(|of| asked(&of.name)).collect();
    if wanted.is_empty() {
        return Err(JobError::Input(format!(
            "the comparison has no such treatment; choose from {}",
            kept.of.iter().map(|of| of.name.as_str()).collect::<Vec<&str>>().join(", ")
        )));
    }
    let baseline = Baseline::new(&list.mean)
        .filter(|_| list.mean.len() == usize::from(list.spec.channels))
        .ok_or_else(|| {
        JobError::Input(format!(
            "the list of the test images does not fit them; compare again: {}",
            kept.folder.display()
        ))
    })?;
    let mut rows = Vec::with_capacity(request.images.len());
    let total = request.images.len() as u64;
    for &image in &request.images {
        ctx.check()?;
        ctx.progress("reading the test images", rows.len() as u64, total);
        let Some(held) = list.images.get(image) else {
            return Err(JobError::Input(format!(
                "there is no test image {image}; there are {}, from 0",
                list.images.len()
            )));
        };
        let picture = read(&request.root, &held.path, &list.spec)?;
        rows.push(MapRow { image, path: held.path.clone(), class: held.class, picture, cells: Vec::new() });
    }

    let device = Compute::start(&request.device)?;
    let pictures: Vec<Picture> = rows.iter().map(|row| row.picture.clone()).collect();
    let truth: Vec<usize> = rows.iter().map(|row| row.class).collect();
    for (place, of) in wanted.iter().enumerate() {
        ctx.check()?;
        let told = ctx.within(&format!("{}, {} of {}", of.name, place + 1, wanted.len()));
        let cells: Vec<Result<MapCell, String>> = match classifier(kept, of, &list, &device) {
            Err(reason) => vec![Err(reason); rows.len()],
            Ok(classifier) => {
                match looks(&told, &classifier, &pictures, &truth, &baseline, &request.question) {
                    Ok(found) => {
                        let found = found.into_iter().zip(&pictures);
                        let cells = found.map(|(look, picture)| cell(look, picture).map(Ok));
                        cells.collect::<Result<_, JobError>>()?
                    }
                    // Of this classifier alone; the others have their maps.
                    Err(SaliencyError::NotFinite) => vec![Err(BROKEN.to_owned()); rows.len()],
                    Err(error) => return Err(saliency_error(error)),
                }
            }
        };
        rows.iter_mut().zip(cells).for_each(|(row, cell)| row.cells.push(cell));
    }
    let last = (SHADES - 1) as f64;
    Ok(Maps {
        question: request.question,
        seed: kept.seed,
        fold: kept.fold,
        classes: list.classes,
        treatments: wanted.iter().map(|of| (of.name.clone(), of.remark.clone())).collect(),
        chosen: None,
        rows,
        legend: (0..SHADES).map(|shade| colour(shade as f64 / last)).collect(),
    })
}

/// A test image as the classifiers see it.
fn read(root: &Path, path: &str, spec: &Spec) -> Result<Picture, JobError> {
    let file = root.join(path);
    let refused = |why: String| {
        JobError::Input(format!(
            "the test image cannot be read ({why}); choose another one: {}",
            file.display()
        ))
    };
    if !is_inside(path) {
        return Err(refused("its path leads out of the folder".to_owned()));
    }
    let decoded = decode(&file, &Limits::default()).map_err(|error| refused(error.to_string()))?;
    Ok(spec.apply(&decoded.picture))
}

/// The kept classifier of a treatment on a device, or a sentence that says why there is none.
fn classifier(
    kept: &Classifiers,
    of: &KeptClassifier,
    list: &HeldImages,
    device: &ComputeDevice,
) -> Result<Classifier, String> {
    let gone = || "Its classifier is not there any more; compare again.".to_owned();
    let Some(file) = &of.file else { return Err(of.remark.clone().unwrap_or_else(gone)) };
    let path = kept.folder.join(file);
    if !is_inside(file) || !path.is_file() {
        return Err(gone());
    }
    read_classifier(&path, (of.name.as_str(), kept.seed, kept.fold), list, device)
}

fn cell(look: Look, picture: &Picture) -> Result<MapCell, JobError> {
    let painted = paint(picture, &look.map, OPACITY).map_err(saliency_error)?;
    let Look { said, probability, class, map, deletion, insertion } = look;
    Ok(MapCell { said, probability, class, map, painted, deletion, insertion })
}

fn unwritten(error: &dyn std::fmt::Display) -> JobError {
    JobError::Failed(format!("the maps could not be written down: {error}"))
}

/// The picture with each pixel as a square of several, where it is small.
fn enlarged(picture: &Picture) -> Picture {
    let times = (LARGE / picture.width.max(picture.height).max(1)).max(1);
    let (channels, samples) = (usize::from(picture.channels).max(1), picture.to_u8());
    let mut out = Vec::with_capacity(samples.len() * (times * times) as usize);
    for line in samples.chunks((picture.width as usize * channels).max(1)) {
        let pixels = line.chunks(channels);
        let wide: Vec<u8> =
            pixels.flat_map(|pixel| std::iter::repeat_n(pixel, times as usize).flatten().copied()).collect();
        (0..times).for_each(|_| out.extend_from_slice(&wide));
    }
    Picture {
        width: picture.width * times,
        height: picture.height * times,
        channels: picture.channels,
        pixels: Pixels::U8(out),
    }
}

impl Maps {
    /// Name of a class.
    pub fn class(&self, class: usize) -> &str {
        self.classes.get(class).map_or("", String::as_str)
    }

    /// How they were made, in one line.
    pub fn heading(&self) -> String {
        let Question { method, about, masks, .. } = self.question;
        let method = match method {
            Method::GradCam => method.name().to_owned(),
            Method::Rise => format!("{} with {masks} masks", method.name()),
        };
        let of = match about {
            About::True => "the true class of each image",
            About::Said => "the class that each classifier says",
        };
        let fold = self.fold.map_or_else(String::new, |fold| {
            format!(", trained without fold {}, whose images these are", fold + 1)
        });
        format!("{method} of {of}; the classifiers of seed {}{fold}", self.seed)
    }

    /// Beginning of the names of a row's files.
    fn stem(&self, place: usize) -> String {
        let Some(row) = self.rows.get(place) else { return String::new() };
        let number = self.rows.iter().take(place + 1).filter(|other| other.class == row.class).count();
        // Two classes may be told apart by signs that no file's name has.
        format!("{MAPS}/{:02}-{}-{number:02}", row.class + 1, slug(self.class(row.class)))
    }

    /// The file of a map below the folder of results.
    fn file(&self, place: usize, treatment: usize) -> String {
        let name = self.treatments.get(treatment).map_or("", |(name, _)| name.as_str());
        format!("{}-{:02}-{}.png", self.stem(place), treatment + 1, slug(name))
    }

    /// The whole as one object, for scripts and for `maps/maps.json`.
    pub fn json(&self) -> Value {
        let Question { method, about, masks, grid, seed } = self.question;
        let rise = method == Method::Rise;
        let cell = |place: usize, treatment: usize, cell: &Result<MapCell, String>| {
            let name = self.treatments.get(treatment).map_or("", |(name, _)| name.as_str());
            match cell {
                Err(reason) => json!({ "name": name, "reason": reason }),
                Ok(cell) => json!({
                    "name": name,
                    "said": self.class(cell.said),
                    "probability": cell.probability,
                    "right": self.rows.get(place).is_some_and(|row| row.class == cell.said),
                    "class": self.class(cell.class),
                    "blank": cell.map.is_blank(),
                    "deletion": cell.deletion,
                    "insertion": cell.insertion,
                    "file": self.file(place, treatment),
                }),
            }
        };
        let images = self.rows.iter().enumerate().map(|(place, row)| {
            let cells = row.cells.iter().enumerate();
            let cells: Vec<Value> = cells.map(|(treatment, of)| cell(place, treatment, of)).collect();
            json!({
                "image": row.path,
                "class": self.class(row.class),
                "file": format!("{}.png", self.stem(place)),
                "treatments": cells,
            })
        });
        json!({
            "explainer": method.as_str(),
            "of": about.as_str(),
            "masks": rise.then_some(masks),
            "grid": rise.then_some(grid),
            "mask_seed": seed,
            "seed": self.seed,
            "fold": self.fold.map(|fold| fold + 1),
            "remarks": self.remarks(),
            "images": images.collect::<Vec<Value>>(),
        })
    }

    /// How maps and areas are read.
    pub fn reading(&self) -> String {
        let of = match self.question.about {
            About::True => OF_ONE_CLASS,
            About::Said => OF_SAID,
        };
        format!("{READING}{of}")
    }

    /// What a reader has to know of the choice of images and of single treatments, in sentences.
    pub fn remarks(&self) -> Vec<String> {
        let of = |(name, remark): &(String, Option<String>)| Some(format!("{name}: {}", remark.as_ref()?));
        self.chosen.iter().cloned().chain(self.treatments.iter().filter_map(of)).collect()
    }

    /// A picture for each image and for each map, the latter with its legend, and a list of them.
    ///
    /// # Errors
    /// Cancelled; a picture that cannot be encoded.
    fn files(&self, ctx: &Ctx) -> Result<Files, JobError> {
        let mut files = Vec::new();
        for (place, row) in self.rows.iter().enumerate() {
            ctx.check()?;
            ctx.progress("writing the maps", place as u64, self.rows.len() as u64);
            let text = [("Title", row.path.as_str())];
            let picture = encode::png(&enlarged(&row.picture), &text).map_err(|error| unwritten(&error))?;
            files.push((format!("{}.png", self.stem(place)), picture));
            for (treatment, cell) in row.cells.iter().enumerate() {
                let Ok(cell) = cell else { continue };
                let bytes = png(&enlarged(&cell.painted), &cell.map).map_err(|error| unwritten(&error))?;
                files.push((self.file(place, treatment), bytes));
            }
        }
        let list = serde_json::to_vec_pretty(&self.json()).map_err(|error| unwritten(&error))?;
        files.push((format!("{MAPS}/maps.json"), list));
        Ok(files)
    }

    /// Writes them into a new folder, in the folder `maps` of that as the command line has them: whole or not at all.
    /// Gives the true path of the new folder.
    ///
    /// # Errors
    /// Cancelled; a folder that exists, a place in one of the folders `sources`, or the disk's; a picture that cannot be
    /// encoded.
    pub fn save(&self, ctx: &Ctx, folder: &Path, sources: &[PathBuf]) -> Result<PathBuf, JobError> {
        let folder = real(folder);
        if fs::symlink_metadata(&folder).is_ok() {
            return Err(JobError::Input(format!(
                "there is something of that name, which is never overwritten; choose another name: {}",
                folder.display()
            )));
        }
        let files = self.files(ctx)?;
        let written = files.into_iter().try_for_each(|(name, bytes)| {
            ctx.check()?;
            write_new(folder.join(name), sources, &bytes).map(drop)
        });
        if let Err(error) = written {
            // All that lies in it is from here.
            fs::remove_dir_all(&folder).ok();
            return Err(error);
        }
        Ok(folder)
    }

    /// The maps for the page of the comparison.
    ///
    /// # Errors
    /// A picture that cannot be encoded.
    pub fn gallery(&self) -> Result<Gallery, JobError> {
        let bytes = |picture: &Picture| encode::png(picture, &[]).map_err(|error| unwritten(&error));
        let mut rows = Vec::with_capacity(self.rows.len());
        for row in &self.rows {
            let mut cells = Vec::with_capacity(row.cells.len());
            for cell in &row.cells {
                cells.push(match cell {
                    Err(reason) => Err(reason.clone()),
                    Ok(cell) => Ok(GalleryCell {
                        png: bytes(&cell.painted)?,
                        said: self.class(cell.said).to_owned(),
                        probability: cell.probability,
                        right: cell.said == row.class,
                        caption: cell.map.caption(),
                        deletion: cell.deletion,
                        insertion: cell.insertion,
                    }),
                });
            }
            rows.push(GalleryRow {
                png: bytes(&row.picture)?,
                image: row.path.clone(),
                class: self.class(row.class).to_owned(),
                cells,
            });
        }
        let mut sentences = vec![format!("{}.", self.heading()), self.reading()];
        sentences.push(format!("The colours go from {LEGEND}."));
        sentences.extend(self.remarks());
        let treatments = self.treatments.iter().map(|(name, _)| name.clone()).collect();
        Ok(Gallery { sentences, treatments, rows })
    }
}

/// Evaluates, and puts maps of `each` test images of each class beside the results and into the report. An evaluation
/// that was stopped before its end has none.
///
/// # Errors
/// No [`EvaluateRequest::out`]; as [`super::evaluate::evaluate`] and [`maps`], after which the same call goes on.
pub fn evaluate_with_maps(
    ctx: &Ctx,
    request: &EvaluateRequest,
    each: usize,
    question: &Question,
) -> Result<(EvaluateOutcome, Option<Maps>), JobError> {
    if request.out.is_none() {
        return Err(JobError::Input(
            "maps are written beside the results of an evaluation; name a new folder with --out".to_owned(),
        ));
    }
    let made = RefCell::new(None);
    let outcome = evaluate_beside(ctx, request, &|outcome: &EvaluateOutcome| {
        let Some(classifiers) = outcome.classifiers.clone() else { return Ok(Vec::new()) };
        let images = test_images(&classifiers)?.sample(each);
        let asked = MapsRequest {
            root: request.test.as_ref().unwrap_or(&request.dataset).root.clone(),
            classifiers,
            treatments: Vec::new(),
            images,
            question: *question,
            device: request.choice.device.clone(),
        };
        // What was told is the time of the trainings, and they are over; nobody measured a map.
        ctx.time_left(None, "");
        let mut found = maps(&ctx.within("maps"), &asked)?;
        let images = if each == 1 { "image" } else { "images" };
        found.chosen = Some(format!(
            "At most {each} test {images} of each class, first those that treatments disagree on: they do not stand \
             for the others of their class."
        ));
        let mut files = found.files(ctx)?;
        let mut page = outcome.page(request);
        // Maps are refused without a folder to go to.
        page.about.command += &format!(" --out RESULTS --maps {each} {}", words(question));
        files.push(("report.html".to_owned(), page.html_with(&found.gallery()?).into_bytes()));
        *made.borrow_mut() = Some(found);
        Ok(files)
    })?;
    Ok((outcome, made.into_inner()))
}

/// The flags that ask this question.
fn words(question: &Question) -> String {
    let Question { method, about, masks, .. } = question;
    let masks = if *method == Method::Rise { format!(" --masks {masks}") } else { String::new() };
    format!("--explainer {method}{masks} --maps-of {about}")
}
