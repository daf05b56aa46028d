//! What an export would write: every file with name, content and manifest row, before anything is written.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::error::ExportError;
use super::manifest::{self, Row};
use super::names::{Taken, flattened, safe, slug};
use crate::domain::decisions::{DecidedBy, Decision, Verdict};
use crate::domain::numbers::counted;
use crate::domain::plan::{Plan, Rejected};
use crate::domain::provenance::{Findings, Kind, Parts};
use crate::domain::random::{Stage, stream};
use crate::domain::samples::{Dataset, Sample};
use crate::domain::splits::Split;
use crate::imaging::decode::{self, Format, Limits};
use crate::imaging::files::real;
use crate::imaging::training_set::Spec;

/// How original images are exported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Originals {
    /// Byte for byte.
    #[default]
    Keep,
    /// As PNG of the training size, depth and channels, like the made ones.
    TrainingSize,
}

/// An unknown way to export originals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown way to export originals; use keep or training-size")]
pub struct OriginalsError;

impl Originals {
    pub const ALL: [Originals; 2] = [Originals::Keep, Originals::TrainingSize];

    pub const fn as_str(self) -> &'static str {
        match self {
            Originals::Keep => "keep",
            Originals::TrainingSize => "training-size",
        }
    }
}

impl FromStr for Originals {
    type Err = OriginalsError;

    fn from_str(text: &str) -> Result<Self, OriginalsError> {
        Originals::ALL.into_iter().find(|o| o.as_str() == text).ok_or(OriginalsError)
    }
}

/// What the data set card says beyond the counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Card {
    pub title: String,
    /// The method's name in words.
    pub method_name: String,
    pub params: serde_json::Map<String, serde_json::Value>,
    /// Sentences about the data, for example what was done to pixels.
    pub notes: Vec<String>,
}

/// An accepted candidate.
#[derive(Clone, Debug, PartialEq)]
pub struct MadeImage {
    /// Class name.
    pub class: String,
    /// The candidate's PNG.
    pub file: PathBuf,
    /// Of that file, hexadecimal.
    pub sha256: String,
    /// Derived or synthetic.
    pub kind: Kind,
    /// Method id.
    pub method: String,
    pub model_hash: String,
    /// Relative to the source folder.
    pub seed_file: Option<String>,
    pub seed_class: Option<String>,
    pub seed_sha256: Option<String>,
    pub parts: Parts,
    pub verdict: Verdict,
    pub decision: Decision,
    pub decided_by: Option<DecidedBy>,
    /// Relative to the source folder.
    pub nearest_file: Option<String>,
    pub nearest_distance: Option<f64>,
    /// Name and value of the method's own score.
    pub own_score: Option<(String, f64)>,
    pub findings: Findings,
    /// Of its seed image.
    pub group: Option<String>,
    pub slot: u32,
    pub seed: u64,
}

/// All that an export needs to know.
#[derive(Clone, Debug)]
pub struct ExportRequest {
    /// With edits applied.
    pub dataset: Dataset,
    /// In the order in which they are preferred where two fill one slot.
    pub accepted: Vec<MadeImage>,
    pub plan: Plan,
    /// What becomes of slots without an accepted image; retry means repeat here.
    pub rejected: Rejected,
    pub seed: u64,
    pub originals: Originals,
    /// Size, channels, depth and fit of the made images.
    pub spec: Spec,
    /// The folder to make; it must not exist.
    pub out: PathBuf,
    /// Method id.
    pub method: String,
    pub card: Card,
}

/// Where the bytes of a file come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Byte for byte.
    Copy(PathBuf),
    /// Decoded, fitted to the training size and written as PNG.
    Resize(PathBuf),
    /// A candidate: checked against its hash and written as PNG with its provenance.
    Made { file: PathBuf, sha256: String },
}

/// One file of the export.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedFile {
    pub content: Content,
    /// The manifest's row, still without the hash.
    pub row: Row,
}

/// Images of a class in the exported training split, by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ClassTotals {
    pub name: String,
    pub original: usize,
    pub derived: usize,
    pub synthetic: usize,
    pub repeated: usize,
    /// The sum of the four.
    pub total: usize,
}

impl ClassTotals {
    pub(super) fn add(&mut self, kind: Kind) {
        match kind {
            Kind::Original => self.original += 1,
            Kind::Derived => self.derived += 1,
            Kind::Synthetic => self.synthetic += 1,
            Kind::Repeated => self.repeated += 1,
        }
        self.total += 1;
    }
}

/// What will be written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FilePlan {
    /// In the order of the manifest.
    pub files: Vec<PlannedFile>,
    /// Of the training split, in class order.
    pub classes: Vec<ClassTotals>,
    /// Space needed, estimated where pictures are encoded.
    pub bytes: u64,
    /// Sentences a person should read before and after.
    pub warnings: Vec<String>,
    /// Those of them that describe the folder itself and go into its card.
    pub remarks: Vec<String>,
}

/// The folder above a target, with links followed, and the target's name; refused where it may not be made.
/// `root` is the image folder.
pub(super) fn target(out: &Path, root: &Path) -> Result<(PathBuf, String), ExportError> {
    let named = out.file_name().and_then(|name| name.to_str());
    let name = named.ok_or_else(|| ExportError::NoName(out.to_path_buf()))?;
    if fs::symlink_metadata(out).is_ok() {
        return Err(ExportError::Exists(out.to_path_buf()));
    }
    if real(out).starts_with(real(root)) {
        return Err(ExportError::InsideSource(out.to_path_buf()));
    }
    let parent = match out.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => real(parent),
        _ => real(Path::new(".")),
    };
    Ok((parent, name.to_owned()))
}

/// Refuses a target that no export could be made at, before any work for it. `root` is the image folder.
///
/// # Errors
/// It exists, has no name or lies in the source folder.
pub fn check_target(out: &Path, root: &Path) -> Result<(), ExportError> {
    target(out, root).map(|_| ())
}

/// How the folder of an unfinished export to `name` begins.
pub(super) fn partial_prefix(name: &str) -> String {
    let short: String = name.chars().take(60).collect();
    format!(".{short}.partial-")
}

/// Collects the files of a plan and gives out their names.
struct Builder<'a> {
    request: &'a ExportRequest,
    plan: FilePlan,
    /// Folder of each class.
    folders: Vec<String>,
    taken: HashMap<String, Taken>,
    /// Names that were changed to be safe or unique, as said in the warnings.
    renamed: usize,
    clashes: usize,
}

impl<'a> Builder<'a> {
    fn new(request: &'a ExportRequest) -> Self {
        let mut plan = FilePlan::default();
        let mut taken = Taken::default();
        let mut folders = Vec::new();
        for class in &request.dataset.classes {
            let folder = taken.take(&safe(class), class);
            if folder != *class {
                plan.warnings.push(format!(
                    "class \"{class}\" is in the folder \"{folder}\", because its name clashes with another \
                     one or does not work on every system; the manifest has the true name"
                ));
            }
            folders.push(folder);
            plan.classes.push(ClassTotals { name: class.clone(), ..ClassTotals::default() });
        }
        Builder { request, plan, folders, taken: HashMap::new(), renamed: 0, clashes: 0 }
    }

    /// A path for this name in the folder of a class, safe and unique.
    fn place(&mut self, split: Split, class: usize, name: &str, origin: &str) -> String {
        let class_folder = self.folders.get(class).map_or("class", String::as_str);
        let folder = if self.request.dataset.has_splits {
            format!("{}/{class_folder}", split.as_str())
        } else {
            class_folder.to_owned()
        };
        let safe_name = safe(name);
        let unique = self.taken.entry(folder.clone()).or_default().take(&safe_name, origin);
        self.renamed += usize::from(safe_name != name);
        self.clashes += usize::from(unique != safe_name);
        format!("{folder}/{unique}")
    }

    fn push(&mut self, class: usize, content: Content, bytes: u64, row: Row) {
        if row.split == Split::Train
            && let Some(totals) = self.plan.classes.get_mut(class)
        {
            totals.add(row.kind);
        }
        self.plan.bytes += bytes;
        self.plan.files.push(PlannedFile { content, row });
    }

    /// Name and content of a file of the source folder as it is exported, and its bytes.
    fn source(&self, sample: &Sample) -> (String, Content, u64) {
        let path = self.request.dataset.root.join(&sample.path);
        let name = flattened(&sample.path, &self.request.dataset.classes);
        match self.request.originals {
            Originals::Keep => (self.with_extension(name, &path), Content::Copy(path), sample.info.bytes),
            Originals::TrainingSize => {
                let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
                (format!("{stem}.png"), Content::Resize(path), self.picture_bytes())
            }
        }
    }

    /// A name that loaders know as an image's: what has no known extension gets that of its content.
    fn with_extension(&self, name: String, path: &Path) -> String {
        if Format::of_name(path).is_some() {
            return name;
        }
        match decode::signature(path, &Limits::default()) {
            Ok(Some(format)) => match format.extensions().first() {
                Some(extension) => format!("{name}.{extension}"),
                None => name,
            },
            _ => name,
        }
    }

    /// Bytes of an uncompressed picture of the training size, an upper estimate for its PNG.
    fn picture_bytes(&self) -> u64 {
        let spec = &self.request.spec;
        let samples = u64::from(spec.size) * u64::from(spec.size) * u64::from(spec.channels);
        samples * u64::from(spec.bits.div_ceil(8)) + 1024
    }

    fn originals(&mut self) {
        let request = self.request;
        let dataset = &request.dataset;
        let any_made = dataset.samples.iter().any(|s| s.kind.is_made());
        // What an earlier export said of its made images is carried on.
        let earlier: HashMap<String, Row> = match any_made.then(|| manifest::read(&dataset.root)) {
            Some(Ok(rows)) => rows.into_iter().map(|row| (row.file.clone(), row)).collect(),
            _ => HashMap::new(),
        };
        for (_, sample) in dataset.counted() {
            let Some(label) = dataset.classes.get(sample.class) else { continue };
            let (name, content, bytes) = self.source(sample);
            let file = self.place(sample.split, sample.class, &name, &sample.path);
            let known = earlier.get(&sample.path).filter(|_| sample.kind.is_made()).cloned();
            let row = known.unwrap_or_else(|| Row::new(String::new(), label, sample.split, sample.kind));
            let row = Row {
                file,
                label: label.clone(),
                split: sample.split,
                kind: sample.kind,
                sha256: String::new(),
                group: sample.group.clone().or(row.group),
                source_file: Some(sample.path.clone()),
                ..row
            };
            self.push(sample.class, content, bytes, row);
        }
        let repeated = dataset.samples.iter().filter(|s| !s.excluded && s.kind == Kind::Repeated).count();
        if repeated > 0 {
            self.plan.warnings.push(format!(
                "{repeated} repeated images of the source folder are left out; the plan repeats images anew"
            ));
        }
    }

    /// The accepted candidates of a class that may be exported, one per slot, and the slots they fill.
    fn made(
        &mut self,
        class: usize,
        name: &str,
        seeds: &HashMap<&str, &Sample>,
    ) -> Result<HashSet<u32>, ExportError> {
        let request = self.request;
        let (mut slots, mut second, mut leaking) = (HashSet::new(), 0, 0);
        for made in request.accepted.iter().filter(|made| made.class == name) {
            // The image of another split would get into training; an excluded one was judged unfit.
            let seed = made.seed_file.as_deref().and_then(|file| seeds.get(file));
            if made.kind == Kind::Derived && seed.is_some_and(|s| s.excluded || s.split != Split::Train) {
                leaking += 1;
                continue;
            }
            if !slots.insert(made.slot) {
                second += 1;
                continue;
            }
            let short: String = made.sha256.chars().take(8).collect();
            let file_name = format!("syn_{}_{}_{short}.png", slug(&made.method), slug(name));
            let origin = format!("{} {}", made.slot, made.sha256);
            let file = self.place(Split::Train, class, &file_name, &origin);
            let bytes = fs::metadata(&made.file)
                .map_err(|e| ExportError::io("read the candidate", &made.file, e))?
                .len();
            let (own_score_name, own_score) = made.own_score.clone().unzip();
            let findings = made.findings.clone();
            let row = Row {
                method: Some(made.method.clone()),
                seed_file: made.seed_file.clone(),
                seed_class: made.seed_class.clone(),
                p_accept: made.parts.p_accept,
                prior_draw: made.parts.draw,
                confidence: made.parts.confidence,
                verdict: Some(made.verdict),
                decision: Some(made.decision),
                decided_by: made.decided_by,
                nearest_file: made.nearest_file.clone(),
                nearest_distance: made.nearest_distance,
                group: made.group.clone(),
                seed: Some(made.seed),
                slot: Some(made.slot),
                model: Some(made.model_hash.clone()).filter(|hash| !hash.is_empty()),
                seed_sha256: made.seed_sha256.clone(),
                own_score_name,
                own_score,
                usual_distance: findings.usual_distance,
                usual_of_others: findings.usual_of_others,
                near_copy: findings.near_copy,
                exact_copy: findings.exact_copy,
                diversity: findings.diversity,
                judge_says: findings.judge_says,
                ..Row::new(file, name, Split::Train, made.kind)
            };
            let content = Content::Made { file: made.file.clone(), sha256: made.sha256.clone() };
            self.push(class, content, bytes + 1024, row);
        }
        if second > 0 {
            self.plan.warnings.push(format!(
                "class \"{name}\": {} left out, because another one fills the slot",
                counted(second, "accepted candidate is", "accepted candidates are")
            ));
        }
        if leaking > 0 {
            self.plan.warnings.push(format!(
                "class \"{name}\": {} left out, because the seed image is excluded or no longer in training",
                counted(leaking, "accepted candidate is", "accepted candidates are")
            ));
        }
        Ok(slots)
    }

    /// Fills the class to its target with copies of its training originals.
    ///
    /// Every original is used once before one is used twice; round r follows the order of the stream (seed,
    /// Repeat, class, r).
    fn repeats(&mut self, class: usize, name: &str, missing: usize, slots: &HashSet<u32>) {
        let request = self.request;
        let originals: Vec<&Sample> = request
            .dataset
            .counted()
            .map(|(_, s)| s)
            .filter(|s| s.class == class && s.split == Split::Train && s.kind == Kind::Original)
            .collect();
        if originals.is_empty() {
            self.plan.warnings.push(format!(
                "class \"{name}\" stays {missing} below its target, because it has no training original to \
                 repeat"
            ));
            return;
        }
        let mut order: Vec<usize> = Vec::new();
        let free = (0_u32..).filter(|slot| !slots.contains(slot));
        for (number, slot) in (0..missing).zip(free) {
            let at = number % originals.len();
            if at == 0 {
                let round = (number / originals.len()) as u64;
                order = (0..originals.len()).collect();
                stream(request.seed, Stage::Repeat, class as u64, round).shuffle(&mut order);
            }
            let Some(&sample) = order.get(at).and_then(|&index| originals.get(index)) else { continue };
            let (source_name, content, bytes) = self.source(sample);
            let repeated_name = format!("rep_{}_{source_name}", number + 1);
            let origin = format!("{} {}", number + 1, sample.path);
            let file = self.place(Split::Train, class, &repeated_name, &origin);
            let row = Row {
                group: sample.group.clone(),
                slot: Some(slot),
                source_file: Some(sample.path.clone()),
                ..Row::new(file, name, Split::Train, Kind::Repeated)
            };
            self.push(class, content, bytes, row);
        }
    }

    fn fill(&mut self) -> Result<(), ExportError> {
        let request = self.request;
        let classes = &request.dataset.classes;
        let strangers = request.accepted.iter().filter(|made| !classes.contains(&made.class)).count();
        if strangers > 0 {
            self.plan.warnings.push(format!(
                "{} left out, because the data set has no class of that name",
                counted(strangers, "accepted candidate is", "accepted candidates are")
            ));
        }
        let seeds: HashMap<&str, &Sample> =
            request.dataset.samples.iter().map(|s| (s.path.as_str(), s)).collect();
        for (class, name) in classes.iter().enumerate() {
            let slots = self.made(class, name, &seeds)?;
            let Some(wanted) = request.plan.classes.iter().find(|c| c.name == *name) else { continue };
            let total = self.plan.classes.get(class).map_or(0, |totals| totals.total);
            if total > wanted.target && !slots.is_empty() {
                self.plan.warnings.push(format!(
                    "class \"{name}\" gets {} more images than its target of {}, because that many \
                     candidates were accepted",
                    total - wanted.target,
                    wanted.target
                ));
            }
            let missing = wanted.target.saturating_sub(total);
            match request.rejected {
                _ if missing == 0 => {}
                Rejected::Leave => self.plan.warnings.push(format!(
                    "class \"{name}\" stays {missing} below its target, because empty slots are left empty"
                )),
                Rejected::Repeat | Rejected::Retry => self.repeats(class, name, missing, &slots),
            }
        }
        Ok(())
    }

    /// What a classifier could learn instead of the class: made images have one size and one format.
    fn warn_of_differences(&mut self) {
        let made = self.plan.files.iter().any(|f| matches!(f.content, Content::Made { .. }));
        if !made || self.request.originals == Originals::TrainingSize {
            return;
        }
        let size = self.request.spec.size;
        let request = self.request;
        let kept = || {
            let all = request.dataset.counted().map(|(_, s)| s);
            all.filter(|s| s.split == Split::Train && s.kind == Kind::Original)
        };
        let sizes = kept().filter(|s| (s.info.width, s.info.height) != (size, size)).count();
        let formats = kept().filter(|s| !s.path.to_ascii_lowercase().ends_with(".png")).count();
        if sizes + formats > 0 {
            self.plan.warnings.push(format!(
                "made images are PNG of {size} x {size} pixels, while {sizes} training originals have \
                 another size and {formats} another format: a classifier could read the class from that; \
                 export the originals at training size to avoid it"
            ));
        }
    }

    fn finish(mut self) -> FilePlan {
        self.warn_of_differences();
        if self.clashes > 0 {
            self.plan.warnings.push(format!(
                "{} file names were the same but for case or Unicode form and got a hash at the end; \
                 source_file in the manifest has the true names",
                self.clashes
            ));
        }
        if self.renamed > 0 {
            self.plan.warnings.push(format!(
                "{} file names do not work on every system and were changed; source_file in the manifest has \
                 the true names",
                self.renamed
            ));
        }
        // Manifest rows and the card.
        self.plan.bytes += self.plan.files.len() as u64 * 400 + 8192;
        self.plan.remarks = self.plan.warnings.clone();
        self.plan
    }
}

/// Interrupted exports to the same name, named but never removed: one may still be running.
fn stale_partials(parent: &Path, name: &str) -> Vec<String> {
    let prefix = partial_prefix(name);
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let mut found: Vec<String> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|entry| entry.starts_with(&prefix))
        .collect();
    found.sort();
    found
}

/// What [`super::write`](super::write()) would write. Nothing is written and nothing is decoded.
///
/// # Errors
/// The target exists, has no name or lies in the source folder; there is nothing to export; a candidate's
/// file is gone.
pub fn file_plan(request: &ExportRequest) -> Result<FilePlan, ExportError> {
    let (parent, name) = target(&request.out, &request.dataset.root)?;
    let mut builder = Builder::new(request);
    builder.originals();
    builder.fill()?;
    let mut plan = builder.finish();
    if plan.files.is_empty() {
        return Err(ExportError::Nothing(request.dataset.root.clone()));
    }
    let stale = stale_partials(&parent, &name);
    if !stale.is_empty() {
        plan.warnings.push(format!(
            "an earlier export to this name did not end; if none is running, delete what it left ({}): {}",
            stale.join(", "),
            parent.display()
        ));
    }
    Ok(plan)
}

/// Images of each split and class by kind, in that order.
pub(super) fn totals(plan: &FilePlan) -> BTreeMap<Split, Vec<ClassTotals>> {
    let mut all: BTreeMap<Split, Vec<ClassTotals>> = BTreeMap::new();
    let position: HashMap<&str, usize> =
        plan.classes.iter().enumerate().map(|(at, class)| (class.name.as_str(), at)).collect();
    for file in &plan.files {
        let of_split = all.entry(file.row.split).or_insert_with(|| {
            let names = plan.classes.iter().map(|class| class.name.clone());
            names.map(|name| ClassTotals { name, ..ClassTotals::default() }).collect()
        });
        if let Some(class) = position.get(file.row.label.as_str()).and_then(|&at| of_split.get_mut(at)) {
            class.add(file.row.kind);
        }
    }
    all
}
