//! The page of a comparison: one file that is read anywhere, printed, and kept beside a paper.

use std::fmt::Write as _;

use super::charts::{COLOURS, STYLE, chart};
use super::text::{NOTHING, bounds, difference, escaped, mean, verdict};
use super::{Chart, ClassFigures, Gallery, Page, TreatmentRow, gallery};
use crate::domain::numbers::counted;
use crate::evaluation::comparison::Comparison;
use crate::evaluation::generators::{MadeRow, share};
use crate::evaluation::metrics::bootstrap::Interval;
use crate::evaluation::metrics::{Figure, Spread};

/// What the page looks like, beside its colours and charts.
const LOOK: &str = "\
body{margin:0;background:var(--background);color:var(--text);font:15px/1.5 system-ui,sans-serif}\n\
main{max-width:1040px;margin:0 auto;padding:24px 16px 64px}\n\
h1{font-size:26px;margin:0 0 4px}\n\
h2{font-size:19px;margin:36px 0 8px}\n\
p{margin:6px 0}\n\
.lead{font-size:17px;font-weight:600}\n\
.muted,caption,small{color:var(--muted)}\n\
.warning{color:var(--warning)}\n\
.failure{color:var(--failure)}\n\
.wide{overflow-x:auto;background:var(--panel);border:1px solid var(--line);border-radius:8px;margin:12px 0}\n\
table{border-collapse:collapse;width:100%;font-size:13px;font-variant-numeric:tabular-nums}\n\
caption{text-align:left;padding:10px 12px;font-size:13px}\n\
th,td{padding:6px 12px;text-align:right;border-top:1px solid var(--line);white-space:nowrap}\n\
thead th{background:var(--raised)}\n\
th:first-child,td:first-child{text-align:left}\n\
small{display:block;font-weight:400;font-size:12px}\n\
dt{font-weight:600;margin-top:8px}\n\
dd{margin:0}\n\
pre{background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:12px;white-space:pre-wrap;\
overflow-wrap:anywhere}\n\
code{overflow-wrap:anywhere}\n\
.wide svg{display:block}\n\
.maps td,.maps th{text-align:left;vertical-align:top;white-space:normal;min-width:112px}\n\
.maps img{display:block;width:112px;height:auto;image-rendering:pixelated;margin-bottom:4px}\n";

/// Paper is white; a table or chart is cut by its page only where it must be.
const PRINT: &str = "\
main{max-width:none;padding:0}\n\
.wide{overflow:visible;break-inside:avoid}\n\
.wide svg{max-width:100%;height:auto}\n\
h2{break-after:avoid}\n";

/// What every figure is, in a sentence.
const DEFINITIONS: [(&str, &str); 17] = [
    (
        "recall",
        "The share of the test images of a class that were found; a class without test images has none.",
    ),
    (
        "precision",
        "The share of what was said to be of a class that is; 0 for a class that was never said, which is 0 of 0.",
    ),
    ("F1", "The harmonic mean of precision and recall of a class; 0 where no image was found."),
    ("F0.5", "As F1, with precision counted twice as much as recall."),
    ("ACSA", "The mean recall of the classes that have test images; others call it balanced accuracy."),
    ("macro F1", "The mean of the F1 of the classes, never the F1 of a mean precision and a mean recall."),
    (
        "GM",
        "The root of the product of the recalls, one for each class; 0 as soon as one class is never found.",
    ),
    (
        "GM, macro form",
        "The root of mean recall times mean specificity, as published tables of generators have it. The \
         specificity of a class counts the images of all other classes, so it is near 1 and the figure lies higher \
         than GM; with as many test images of each class it follows from ACSA and says nothing more.",
    ),
    ("accuracy", "The share of all test images that were found; large classes decide it."),
    (
        "MCC",
        "Matthews' correlation of truth and answers, from -1 to 1; 0 where one of the two never changes.",
    ),
    ("kappa", "Cohen's agreement beyond that of chance, at most 1."),
    ("AUROC", "The area under the ROC curve of each class against all others, averaged over the classes."),
    (
        "AUPRC",
        "The area under the precision-recall curve of each class against all others, averaged; chance is the \
         share of a class.",
    ),
    (
        "calibration error",
        "How far confidence lies from accuracy, in 15 bins of confidence weighted by their images; 0 is best.",
    ),
    (
        "recall of many-, medium- and few-shot classes",
        "The mean recall of the classes with more than 100, 20 to 100, and fewer than 20 training images.",
    ),
    (
        "± and intervals",
        "Behind ± stands the standard deviation over seeds. A 95 % interval says where a mean would lie with other \
         test images and other seeds. The test images of each class are drawn again many times, those that belong \
         together (of a patient, or copies) always together: the middle 95 % of the draws are the images' part. \
         The seeds are too few to be drawn again; what their spread leaves open, by Student's law, is added, and \
         with one seed that part is missing. What follows from the counts of answers has an interval: the figures of \
         the first table up to kappa, and the recall of each class. AUROC, AUPRC and calibration error need the \
         probabilities of every image and have none; nor have precision, F1 and F0.5 of a class and the recalls of \
         groups. The interval of a difference leaves out 0 only where a randomisation \
         test agrees: where exchanging the answers of the two sides at random rarely gives as large a difference. \
         Those of the chart of recalls are Wilson's, over the test images of a class alone.",
    ),
    (
        "difference",
        "The treatment minus the baseline on the same seeds and the same images. It is shown to be better or worse \
         where its interval leaves out 0. A treatment that adds images is also held against the best one that adds \
         none.",
    ),
];

pub(super) fn page(page: &Page, maps: Option<&Gallery>) -> String {
    let mut out = String::new();
    head(&mut out, page, maps.is_some() || !page.about.pictures.is_empty());
    lead(&mut out, page);
    figures(&mut out, page);
    differences(&mut out, page);
    charts(&mut out, page, "Charts", &[Chart::Acsa, Chart::Recall, Chart::Change]);
    classes(&mut out, page);
    charts(&mut out, page, "Answers", &[Chart::Confusion]);
    if let Some(maps) = maps {
        gallery::section(&mut out, maps);
    }
    made(&mut out, page);
    settings(&mut out, page);
    card(&mut out, page);
    out += "<h2>What the figures are</h2>\n<dl>\n";
    for (term, words) in DEFINITIONS {
        let _ = writeln!(out, "<dt>{}</dt><dd>{}</dd>", escaped(term), escaped(words));
    }
    out += "</dl>\n<h2>How to repeat it</h2>\n";
    let _ = writeln!(out, "<pre><code>{}</code></pre>", escaped(&page.about.command));
    out += "<p>FOLDER, TEST and DIR stand for the folders. Parts that were cut off with --split, and labels that \
            were changed in the window, have to be the same: the hashes of the data card tell. Another machine \
            may change figures by rounding.</p>\n</main>\n</body>\n</html>\n";
    out
}

/// The colours of one theme as rules.
fn colours(dark: bool) -> String {
    let mut rules = String::new();
    for (name, light, night) in COLOURS {
        let _ = write!(rules, "--{name}:{};", if dark { night } else { light });
    }
    format!(":root{{color-scheme:{};{rules}}}", if dark { "dark" } else { "light" })
}

fn head(out: &mut String, page: &Page, pictures: bool) {
    let treatments = counted(page.treatments.len(), "treatment", "treatments");
    // Nothing may be loaded, whatever a name says; pictures are inside.
    let inside = if pictures { "; img-src data:" } else { "" };
    let _ = write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src &#39;none&#39;; style-src &#39;unsafe-inline&#39;{inside}\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <title>Treatments of imbalance compared</title>\n<style>\n{}\n\
         @media screen and (prefers-color-scheme:dark){{{}}}\n{LOOK}{STYLE}@media print{{\n{PRINT}}}\n</style>\n\
         </head>\n<body>\n<main>\n<h1>Treatments of imbalance compared</h1>\n",
        colours(false),
        colours(true),
    );
    let images = counted(page.test_images(), "image", "images");
    let asked = match page.about.card.folds {
        Some(folds) => format!("{images} held out in turn in {folds} folds"),
        None => format!("{images} of the test part"),
    };
    let held = page.treatment(&page.baseline).map_or_else(String::new, |baseline| {
        format!("; the others are held against {}", named(&baseline.name))
    });
    let _ = writeln!(
        out,
        "<p class=\"muted\">The same network under {treatments}, on {}, measured on {asked}{held}.</p>",
        counted(page.classes.len(), "class", "classes")
    );
}

/// A name in a sentence or cell, whichever way it is written.
pub(super) fn named(name: &str) -> String {
    format!("<bdi>{}</bdi>", escaped(name))
}

fn lead(out: &mut String, page: &Page) {
    for (place, sentence) in page.summary.iter().enumerate() {
        let class = if place == 0 { " class=\"lead\"" } else { "" };
        let _ = writeln!(out, "<p{class}>{}</p>", escaped(sentence));
    }
    let about = &page.about;
    let warn = |out: &mut String, class: &str, words: &str| {
        let _ = writeln!(out, "<p class=\"{class}\">{}</p>", escaped(words));
    };
    if !about.complete {
        let words = "It was stopped before its end: the figures are of what was measured until then.";
        warn(out, "warning", words);
    }
    about.warnings.iter().for_each(|words| warn(out, "warning", words));
    about.failed.iter().for_each(|words| warn(out, "failure", words));
}

/// Opens a box that scrolls by itself; a stop of the Tab key, so that the keyboard reaches what is wide.
pub(super) fn open_box(out: &mut String, name: &str) {
    let name = escaped(name);
    let _ = writeln!(out, "<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"{name}\">");
}

/// A table of cells that are HTML already; the first of a row is its head. The caption is a few words: it scrolls with
/// a wide table, so what fills a line goes into a paragraph above.
fn table(out: &mut String, caption: &str, heads: &[String], rows: &[Vec<String>]) {
    open_box(out, caption);
    let _ = writeln!(out, "<table>\n<caption>{}</caption>\n<thead>\n<tr>", escaped(caption));
    for head in heads {
        let _ = write!(out, "<th scope=\"col\">{head}</th>");
    }
    *out += "</tr>\n</thead>\n<tbody>\n";
    for row in rows {
        *out += "<tr>";
        for (place, cell) in row.iter().enumerate() {
            let _ = match place {
                0 => write!(out, "<th scope=\"row\">{cell}</th>"),
                _ => write!(out, "<td>{cell}</td>"),
            };
        }
        *out += "</tr>\n";
    }
    *out += "</tbody>\n</table>\n</div>\n";
}

/// A value, or a dash with the reason for it.
fn cell(spread: Option<Spread>, reason: &str) -> String {
    match spread {
        Some(_) => mean(spread),
        None => format!("{NOTHING}<small>{}</small>", escaped(reason)),
    }
}

/// Why a figure of a whole treatment has no value.
fn reason(key: &str) -> &'static str {
    match key {
        "recall_many" | "recall_medium" | "recall_few" => "no such class has test images",
        "auroc" | "auprc" | "calibration_error" => "not measured",
        "gm_macro" => "one class has test images",
        _ => "no test image",
    }
}

fn head_of(row: &TreatmentRow) -> String {
    let kind = match (row.made, row.repeated) {
        (true, _) => "made images; ",
        (false, true) => "repeated images; ",
        (false, false) => "",
    };
    let seeds: Vec<String> = row.seeds.iter().map(u64::to_string).collect();
    let seeds = seeds.join(", ");
    format!("{}<small>{}</small><small>{kind}seeds {seeds}</small>", named(&row.name), escaped(&row.label))
}

fn figures(out: &mut String, page: &Page) {
    *out += "<h2>Treatments by ACSA</h2>\n";
    let names = Comparison::figure_names();
    let mut heads = vec!["treatment".to_owned(), format!("ACSA against {}", named(&page.baseline))];
    let free = page.best_free();
    heads.extend(
        free.map(|free| format!("ACSA against {}<small>the best that adds no images</small>", named(free))),
    );
    heads.extend(names.iter().map(|(_, name)| escaped(name)));
    let rows: Vec<Vec<String>> = page
        .by_acsa()
        .into_iter()
        .map(|row| {
            let mut cells = vec![head_of(row), against(page, row, row.difference())];
            cells.extend(free.map(|_| against_free(row, 0)));
            for (key, _) in &names {
                let mut text = cell(row.figure(key), reason(key));
                let place = Figure::ALL.iter().position(|figure| figure.key() == *key);
                let interval = place.and_then(|place| row.intervals.get(place).copied().flatten());
                if let Some(interval) = interval {
                    let _ = write!(text, "<small>{}</small>", bounds(&interval));
                }
                cells.push(text);
            }
            cells
        })
        .collect();
    *out += "<p class=\"muted\">Mean ± standard deviation over the seeds, with 95 % intervals; classes count alike but \
             in accuracy.</p>\n";
    table(out, "Figures of all treatments", &heads, &rows);
    for row in page.treatments.iter().filter(|row| !row.sentences.is_empty()) {
        for sentence in &row.sentences {
            let _ = writeln!(out, "<p>{}</p>", escaped(sentence));
        }
    }
}

/// A difference with what it shows, or why there is none.
fn against(page: &Page, row: &TreatmentRow, found: Option<Interval>) -> String {
    match found {
        Some(found) => format!("{}<small>{}</small>", difference(&found), verdict(&found)),
        None if row.name == page.baseline => {
            format!("{NOTHING}<small>the others are held against it</small>")
        }
        None if row.differences.is_empty() => format!("{NOTHING}<small>no shared seed</small>"),
        None => format!("{NOTHING}<small>one of the two has no value</small>"),
    }
}

/// The same against the best treatment that adds no images, of a figure by its place.
fn against_free(row: &TreatmentRow, place: usize) -> String {
    let found = row.against_free.as_ref().map(|free| free.differences.get(place).copied().flatten());
    match found {
        Some(Some(found)) => format!("{}<small>{}</small>", difference(&found), verdict(&found)),
        Some(None) => format!("{NOTHING}<small>one of the two has no value</small>"),
        None if row.made || row.repeated => format!("{NOTHING}<small>no shared seed</small>"),
        None => format!("{NOTHING}<small>it adds no images</small>"),
    }
}

fn differences(out: &mut String, page: &Page) {
    if page.treatments.iter().all(|row| row.differences.is_empty()) {
        return;
    }
    // An earlier version kept fewer figures.
    let kept = page.treatments.iter().map(|row| row.differences.len()).max().unwrap_or(0);
    let shown = kept.min(Figure::ALL.len());
    let mut heads = vec!["treatment".to_owned()];
    heads.extend(Figure::ALL.iter().take(shown).map(|figure| escaped(figure.name())));
    let rows: Vec<Vec<String>> = page
        .by_acsa()
        .into_iter()
        .filter(|row| row.name != page.baseline)
        .map(|row| {
            let of = |place: usize| row.differences.get(place).copied().flatten();
            let cells = (0..shown).map(|place| against(page, row, of(place)));
            std::iter::once(named(&row.name)).chain(cells).collect()
        })
        .collect();
    let caption = format!("Differences against {}, paired by seed and image", page.baseline);
    table(out, &caption, &heads, &rows);
    let Some(free) = page.best_free() else { return };
    let rows: Vec<Vec<String>> = page
        .by_acsa()
        .into_iter()
        .filter(|row| row.against_free.is_some())
        .map(|row| {
            let cells = (0..shown).map(|place| against_free(row, place));
            std::iter::once(named(&row.name)).chain(cells).collect()
        })
        .collect();
    let caption = format!("Differences against {free}, the best treatment that adds no images");
    table(out, &caption, &heads, &rows);
}

fn charts(out: &mut String, page: &Page, head: &str, all: &[Chart]) {
    let _ = writeln!(out, "<h2>{}</h2>", escaped(head));
    for &kind in all {
        let of: Vec<&str> = match kind {
            Chart::Acsa | Chart::Recall => vec![page.baseline.as_str()],
            Chart::Change | Chart::Confusion => page.treatments.iter().map(|row| row.name.as_str()).collect(),
        };
        for treatment in of {
            let Some(svg) = chart(page, kind, treatment, false) else { continue };
            let name = match kind {
                Chart::Acsa | Chart::Recall => kind.name().to_owned(),
                Chart::Change | Chart::Confusion => format!("{}: {treatment}", kind.name()),
            };
            open_box(out, &name);
            *out += &svg;
            *out += "</div>\n";
        }
    }
}

/// A table for each figure of classes: treatments down, classes across, by falling number of training images.
fn classes(out: &mut String, page: &Page) {
    type Of = fn(&ClassFigures) -> Option<Spread>;
    const FIGURES: [(&str, Of); 4] = [
        ("Recall of each class", |figures| figures.recall),
        ("Precision of each class", |figures| figures.precision),
        ("F1 of each class", |figures| figures.f1),
        ("F0.5 of each class", |figures| figures.f05),
    ];
    *out += "<h2>Classes</h2>\n";
    let order = page.by_count();
    let mut heads = vec!["treatment".to_owned()];
    heads.extend(order.iter().map(|&class| {
        let of = &page.classes[class];
        let (training, test) = (of.training, of.test);
        format!("{}<small>{training} training, {test} test</small>", named(&of.name))
    }));
    for (place, (caption, figure)) in FIGURES.into_iter().enumerate() {
        let rows: Vec<Vec<String>> = page
            .treatments
            .iter()
            .map(|row| {
                let cells = order.iter().map(|&class| {
                    let of = row.classes.get(class);
                    let missing =
                        if page.classes[class].test == 0 { "no test image" } else { "not measured" };
                    let mut text = cell(of.and_then(figure), missing);
                    if let Some(interval) = of.and_then(|of| of.recall_interval).filter(|_| place == 0) {
                        let _ = write!(text, "<small>{}</small>", bounds(&interval));
                    }
                    if let Some(found) = of.and_then(|of| of.recall_difference).filter(|_| place == 0) {
                        let name = named(&page.baseline);
                        let _ = write!(
                            text,
                            "<small>against {name} {}, {}</small>",
                            difference(&found),
                            verdict(&found)
                        );
                    }
                    let never = of.map_or(0, |figures| figures.never_said);
                    if place == 1 && never > 0 {
                        let seeds = counted(never, "seed", "seeds");
                        let _ = write!(text, "<small>0 of 0 with {seeds}</small>");
                    }
                    text
                });
                std::iter::once(named(&row.name)).chain(cells).collect()
            })
            .collect();
        table(out, caption, &heads, &rows);
    }
}

/// Two columns: what, and what it is. The second is HTML already.
fn pairs(out: &mut String, caption: &str, rows: &[(String, String)]) {
    let heads = ["what".to_owned(), "value".to_owned()];
    let rows: Vec<Vec<String>> =
        rows.iter().map(|(name, value)| vec![escaped(name), value.clone()]).collect();
    table(out, caption, &heads, &rows);
}

/// What each generator gave under each seed; nothing where there was none.
fn made(out: &mut String, page: &Page) {
    if page.about.made.is_empty() {
        return;
    }
    *out += "<h2>What generators gave</h2>\n";
    let heads = ["treatment", "slots", "accepted images", "repeats", "seconds of learning and making"];
    let rows: Vec<Vec<String>> = page
        .about
        .made
        .iter()
        .map(|of| {
            let mut cells = vec![format!("{}<small>seed {}</small>", named(&of.name), of.seed)];
            match of.filled {
                Some(filled) => {
                    cells.extend([filled.slots, filled.made, filled.repeats()].map(|n| n.to_string()));
                }
                None => {
                    let words = format!("{NOTHING}<small>its own classifier is measured</small>");
                    cells.extend(std::iter::repeat_n(words, 3));
                }
            }
            cells.push(match of.seconds.filter(|seconds| seconds.is_finite()) {
                Some(seconds) => format!("{seconds:.1}"),
                None => format!("{NOTHING}<small>not measured, as it was not done in one go</small>"),
            });
            cells
        })
        .collect();
    *out += "<p class=\"muted\">Each generator learns anew under each seed, from the training images alone; accepted \
             images and repeats fill the slots.</p>\n";
    table(out, "Images of each generator", &heads.map(str::to_owned), &rows);
    quality(out, &MadeRow::all(&page.about.made));
    alone(out, page);
    gallery::made(out, &page.about.pictures);
}

/// What a classifier learns from the images of each generator alone; nothing where that was not asked for.
fn alone(out: &mut String, page: &Page) {
    let mut heads = ["generator", "accepted images", "for real ones", "ACSA"].map(str::to_owned).to_vec();
    heads.extend(page.classes.iter().map(|of| format!("recall of {}", named(&of.name))));
    let all = page.about.made.iter().filter_map(|of| Some((of.seed, of.alone.as_ref()?)));
    let rows: Vec<Vec<String>> = all
        .map(|(seed, of)| {
            let head = format!("{}<small>seed {seed}</small>", named(&of.generator));
            let cells = [head, of.made.to_string(), of.slots.to_string(), share(of.acsa)];
            let recalls = page.classes.iter().map(|class| {
                let found = of.recalls.iter().find(|recall| recall.class == class.name);
                share(found.and_then(|found| found.recall))
            });
            cells.into_iter().chain(recalls).collect()
        })
        .collect();
    if rows.is_empty() {
        return;
    }
    *out += "<p class=\"muted\">Trained on made images alone, plainly, and asked about the real test images: as many \
             images of each class were made as it has real training images, and those accepted are learnt from.</p>\n";
    table(out, "Trained on made images alone", &heads, &rows);
}

/// How good the images of each generator are, those of one class below each other; nothing where none was measured.
fn quality(out: &mut String, rows: &[MadeRow]) {
    let mut columns: Vec<(&str, &str)> = Vec::new();
    for of in rows.iter().flat_map(|row| &row.figures) {
        let column = (of.features.as_str(), of.name.as_str());
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    if columns.is_empty() {
        return;
    }
    let mut heads = vec!["class and treatment".to_owned(), "made".to_owned(), "accepted".to_owned()];
    heads.extend(
        columns
            .iter()
            .map(|(features, name)| format!("{}<small>{}</small>", escaped(name), escaped(features))),
    );
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let head = format!("{}<small>{}</small>", named(&row.class), named(&row.treatment));
            let cells = columns.iter().map(|(features, name)| {
                let found = row.figure(features, name).filter(|of| of.value.is_finite());
                found.map_or_else(
                    || format!("{NOTHING}<small>not measured</small>"),
                    |of| {
                        format!(
                            "{}<small>{}</small><small>{}</small>",
                            of.text(),
                            escaped(&of.beside()),
                            of.images()
                        )
                    },
                )
            });
            [head, row.made.to_string(), row.accepted.to_string()].into_iter().chain(cells).collect()
        })
        .collect();
    *out += "<p class=\"muted\">Figures of all made images beside the same between real images: means over seeds and \
             folds, with the fewest images that entered. Each generator has a judge of its own (g), so its distances \
             compare with those of real images first; figures over pixels compare as they are. Precision and recall \
             look as far as the third nearest image, density and coverage as far as the fifth.</p>\n";
    table(out, "Quality of all made images", &heads, &rows);
}

fn settings(out: &mut String, page: &Page) {
    *out += "<h2>How it was run</h2>\n";
    let about = page.about.settings.iter();
    let rows: Vec<(String, String)> = about.map(|(name, value)| (name.clone(), escaped(value))).collect();
    pairs(out, "Settings, the same for every treatment", &rows);
}

fn card(out: &mut String, page: &Page) {
    *out += "<h2>Data card</h2>\n";
    let rows: Vec<Vec<String>> = page
        .classes
        .iter()
        .map(|of| vec![named(&of.name), of.training.to_string(), of.test.to_string()])
        .collect();
    let heads = ["class".to_owned(), "training images".to_owned(), "test images".to_owned()];
    table(out, "Classes in natural order", &heads, &rows);
    let card = &page.about.card;
    let training = page.classes.iter().map(|of| of.training);
    let (most, least) = (training.clone().max().unwrap_or(0), training.clone().min().unwrap_or(0));
    let ratio = match least {
        0 => format!("{NOTHING} (a class has no training image)"),
        least => format!("{:.2} ({most} to {least})", most as f64 / least as f64),
    };
    let kinds: Vec<String> = card.kinds.iter().map(|(kind, images)| format!("{images} {kind}")).collect();
    let kinds = if kinds.is_empty() { NOTHING.to_owned() } else { kinds.join(", ") };
    let measured = match card.folds {
        Some(folds) => format!("each image in turn, {folds} folds"),
        None => "a test part".to_owned(),
    };
    let row = |name: &str, value: String| (name.to_owned(), value);
    let hash = |hash: &str| format!("<code>{}</code>", escaped(hash));
    pairs(
        out,
        "Images",
        &[
            row("training images", training.sum::<usize>().to_string()),
            row("test images", page.test_images().to_string()),
            row("measured on", measured),
            row("imbalance ratio of the training images", ratio),
            row("kinds of the listed training images", escaped(&kinds)),
            row("left out because they could not be decoded", card.unreadable.to_string()),
            row("hash of the training images", hash(&card.training_hash)),
            row("hash of the images asked about", hash(&card.test_hash)),
        ],
    );
    if page.about.warnings.is_empty() {
        *out += "<p>No warning.</p>\n";
    }
    for warning in &page.about.warnings {
        let _ = writeln!(out, "<p class=\"warning\">{}</p>", escaped(warning));
    }
}
