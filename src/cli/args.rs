//! Arguments: one struct per command, the flags that all share, and the flags that `--method` adds.
//!
//! `--method` is read before anything else; the flags of that method alone are made from its parameter table, so
//! `counterpoise train --method m2m --help` lists M2m's parameters with their defaults and where these come from.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use serde_json::Value;

use super::{Failure, config, evaluate, features, not_there, reproduce};
use crate::classify::treatments::FIRST_CHOICE;
use crate::domain::imbalance::Scheme;
use crate::domain::plan::{Rejected, Target};
use crate::domain::splits::{Shares, Split};
use crate::evaluation::published::Scale;
use crate::evaluation::saliency::side_by_side::{About, MOST_MASKS};
use crate::export::{Originals, WeightsFormat};
use crate::imaging::resize::Fit;
use crate::jobs::bench::rows;
use crate::jobs::export::Undecided;
use crate::jobs::projection::PER_CLASS;
use crate::oversampling::{self, Oversampler, ParamInfo, ParamKind, ParamMap};

/// Commands whose `--method` adds flags.
const WITH_METHOD: [&str; 5] = ["plan", "train", "generate", "balance", "demo"];

/// The parameter that `--network` gives where a method has no other network: its judge is its classifier.
const JUDGE_NETWORK: &str = "judge-network";

/// The method where `--method` is left out.
const DEFAULT_METHOD: &str = "m2m";

/// Shared flags that say something to a command; the others are accepted and left out of its help.
const SHOWN: [(&str, &[&str]); 18] = [
    ("scan", &["split", "seed", "threads"]),
    ("plan", &["target", "split", "seed", "size", "fit", "threads"]),
    ("weights", &["split", "seed", "threads"]),
    ("methods", &[]),
    ("devices", &[]),
    ("train", &["seed", "device", "size", "fit", "network", "epochs", "split", "threads"]),
    ("generate", &["seed", "device", "size", "fit", "target", "rejected", "split", "threads"]),
    (
        "balance",
        &["seed", "device", "size", "fit", "network", "epochs", "target", "rejected", "split", "threads"],
    ),
    ("candidates", &[]),
    ("decide", &[]),
    ("relabel", &[]),
    ("export", &["rejected", "threads"]),
    ("verify", &["threads"]),
    ("demo", &["seed", "device", "network", "epochs", "target", "rejected", "threads"]),
    ("evaluate", &["seed", "device", "size", "fit", "network", "epochs", "target", "split", "threads"]),
    ("features", &["seed", "device", "size", "threads"]),
    ("reproduce", &["seed", "device", "size", "fit", "threads"]),
    ("bench", &["seed", "device", "threads"]),
];

/// Shared flags that are hidden where they say nothing.
const HIDEABLE: [&str; 10] =
    ["seed", "device", "threads", "size", "fit", "network", "epochs", "target", "rejected", "split"];

/// See an imbalanced image folder, make minority images, judge each one, export a balanced folder.
///
/// Without a command the window opens, on FOLDER or PROJECT if one is given.
#[derive(Parser)]
#[command(name = "counterpoise", version, args_conflicts_with_subcommands = true, args_override_self = true)]
struct Cli {
    /// An image folder or a project to open in the window.
    #[arg(value_name = "FOLDER|PROJECT")]
    path: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
pub enum Command {
    /// Read a folder of class folders: counts, imbalance ratio, unreadable files.
    Scan(Folder),
    /// How many images to make for each class, and how many of them the prior would accept.
    Plan(PlanArgs),
    /// Class weights that answer the imbalance.
    Weights(WeightsArgs),
    /// The methods that make images, with their parameters.
    Methods(Nothing),
    /// The devices that can train.
    Devices(Nothing),
    /// Train a method's model on the training images of a folder.
    Train(TrainArgs),
    /// Make candidates into a project, to be looked at and decided.
    Generate(GenerateArgs),
    /// Train or load, make images, test them and export the balanced folder, in one go.
    Balance(BalanceArgs),
    /// List a project's candidates.
    Candidates(CandidatesArgs),
    /// Take decisions from a CSV with the columns candidate and decision.
    Decide(FromCsv),
    /// Move images to other classes or leave them out, from a CSV with the columns file and label (or exclude).
    Relabel(FromCsv),
    /// Write the balanced folder of a project.
    Export(ExportArgs),
    /// Prove an exported folder against its manifest.
    Verify(VerifyArgs),
    /// The main job on the bundled images, without a display.
    Demo(DemoArgs),
    /// Train a classifier under each treatment of imbalance and compare them on real test images.
    Evaluate(EvaluateArgs),
    /// Draw what classifier g of a model sees of a project's images, real and made, as points in the plane.
    Features(FeatureMapArgs),
    /// Build a published table again on a folder of its data, measured beside printed; without TABLE they are listed.
    Reproduce(ReproduceArgs),
    /// How fast this machine trains and makes images: milliseconds of each row of a fixed list of work.
    Bench(BenchArgs),
}

impl Command {
    /// The flags that every command shares.
    pub fn common(&self) -> &Common {
        match self {
            Command::Scan(args) => &args.common,
            Command::Plan(args) => &args.common,
            Command::Weights(args) => &args.common,
            Command::Methods(args) | Command::Devices(args) => &args.common,
            Command::Train(args) => &args.common,
            Command::Generate(args) => &args.common,
            Command::Balance(args) => &args.common,
            Command::Candidates(args) => &args.common,
            Command::Decide(args) | Command::Relabel(args) => &args.common,
            Command::Export(args) => &args.common,
            Command::Verify(args) => &args.common,
            Command::Demo(args) => &args.common,
            Command::Evaluate(args) => &args.common,
            Command::Features(args) => &args.common,
            Command::Reproduce(args) => &args.common,
            Command::Bench(args) => &args.common,
        }
    }
}

/// Flags that every command takes.
#[derive(Args)]
#[command(next_help_heading = "Common")]
pub struct Common {
    /// Print one JSON object on standard output.
    #[arg(long)]
    pub json: bool,
    /// Seed of every random draw; the same seed gives the same images.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Where tensors live.
    #[arg(long, value_name = "D", default_value = "auto", value_parser = ["auto", "gpu", "cpu", "software"])]
    pub device: String,
    /// Threads of the processor; all of them where it is left out.
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub threads: Option<usize>,
    /// Side of the training images; chosen from the data where it is left out.
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u32).range(4..=2048))]
    pub size: Option<u32>,
    /// How images of other shapes become square: pad, crop or stretch.
    #[arg(long, value_name = "F", default_value = "pad")]
    pub fit: Fit,
    /// Network of the classifiers, of a generator its judge; small on a processor, resnet32 on a graphics card where it is
    /// left out.
    #[arg(long, value_name = "NAME", value_parser = ["small", "resnet32"])]
    pub network: Option<String>,
    /// Epochs of each training stage; milestones scale with it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub epochs: Option<u32>,
    /// Images per class in total: max, median, a number, ratio:R, or one number per class (N,N,...).
    #[arg(long, value_name = "T", default_value = "max")]
    pub target: Target,
    /// What becomes of a slot without an accepted image: repeat (default), retry or leave.
    #[arg(long, value_name = "R")]
    pub rejected: Option<Rejected>,
    /// Cut validation and test parts off a folder without splits, for example 70/15/15.
    #[arg(long, value_name = "A/B/C")]
    pub split: Option<Shares>,
    /// A JSON object with these flags' names; flags win over it.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Say nothing but warnings and errors.
    #[arg(short, long)]
    pub quiet: bool,
    /// Say more; twice also tells the curves of a training.
    #[arg(short, long, action = ArgAction::Count)]
    pub verbose: u8,
}

#[derive(Args)]
pub struct Nothing {
    #[command(flatten)]
    pub common: Common,
}

#[derive(Args)]
pub struct Folder {
    /// A folder of class folders, of splits with class folders, or a CSV (file, label, split, group).
    pub folder: PathBuf,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Args)]
pub struct Method {
    /// Id of the method; it brings its own flags.
    #[arg(long, value_name = "M", default_value = DEFAULT_METHOD)]
    pub method: String,
}

#[derive(Args)]
pub struct PlanArgs {
    /// A folder as `scan` reads it.
    pub folder: PathBuf,
    #[command(flatten)]
    pub method: Method,
    /// Also give the beta that reaches this acceptance at the largest gap.
    #[arg(long, value_name = "P", default_value_t = 0.5, value_parser = open_share)]
    pub acceptance: f64,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Args)]
pub struct WeightsArgs {
    /// A folder as `scan` reads it.
    pub folder: PathBuf,
    /// balanced, ins, isns or ens.
    #[arg(long, value_name = "S")]
    pub scheme: Scheme,
    /// Of the effective number of samples (ens).
    #[arg(long, value_name = "B", default_value_t = 0.999)]
    pub beta: f64,
    /// Write the weights to a new file, never into FOLDER.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// What the file is: json (default), keras, torch or sklearn (Python), or csv (a row for each training image).
    #[arg(long, value_name = "F", requires = "out")]
    pub format: Option<WeightsFormat>,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Args)]
pub struct TrainArgs {
    /// A folder as `scan` reads it.
    pub folder: PathBuf,
    #[command(flatten)]
    pub method: Method,
    /// Where the model goes, outside of the image folder; folders above it are made. FILE.checkpoint beside it lets an
    /// interrupted training go on.
    #[arg(long, value_name = "FILE")]
    pub model: PathBuf,
    /// The first Ctrl-C writes the model as far as it is trained, beside the checkpoint that the same call goes on from;
    /// without this flag only the checkpoint stays.
    #[arg(long)]
    pub keep: bool,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Args)]
pub struct GenerateArgs {
    /// A folder as `scan` reads it.
    pub folder: PathBuf,
    #[command(flatten)]
    pub method: Method,
    /// The trained model; methods that need no training go without.
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// The project that takes the candidates; made if it is not there.
    #[arg(long, value_name = "P")]
    pub project: PathBuf,
    #[command(flatten)]
    pub features: FeaturesArg,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Args)]
pub struct BalanceArgs {
    /// A folder as `scan` reads it.
    pub folder: PathBuf,
    #[command(flatten)]
    pub method: Method,
    /// The balanced folder; it must not exist.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// A trained model; without it the method is trained first.
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// The project that keeps the candidates; in the user's data folder where it is left out.
    #[arg(long, value_name = "P")]
    pub project: Option<PathBuf>,
    #[command(flatten)]
    pub features: FeaturesArg,
    #[command(flatten)]
    pub originals: OriginalsArg,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Args)]
pub struct FeaturesArg {
    /// Also measure made images on features of MobileNet v1 1.0 224, with its weights from this safetensors file.
    #[arg(long, value_name = "FILE")]
    pub features: Option<PathBuf>,
}

#[derive(Args)]
pub struct OriginalsArg {
    /// Originals as they are, byte for byte (keep), or at the size of the made images (training-size).
    #[arg(long, value_name = "O", default_value = "keep")]
    pub originals: Originals,
}

#[derive(Args)]
pub struct CandidatesArgs {
    pub project: PathBuf,
    /// Write them to a new CSV file; `decide --from` reads it back.
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Write what was measured of each class to a new CSV file, each figure beside the same between real images.
    #[arg(long, value_name = "FILE")]
    pub quality_csv: Option<PathBuf>,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Args)]
pub struct FromCsv {
    pub project: PathBuf,
    /// The CSV file.
    #[arg(long, value_name = "CSV")]
    pub from: PathBuf,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Args)]
pub struct ExportArgs {
    pub project: PathBuf,
    /// The balanced folder; it must not exist.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// What becomes of undecided candidates: verdict (it decides) or leave (left out). Refused without it.
    #[arg(long, value_name = "U")]
    pub undecided: Option<Undecided>,
    #[command(flatten)]
    pub originals: OriginalsArg,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Args)]
pub struct VerifyArgs {
    /// An exported folder.
    pub folder: PathBuf,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Args)]
pub struct DemoArgs {
    /// Train first instead of loading the bundled model.
    #[arg(long)]
    pub train: bool,
    /// The balanced folder; ./counterpoise-demo, then -2, -3 where it is left out.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Args)]
pub struct EvaluateArgs {
    /// A folder as `scan` reads it, with a test part, or one cut off with --split; without any it is cross-validated.
    #[arg(required_unless_present = "train", conflicts_with_all = ["train", "test"])]
    pub folder: Option<PathBuf>,
    /// Instead of FOLDER: the folder to learn from.
    #[arg(long, value_name = "DIR", requires = "test")]
    pub train: Option<PathBuf>,
    /// With --train: the folder of test images.
    #[arg(long, value_name = "DIR", requires = "train", conflicts_with = "split")]
    pub test: Option<PathBuf>,
    /// Treatments to compare, listed below, with + between those that go together; all for every one without a generator,
    /// generators for every one with one, folder:DIR for an exported folder.
    #[arg(
        long,
        visible_alias = "treatment",
        value_name = "T,...",
        value_delimiter = ',',
        default_values = FIRST_CHOICE
    )]
    pub treatments: Vec<String>,
    /// An exported balanced folder to train on as it is, under a name; may be given more than once.
    #[arg(long = "folder", id = "exported", value_name = "NAME=DIR")]
    pub folders: Vec<String>,
    /// Folds of the cross-validation of a folder without a test part; 5 where it is left out.
    #[arg(long, value_name = "N", conflicts_with = "test", value_parser = clap::value_parser!(u32).range(2..=100))]
    pub folds: Option<u32>,
    /// How many seeds, from --seed on.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub seeds: u32,
    /// Optimiser steps of each training; without it and --epochs 2000 (small) or 200 epochs (resnet32).
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub steps: Option<u32>,
    /// Cut real training images out of a border of 4 pixels at random while a classifier learns, under every treatment.
    /// Off, because it can cut a finding at the rim.
    #[arg(long)]
    pub crop: bool,
    /// Mirror real training images left and right with a chance of one half. Off, because a mirrored chest has its heart
    /// on the wrong side.
    #[arg(long)]
    pub flip: bool,
    /// Also train on the images of each generator alone, as many of each class as it has real ones, and ask the real
    /// test images: one making and one training more for each generator and seed. What makes none of the largest class is
    /// left out.
    #[arg(long)]
    pub tstr: bool,
    /// A new folder for results.json, table.md, table.csv, confusion.csv, generators.csv, report.html and charts as SVG
    /// and PNG, what generators learnt and made, and the classifiers of the first seed; the same call goes on where it
    /// was interrupted.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Keep the comparison in a project of FOLDER, made if it is not there, beside those of the window; what was measured
    /// there is not trained again.
    #[arg(long, value_name = "P", conflicts_with_all = ["out", "train"])]
    pub project: Option<PathBuf>,
    /// Also make maps of what each classifier looks at in N test images of each class, first of those that treatments
    /// disagree on: pictures in maps, and a section of report.html.
    #[arg(long, value_name = "N", requires = "out", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub maps: Option<u32>,
    /// How maps are made: grad-cam (fast, the default) or rise (slow: asks about every image behind --masks masks).
    #[arg(long, value_name = "E", requires = "maps")]
    pub explainer: Option<crate::evaluation::saliency::side_by_side::Method>,
    /// Masks of rise, the same for every treatment; 1000 where it is left out.
    #[arg(long, value_name = "N", requires = "maps", value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_MASKS)))]
    pub masks: Option<u32>,
    /// The class that a map is of: true (the default, so that treatments compare) or said.
    #[arg(long, value_name = "C", requires = "maps")]
    pub maps_of: Option<About>,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Args)]
pub struct FeatureMapArgs {
    pub project: PathBuf,
    /// The trained model, of a method with a classifier g.
    #[arg(long, value_name = "FILE")]
    pub model: PathBuf,
    /// pca: the first two principal components, distances say something. tsne: neighbours alone say something.
    #[arg(long, value_name = "P", default_value = "pca", value_parser = features::PROJECTORS)]
    pub projector: String,
    /// Also draw the images of this part, which nothing was trained on.
    #[arg(long, value_name = "PART", value_parser = [Split::Validation.as_str(), Split::Test.as_str()])]
    pub held_out: Option<String>,
    /// Images of each class and origin at most, evenly spread.
    #[arg(long, value_name = "N", default_value_t = PER_CLASS as u32, value_parser = clap::value_parser!(u32).range(1..=2000))]
    pub per_class: u32,
    /// A new folder: points.csv with image, class, origin (real, held-out or made), x and y of each point, and the picture of
    /// them as map.svg and map.png.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Args)]
pub struct ReproduceArgs {
    /// The table; without one the tables are listed.
    #[arg(value_parser = PossibleValuesParser::new(reproduce::tables()))]
    pub table: Option<String>,
    /// The folder of its data: class folders in train and test, with the counts that the list names, or more, of which so
    /// many are drawn: the same ones whatever the seed.
    #[arg(conflicts_with = "data")]
    pub folder: Option<PathBuf>,
    /// Instead of FOLDER.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// List the tables, their rows, counts and sources.
    #[arg(long)]
    pub list: bool,
    /// How much is trained: smoke (minutes, shows that it runs), cpu (small network, three seeds) or paper.
    #[arg(long, value_name = "S", default_value = "cpu")]
    pub scale: Scale,
    /// Rows of the table, by name or treatment; all of them where it is left out.
    #[arg(long, value_name = "R,...", value_delimiter = ',')]
    pub rows: Vec<String>,
    /// A new folder for published.md, published.json and what `evaluate --out` writes, and images.csv where images were
    /// drawn; the same call goes on where it was interrupted.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Args)]
pub struct BenchArgs {
    /// Rows to time, all of them where it is left out.
    #[arg(long, value_name = "R,...", value_delimiter = ',', value_parser = PossibleValuesParser::new(rows()))]
    pub rows: Vec<String>,
    /// A folder of class folders, for the row folder_load.
    #[arg(long, value_name = "DIR")]
    pub folder: Option<PathBuf>,
    /// Repeats of each row after one that warms up; the median counts.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub repeats: u32,
    #[command(flatten)]
    pub common: Common,
}

fn at_least_one(text: &str) -> std::result::Result<usize, String> {
    match text.parse() {
        Ok(n) if n > 0 => Ok(n),
        _ => Err("use a whole number of at least 1".to_owned()),
    }
}

fn open_share(text: &str) -> std::result::Result<f64, String> {
    match text.parse() {
        Ok(p) if p > 0.0 && p < 1.0 => Ok(p),
        _ => Err("use a number between 0 and 1".to_owned()),
    }
}

/// What the arguments say.
pub struct Parsed {
    pub path: Option<PathBuf>,
    pub command: Option<Command>,
    /// The method's parameters that were given, with `--network` and `--epochs` where the method has them.
    pub params: ParamMap,
}

/// Why they say nothing.
pub enum Refusal {
    /// clap's own message: usage, help or version.
    Usage(clap::Error),
    Failure(Failure),
}

/// Reads the arguments, the program's name first.
pub fn parse(mut arguments: Vec<OsString>) -> std::result::Result<Parsed, Refusal> {
    let usage = Refusal::Usage;
    let named = arguments.get(1).and_then(|name| name.to_str()).unwrap_or_default();
    if SHOWN.iter().any(|(command, _)| *command == named) {
        let rest = arguments.get(2..).unwrap_or_default();
        // The configuration may name the method, and the method says which flags take true or false.
        if let Some(path) = config::path(rest) {
            let method = chosen(rest).unwrap_or_else(|_| default_method());
            let takes_bool = |name: &str| is_switch(method, name);
            let mut flags = config::arguments(&path, takes_bool).map_err(Refusal::Failure)?;
            let named = chosen(&flags).map_err(usage)?;
            if config::last_value(rest, "method").is_none() && named.info().id != method.info().id {
                flags = config::arguments(&path, |name| is_switch(named, name)).map_err(Refusal::Failure)?;
            }
            arguments.splice(2..2, flags);
        }
    } else if arguments.len() > 2 && close_command(named).is_some() && !Path::new(named).exists() {
        // What follows would be complained of, not the word that is wrong.
        return Err(Refusal::Failure(not_there(Path::new(named))));
    }
    let method = chosen(arguments.get(1..).unwrap_or_default()).map_err(usage)?;
    let matches = command(method).try_get_matches_from(arguments).map_err(usage)?;
    let params = given(method, matches.subcommand().map(|(_, matches)| matches));
    let cli = Cli::from_arg_matches(&matches).map_err(usage)?;
    Ok(Parsed { path: cli.path, command: cli.command, params })
}

/// The command that a mistyped word most likely means: one that is at most a slip away, in a long name two. A slip is
/// a letter too many, too few or wrong, or two swapped.
pub fn close_command(word: &str) -> Option<&'static str> {
    let (slips, name) = SHOWN.iter().map(|(name, _)| (slips(word, name), *name)).min()?;
    let most = if name.len() > 6 { 2 } else { 1 };
    (slips <= most && !word.contains(['/', '\\'])).then_some(name)
}

/// The fewest slips between two words, no letter in two of them.
fn slips(word: &str, name: &str) -> usize {
    let (word, name): (Vec<char>, Vec<char>) = (word.chars().collect(), name.chars().collect());
    // Of the words so far without the last letter but one, without the last letter, and with it.
    let mut before = Vec::new();
    let mut last: Vec<usize> = (0..=name.len()).collect();
    for (row, &letter) in word.iter().enumerate() {
        let mut now = vec![row + 1];
        for (column, &wanted) in name.iter().enumerate() {
            let replaced = last[column] + usize::from(letter != wanted);
            let mut least = replaced.min(last[column + 1] + 1).min(now[column] + 1);
            if row > 0 && column > 0 && letter == name[column - 1] && word[row - 1] == wanted {
                least = least.min(before[column - 1] + 1);
            }
            now.push(least);
        }
        before = std::mem::replace(&mut last, now);
    }
    last[name.len()]
}

fn default_method() -> &'static dyn Oversampler {
    // The registry is a constant that holds its default; an empty one could not make anything anyway.
    match oversampling::method(DEFAULT_METHOD) {
        Some(method) => method,
        None => oversampling::registry()[0],
    }
}

/// The method that the arguments name, else the default.
fn chosen(arguments: &[OsString]) -> std::result::Result<&'static dyn Oversampler, clap::Error> {
    let Some(id) = config::last_value(arguments, "method") else { return Ok(default_method()) };
    let id = id.to_string_lossy();
    oversampling::method(&id).ok_or_else(|| {
        let known: Vec<&str> = oversampling::registry().iter().map(|m| m.info().id).collect();
        let message = format!("there is no method \"{id}\"; use one of: {}", known.join(", "));
        Cli::command().error(clap::error::ErrorKind::InvalidValue, message)
    })
}

/// True for a shared flag that says nothing to a method.
fn is_idle(method: &dyn Oversampler, flag: &str) -> bool {
    let has = |name: &str| method.param_table().iter().any(|info| info.name == name);
    match flag {
        "network" => !has("network") && !has(JUDGE_NETWORK),
        "epochs" => !has("epochs"),
        _ => false,
    }
}

fn is_switch(method: &dyn Oversampler, name: &str) -> bool {
    method.param_table().iter().any(|info| info.name == name && info.kind == ParamKind::Bool)
}

/// The command with the flags of one method.
fn command(method: &'static dyn Oversampler) -> clap::Command {
    let mut command = Cli::command();
    for (name, shown) in SHOWN {
        command = command.mut_subcommand(name, |mut sub| {
            for flag in HIDEABLE {
                let idle = WITH_METHOD.contains(&name) && is_idle(method, flag);
                sub = sub.mut_arg(flag, |arg| arg.hide(idle || !shown.contains(&flag)));
            }
            if WITH_METHOD.contains(&name) { with_params(sub, method) } else { sub }
        });
    }
    command.mut_subcommand("evaluate", |sub| sub.after_help(evaluate::list()))
}

/// A flag for each parameter that is not a shared flag already.
fn with_params(mut command: clap::Command, method: &'static dyn Oversampler) -> clap::Command {
    for info in method.param_table() {
        if !command.get_arguments().any(|arg| arg.get_long() == Some(info.name)) {
            command = command.arg(flag(info));
        }
    }
    command
}

fn flag(info: &'static ParamInfo) -> Arg {
    let default = match &info.default {
        Value::Null => "chosen by the program".to_owned(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    let values = match info.kind {
        ParamKind::Bool => String::new(),
        kind => format!("; {}", kind.describe()),
    };
    let arg = Arg::new(info.name)
        .long(info.name)
        .help(format!("{} [default: {default}; source: {}{values}]", info.help, info.source))
        .help_heading("Parameters of the method")
        .allow_negative_numbers(true)
        .value_parser(move |text: &str| info.kind.parse(info.name, text));
    match info.kind {
        ParamKind::Bool => {
            arg.value_name("true|false").num_args(0..=1).require_equals(true).default_missing_value("true")
        }
        ParamKind::Choice(_) => arg.value_name("WORD"),
        ParamKind::Int { .. } | ParamKind::Float { .. } => arg.value_name("NUMBER"),
    }
}

/// The parameters that were given.
fn given(method: &dyn Oversampler, matches: Option<&clap::ArgMatches>) -> ParamMap {
    let mut params = ParamMap::new();
    let Some(matches) = matches else { return params };
    for info in method.param_table() {
        // `--network` and `--epochs` are shared flags and parameters; their types say which reading holds.
        let value = if let Ok(Some(value)) = matches.try_get_one::<Value>(info.name) {
            value.clone()
        } else if let Ok(Some(text)) = matches.try_get_one::<String>(info.name) {
            Value::from(text.as_str())
        } else if let Ok(Some(number)) = matches.try_get_one::<u32>(info.name) {
            Value::from(*number)
        } else {
            continue;
        };
        params.insert(info.name.to_owned(), value);
    }
    if let Ok(Some(network)) = matches.try_get_one::<String>("network")
        && method.param_table().iter().any(|info| info.name == JUDGE_NETWORK)
    {
        params.entry(JUDGE_NETWORK).or_insert_with(|| Value::from(network.as_str()));
    }
    params
}
