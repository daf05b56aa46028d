//! The data set card: README.md of an exported folder, for people and for Hugging Face.
//!
//! No time and no absolute path; no licence either, which is the owner's to name.

use std::fmt::Write as _;

use super::manifest::MANIFEST;
use super::plan::{ExportRequest, FilePlan, Originals, totals};
use crate::domain::provenance::Kind;
use crate::domain::splits::Split;

/// Ends of file names that torchvision's ImageFolder reads.
const TORCHVISION: [&str; 9] = ["jpg", "jpeg", "png", "ppm", "bmp", "pgm", "tif", "tiff", "webp"];
/// Those of formats read here that Hugging Face's imagefolder reads.
const HUGGING_FACE: [&str; 16] = [
    "jpg", "jpeg", "jpe", "jfif", "png", "apng", "tif", "tiff", "bmp", "dib", "webp", "pnm", "pbm", "pgm",
    "ppm", "gif",
];

/// A text on one line of a table or list.
fn plain(text: &str) -> String {
    text.replace(['\n', '\r'], " ").replace('|', "\\|")
}

/// The size word of Hugging Face.
fn size_category(images: usize) -> &'static str {
    match images {
        0..1_000 => "n<1K",
        1_000..10_000 => "1K<n<10K",
        10_000..100_000 => "10K<n<100K",
        100_000..1_000_000 => "100K<n<1M",
        _ => "n>1M",
    }
}

/// The card. Writing into a string cannot fail.
pub(super) fn text(request: &ExportRequest, plan: &FilePlan) -> String {
    let mut out = String::new();
    let counts = totals(plan);
    let kinds = |kind: Kind| plan.files.iter().filter(|f| f.row.kind == kind).count();
    let (derived, synthetic, repeated) =
        (kinds(Kind::Derived), kinds(Kind::Synthetic), kinds(Kind::Repeated));
    let title: &str =
        if request.card.title.is_empty() { "Balanced image folder" } else { &request.card.title };
    header(&mut out, request, plan, title, derived + synthetic > 0);

    let _ = writeln!(out, "\n# {}\n", plain(title));
    let _ = writeln!(
        out,
        "An image folder balanced with counterpoise {}. Of its {} images {} are original, {derived} derived, \
         {synthetic} synthetic and {repeated} repeated.\n",
        env!("CARGO_PKG_VERSION"),
        plan.files.len(),
        kinds(Kind::Original),
    );
    out.push_str("## Counts\n\n| split | class | original | derived | synthetic | repeated | total |\n");
    out.push_str("|---|---|---:|---:|---:|---:|---:|\n");
    for (split, classes) in &counts {
        for c in classes.iter().filter(|c| c.total > 0) {
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} | {} | {} | {} |",
                split.as_str(),
                plain(&c.name),
                c.original,
                c.derived,
                c.synthetic,
                c.repeated,
                c.total
            );
        }
    }
    out.push_str(
        "\n## What kind means\n\n\
         - **original**: an image of the source folder.\n\
         - **derived**: a slightly changed real image. It shows a real subject, belongs to the group of its \
         seed image and is no new case.\n\
         - **synthetic**: an image made by a model or from several images; no single real image stands \
         behind it.\n\
         - **repeated**: a copy of a training original of the same class.\n\n",
    );
    match request.originals {
        Originals::Keep => out.push_str("Original files are byte for byte those of the source folder. "),
        Originals::TrainingSize => {
            out.push_str("Original images were brought to the size of the made ones. ")
        }
    }
    let _ = writeln!(
        out,
        "Made images are only in the training split; their names begin with `syn_`, those of repeated ones \
         with `rep_`. `{MANIFEST}` has a row for each file with kind, method, seed image, acceptance \
         probability, decision and SHA-256; `counterpoise verify` proves the folder against it.\n"
    );
    loading(&mut out, request, plan);
    method(&mut out, request, derived > 0);
    let remarks: Vec<&String> = request.card.notes.iter().chain(&plan.remarks).collect();
    if !remarks.is_empty() {
        out.push_str("\n## Notes\n\n");
        for remark in remarks {
            let _ = writeln!(out, "- {}", plain(remark));
        }
    }
    out
}

fn header(out: &mut String, request: &ExportRequest, plan: &FilePlan, title: &str, made: bool) {
    // A JSON string is a YAML string.
    let _ = writeln!(out, "---\npretty_name: {}", serde_json::Value::from(title));
    let _ = writeln!(out, "task_categories:\n- image-classification");
    let _ = writeln!(out, "size_categories:\n- {}", size_category(plan.files.len()));
    out.push_str("tags:\n- class-imbalance\n");
    if made {
        out.push_str("- synthetic\n");
    }
    // Labels are dropped where there is one class only, unless this is asked for.
    out.push_str("configs:\n- config_name: default\n  drop_labels: false\n  data_files:\n");
    for split in Split::ALL {
        let paths = patterns(request, plan, split);
        if !paths.is_empty() {
            let paths = serde_json::Value::from(paths);
            let _ = writeln!(out, "  - split: {}\n    path: {paths}", split.as_str());
        }
    }
    out.push_str("---\n");
}

/// What Hugging Face has to look for to find every file of a split. It passes over folders whose names begin
/// with two underscores where the pattern does not name them, and fails on a pattern that finds nothing.
fn patterns(request: &ExportRequest, plan: &FilePlan, split: Split) -> Vec<String> {
    let special = |file: &str| file.rsplit('/').nth(1).is_some_and(|folder| folder.starts_with("__"));
    let (mut plain, mut marked) = (false, false);
    for file in plan.files.iter().filter(|f| f.row.split == split) {
        if special(&file.row.file) { marked = true } else { plain = true }
    }
    let top = if request.dataset.has_splits { format!("{}/", split.as_str()) } else { String::new() };
    let found = [(plain, "*/*"), (marked, "__*/*")];
    found.into_iter().filter(|(found, _)| *found).map(|(_, pattern)| format!("{top}{pattern}")).collect()
}

/// The lines that load the folder, and how many files a loader passes over for the ends of their names.
fn loading(out: &mut String, request: &ExportRequest, plan: &FilePlan) {
    let top = if request.dataset.has_splits { "FOLDER/train" } else { "FOLDER" };
    let _ = writeln!(
        out,
        "## Loading\n\n```python\n\
         datasets.load_dataset(\"FOLDER\")  # Hugging Face; the head of this page names the splits\n\
         torchvision.datasets.ImageFolder(\"{top}\")\n```\n"
    );
    let passed_over = |known: &[&str]| {
        let ends = |name: &str| {
            let end = name.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase());
            end.is_some_and(|end| known.contains(&end.as_str()))
        };
        plan.files.iter().filter(|f| !ends(&f.row.file)).count()
    };
    let torchvision = passed_over(&TORCHVISION);
    if torchvision > 0 {
        let _ = writeln!(
            out,
            "ImageFolder passes over files by the ends of their names, here {torchvision} of {}; it reads \
             them with `is_valid_file=lambda path: True`.\n",
            plan.files.len()
        );
    }
    let hugging_face = passed_over(&HUGGING_FACE);
    if hugging_face > 0 {
        let _ = writeln!(
            out,
            "Hugging Face passes over {hugging_face} of {} files, because their names do not end like those \
             of images; rename a copy to load them.\n",
            plan.files.len()
        );
    }
}

fn method(out: &mut String, request: &ExportRequest, derived: bool) {
    let name = if request.card.method_name.is_empty() { &request.method } else { &request.card.method_name };
    let _ =
        writeln!(out, "## Method\n\n{} (`{}`), seed {}.", plain(name), plain(&request.method), request.seed);
    if derived {
        out.push_str(
            "M2m images are changed real images: a real image of a larger class, moved in small steps until \
             the classifier takes it for the target class. This is an export of translated images; it is \
             not the training of the M2m paper, which translates anew in every batch and \
             stores no image.\n",
        );
    }
    if !request.card.params.is_empty() {
        out.push_str("\n| parameter | value |\n|---|---|\n");
        for (name, value) in &request.card.params {
            let _ = writeln!(out, "| {} | {} |", plain(name), plain(&value.to_string()));
        }
    }
}
