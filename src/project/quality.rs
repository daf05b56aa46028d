//! The quality of the made images of a run, class by class: what was measured when they were made.
//!
//! A figure is a number that was taken once and is never computed again: the judge it was taken with may be
//! gone. Each has its N and, where there were enough real images, the same figure between real images. Knows
//! no measure: a name says which one it is.

use rusqlite::{OptionalExtension as _, Row, params};

use super::candidates::RunId;
use super::error::ProjectError;
use super::store::Project;

/// Features of classifier g, the judge.
pub const JUDGE: &str = "g";
/// No features: the pixels themselves, in \[0, 1\].
pub const PIXELS: &str = "pixels";
/// The judge's answers, beside those on images that it never saw: of the validation part.
pub const JUDGE_HELD_OUT: &str = "g, held out";
/// The same without such images of the class: beside its answers on the images that it learnt from.
pub const JUDGE_LEARNT: &str = "g, learnt";
/// The pixels, where images of the validation part stand for real ones.
pub const PIXELS_HELD_OUT: &str = "pixels, held out";
/// The same without such images of the class: each training image stands for one, and is left out for that.
pub const PIXELS_LEFT_OUT: &str = "pixels, left out";
/// Share of all made images, accepted or not, that the judge takes for their class; between real images its recall.
pub const JUDGE_ACCURACY: &str = "judge accuracy";
/// Median distance to the nearest training image of the class.
pub const NEAREST: &str = "nearest median";
/// The distance that one image in a hundred is nearer than.
pub const NEAREST_CLOSEST: &str = "nearest 1 %";
/// Mean distance of two made images over that of two real ones.
pub const DIVERSITY: &str = "diversity";
/// Share of images that are much nearer to a training image than is usual.
pub const NEAR_COPIES: &str = "near copies";

/// One figure beside the same between real images.
#[derive(Clone, Debug, PartialEq)]
pub struct QualityFigure {
    /// What images are seen through: [`JUDGE`], [`PIXELS`] or the name of another network; behind a comma which real
    /// images the figure stands beside, where these are not those of the training part, or not against each other.
    pub features: String,
    /// What tables call it, such as `FD-g`.
    pub name: String,
    pub value: f64,
    /// Standard deviation over the draws; `None` for one draw.
    pub sd: Option<f64>,
    /// The same figure between real images; `None` where these are too few.
    pub floor: Option<f64>,
    /// Real images that enter.
    pub n_real: u32,
    /// Made images that enter.
    pub n_made: u32,
}

impl QualityFigure {
    /// True where it compares two sets of features.
    pub fn is_distance(&self) -> bool {
        !self.features.starts_with(PIXELS) && self.name != JUDGE_ACCURACY
    }
}

/// What is known of the made images of one class.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClassQuality {
    /// Class name.
    pub class: String,
    /// Images the run made.
    pub made: u32,
    /// Original images of the class in the training part.
    pub real: u32,
    /// Empty where there are too few images of a side for any.
    pub figures: Vec<QualityFigure>,
}

impl ClassQuality {
    /// The figure of this name; the first where several features give one.
    pub fn figure(&self, name: &str) -> Option<&QualityFigure> {
        self.figures.iter().find(|figure| figure.name == name)
    }

    /// How many of the made images may be copies; `None` where that was not looked for.
    pub fn near_copies(&self) -> Option<u32> {
        let figure = self.figure(NEAR_COPIES)?;
        Some((figure.value * f64::from(figure.n_made)).round() as u32)
    }
}

impl Project {
    /// Keeps what was measured of one class of a run, once. Durable when it returns.
    ///
    /// # Errors
    /// Read-only; no such run; a class that is measured already; a value that is no number. Then nothing is
    /// kept.
    pub fn add_quality(&mut self, run: RunId, quality: &ClassQuality) -> Result<(), ProjectError> {
        self.check_writable()?;
        let tx = self.begin()?;
        let exists = tx.query_row("SELECT 1 FROM runs WHERE id = ?1", [run], |_| Ok(())).optional();
        if self.sql(exists)?.is_none() {
            return Err(ProjectError::UnknownRun(run));
        }
        let write = || -> rusqlite::Result<()> {
            let insert = "INSERT INTO quality (run, class, made, originals) VALUES (?1, ?2, ?3, ?4)";
            tx.execute(insert, params![run, quality.class, quality.made, quality.real])?;
            let of = tx.last_insert_rowid();
            let mut insert = tx.prepare(
                "INSERT INTO figures (quality, features, name, value, sd, floor, n_real, n_made)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?;
            for f in &quality.figures {
                insert
                    .execute(params![of, f.features, f.name, f.value, f.sd, f.floor, f.n_real, f.n_made])?;
            }
            Ok(())
        };
        self.sql(write())?;
        self.sql(tx.commit())
    }

    /// What was measured of the newest run that counts, in the order it was measured; see
    /// [`Project::latest_run`]. Nothing for a run of an older program.
    ///
    /// # Errors
    /// The database fails.
    pub fn quality(&self) -> Result<Vec<ClassQuality>, ProjectError> {
        match self.latest_run()? {
            Some(run) => self.quality_of(run),
            None => Ok(Vec::new()),
        }
    }

    /// What was measured of one run, in the order it was measured.
    ///
    /// # Errors
    /// The database fails.
    pub fn quality_of(&self, run: RunId) -> Result<Vec<ClassQuality>, ProjectError> {
        let mut statement = self.sql(self.db.prepare_cached(
            "SELECT q.id, q.class, q.made, q.originals, f.features, f.name, f.value, f.sd, f.floor, f.n_real,
                    f.n_made
             FROM quality q LEFT JOIN figures f ON f.quality = q.id WHERE q.run = ?1 ORDER BY q.id, f.id",
        ))?;
        let mut rows = self.sql(statement.query([run]))?;
        let mut found = Vec::new();
        while let Some(row) = self.sql(rows.next())? {
            self.sql(take(row, &mut found))?;
        }
        Ok(found.into_iter().map(|(_, quality)| quality).collect())
    }
}

/// Adds a row to the class it belongs to, which is the last one or a new one.
fn take(row: &Row<'_>, found: &mut Vec<(i64, ClassQuality)>) -> rusqlite::Result<()> {
    let id: i64 = row.get(0)?;
    if found.last().is_none_or(|(last, _)| *last != id) {
        let quality =
            ClassQuality { class: row.get(1)?, made: row.get(2)?, real: row.get(3)?, figures: Vec::new() };
        found.push((id, quality));
    }
    // A class without figures has one row of nothing.
    let Some(features) = row.get::<_, Option<String>>(4)? else { return Ok(()) };
    let figure = QualityFigure {
        features,
        name: row.get(5)?,
        value: row.get(6)?,
        sd: row.get(7)?,
        floor: row.get(8)?,
        n_real: row.get(9)?,
        n_made: row.get(10)?,
    };
    if let Some((_, quality)) = found.last_mut() {
        quality.figures.push(figure);
    }
    Ok(())
}
