//! `counterpoise evaluate`: treatments of imbalance compared on the real test images of a folder, or by
//! cross-validation.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use super::args::{Common, EvaluateArgs};
use super::output::Outcome;
use super::tables::Table;
use super::terminal::Terminal;
use super::{Failure, Result, input};
use crate::classify::batches::Augment;
use crate::classify::treatments::{Treatment, Values};
use crate::domain::samples::Dataset;
use crate::domain::splits::cut;
use crate::evaluation::generators::MadeRow;
use crate::evaluation::saliency::side_by_side::{Method, Question};
use crate::evaluation::treatments::{Asked, MadeTreatment};
use crate::imaging::files::real;
use crate::imaging::scan::Reading;
use crate::jobs;
use crate::jobs::comparisons::compare_telling;
use crate::jobs::evaluate::{Budget, Choice, EvaluateOutcome, EvaluateRequest, NamedFolder, title};
use crate::jobs::saliency::Maps;
use crate::project::{Project, ProjectError, Settings};

/// Stands for every treatment that needs no generator.
const ALL: &str = "all";
/// Stands for every treatment with a generator.
const GENERATORS: &str = "generators";
/// Begins a treatment that is an exported folder.
const FOLDER: &str = "folder:";

pub fn run(args: EvaluateArgs, terminal: &Terminal) -> Result<Outcome> {
    if let Some(out) = &args.out {
        input::refuse_existing(out)?;
    }
    let Chosen { treatments, mut folders } = chosen(&args.treatments)?;
    for text in &args.folders {
        folders.push(named(text)?);
    }
    if args.tstr && !treatments.iter().any(|asked| matches!(asked, Asked::Made(_))) {
        return Err(Failure::usage("--tstr trains on the images of generators; name one in --treatments"));
    }
    let budget = match (args.steps, args.common.epochs) {
        (Some(_), Some(_)) => {
            return Err(Failure::usage("--steps and --epochs say the same thing; use one of them"));
        }
        (Some(steps), None) => Budget::Steps(steps as usize),
        (None, Some(epochs)) => Budget::Epochs(epochs as usize),
        (None, None) => Budget::Usual,
    };
    let question = question(&args)?;
    let Some(folder) = args.folder.or(args.train) else {
        return Err(Failure::usage("name the folder to evaluate on"));
    };
    // Headers alone: the images are decoded once, by the evaluation. A project lists what cannot be decoded.
    let reading = if args.project.is_some() { Reading::Decode } else { Reading::Headers };
    let mut dataset = input::listed(&folder, &args.common, reading, terminal)?;
    let mut project = match &args.project {
        Some(dir) => Some(project_of(dir, &mut dataset, &args.common)?),
        None => None,
    };
    let test = match args.test {
        Some(folder) => {
            Some(terminal.job("scan", move |ctx| jobs::scan::scan(ctx, &folder, Reading::Headers))?)
        }
        None => None,
    };
    let spec = input::spec(&dataset, &args.common);
    let choice = Choice {
        treatments: treatments.iter().map(ToString::to_string).collect(),
        folders,
        seed: args.common.seed,
        seeds: args.seeds as usize,
        budget,
        network: args.common.network,
        device: args.common.device,
        target: args.common.target,
        generator_epochs: None,
        augment: Augment { crop: args.crop, flip: args.flip },
        folds: args.folds.map(|folds| folds as usize),
        made_alone: args.tstr,
    };
    let request =
        EvaluateRequest { test, out: args.out, ..EvaluateRequest::new(Arc::new(dataset), spec, choice) };
    let each = args.maps.map(|each| each as usize);
    let keeps = request.out.is_some() || project.is_some();
    let ended = terminal.job("evaluate", move |ctx| match (&mut project, each) {
        (Some(project), _) => compare_telling(ctx, &request, project).map(|(_, outcome)| (outcome, None)),
        (None, Some(each)) => jobs::saliency::evaluate_with_maps(ctx, &request, each, &question),
        (None, None) => jobs::evaluate::evaluate(ctx, &request).map(|outcome| (outcome, None)),
    });
    let (outcome, maps) = ended.map_err(|failure| failure.keeping(keeps))?;
    let code = outcome.ended.clone().map_or(0, |error| Failure::from(error).code);
    Ok(Outcome { code, ..told(&outcome, maps.as_ref(), args.project.as_deref()) })
}

/// The project that keeps the comparison, with this folder as its data set, which gets the parts and the edits that the
/// project has. A new one takes the choices that say how images are read.
fn project_of(dir: &Path, dataset: &mut Dataset, common: &Common) -> Result<Project> {
    let mut settings = match Project::open_read_only(dir) {
        Ok(project) => {
            if let Some(root) = project.root()?
                && root.exists()
                && real(&root) != real(&dataset.root)
            {
                return Err(Failure::refused(format!(
                    "the project is of another folder, {}; name that one, or a new --project: {}",
                    root.display(),
                    dir.display()
                )));
            }
            project.settings()?
        }
        Err(ProjectError::NotAProject(_)) => Settings {
            target: common.target.clone(),
            size: common.size,
            fit: common.fit,
            network: common.network.clone(),
            device: common.device.clone(),
            seed: common.seed,
            ..Settings::default()
        },
        Err(error) => return Err(error.into()),
    };
    match (common.split, settings.shares) {
        // They are cut already.
        (Some(_), _) => (settings.shares, settings.seed) = (common.split, common.seed),
        (None, Some(shares)) if !dataset.has_splits => cut(dataset, shares, settings.seed),
        (None, _) => {}
    }
    let mut project = input::project_for(dir, dataset)?;
    project.set_settings(&settings)?;
    *dataset = project.dataset()?;
    Ok(project)
}

/// What is asked of the classifiers for maps.
fn question(args: &EvaluateArgs) -> Result<Question> {
    let usual = Question::default();
    let method = args.explainer.unwrap_or_default();
    if args.masks.is_some() && method != Method::Rise {
        return Err(Failure::usage("--masks are those of --explainer rise; add that, or leave --masks out"));
    }
    Ok(Question {
        method,
        about: args.maps_of.unwrap_or_default(),
        masks: args.masks.map_or(usual.masks, |masks| masks as usize),
        seed: args.common.seed,
        ..usual
    })
}

/// What a list of treatments names.
#[derive(Default)]
struct Chosen {
    treatments: Vec<Asked>,
    folders: Vec<NamedFolder>,
}

impl Chosen {
    fn add(&mut self, name: &str) -> Result<()> {
        match name.parse::<Asked>() {
            Ok(treatment) => self.treatments.push(treatment),
            Err(error) => return Err(Failure::usage(format!("--treatments: {error}"))),
        }
        Ok(())
    }
}

/// The treatments, generators and exported folders of a list.
fn chosen(list: &[String]) -> Result<Chosen> {
    let mut chosen = Chosen::default();
    for text in list {
        let text = text.trim();
        if text == ALL {
            Treatment::table().iter().try_for_each(|info| chosen.add(info.id))?;
        } else if text == GENERATORS {
            MadeTreatment::table().iter().try_for_each(|info| chosen.add(info.id))?;
        } else if let Some(dir) = text.strip_prefix(FOLDER) {
            chosen.folders.push(NamedFolder { name: text.to_owned(), dir: PathBuf::from(dir) });
        } else {
            chosen.add(text)?;
        }
    }
    Ok(chosen)
}

/// `NAME=DIR`.
fn named(text: &str) -> Result<NamedFolder> {
    match text.split_once('=') {
        Some((name, dir)) if !name.trim().is_empty() && !dir.is_empty() => {
            Ok(NamedFolder { name: name.trim().to_owned(), dir: PathBuf::from(dir) })
        }
        _ => Err(Failure::usage(format!("--folder: write NAME=DIR, not \"{text}\""))),
    }
}

/// The treatments with their parameters, for the help.
pub fn list() -> String {
    let mut text =
        "Treatments (parameters follow with colons, as in cb-focal:beta=0.99:focusing=2; several that change \
         different parts go together, as in mixup+drs):\n"
            .to_owned();
    for info in Treatment::table() {
        text += &format!("  {}: {} [{}]\n", info.id, info.summary, info.source);
        for param in info.params {
            let default = param.values.default_text();
            let allowed = match param.values {
                Values::Number { .. } | Values::Shares => param.values.describe(),
                Values::Word(words) => words.join(" or "),
            };
            text += &format!("      {}: {} [default: {default}; {allowed}]\n", param.name, param.help);
        }
    }
    text += "Treatments with a generator, trained under each seed on the training images alone, classes filled to \
             --target by accepted images and repeats (parameters are those of `counterpoise methods`, as in \
             baegan:epochs=40+mixup; --epochs holds for them, too):\n";
    for info in MadeTreatment::table() {
        text += &format!("  {}: {}\n", info.id, info.summary);
    }
    text
}

fn told(outcome: &EvaluateOutcome, maps: Option<&Maps>, project: Option<&Path>) -> Outcome {
    let mut text = String::new();
    for rows in [outcome.comparison.table(), outcome.comparison.recall_table()] {
        let mut rows = rows.into_iter();
        let head = rows.next().unwrap_or_default();
        let mut table = Table::new(&head.iter().map(String::as_str).collect::<Vec<&str>>());
        rows.for_each(|row| table.row(row));
        text += &format!("{table}\n");
    }
    for sentence in &outcome.comparison.summary {
        text += &format!("{sentence}\n");
    }
    for failed in &outcome.failed {
        text += &format!("{}: {}\n", title(&failed.name, failed.seed), failed.reason);
    }
    for of in &outcome.made {
        text += &format!("{}: {}\n", title(&of.name, of.seed), of.words());
    }
    for alone in outcome.made.iter().filter_map(|of| Some(of.alone.as_ref()?.words(of.seed))) {
        text += &format!("{alone}\n");
    }
    for row in MadeRow::all(&outcome.made) {
        text += &format!("{}\n", row.words());
    }
    text += &format!("\n{}\n", outcome.setting.lines().join("; "));
    let out = outcome.out.as_ref().map(|out| out.display().to_string());
    if let Some(out) = &out {
        text += &format!("The results are in {out}\n");
    }
    let project = project.map(|project| project.display().to_string());
    if let Some(project) = &project {
        text += &format!("The comparison is kept in the project; look at it with `counterpoise {project}`\n");
    }
    if let Some(maps) = maps {
        let images = match maps.rows.len() {
            1 => "1 test image".to_owned(),
            images => format!("{images} test images"),
        };
        text += &format!("The maps of {images} are in its folder maps: {}\n", maps.heading());
    }
    let mut object = outcome.json();
    object.insert("resumed".to_owned(), json!(outcome.resumed));
    object.insert("out".to_owned(), json!(out));
    object.insert("project".to_owned(), json!(project));
    object.insert("maps".to_owned(), maps.map_or(Value::Null, Maps::json));
    Outcome::new(Value::Object(object), text)
}
