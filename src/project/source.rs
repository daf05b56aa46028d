//! Where a project's images are, and finding them again by content when they moved.
//!
//! The data set's paths are relative to its root. The root is kept as it was and as seen from the project
//! folder, so that a project and its images that move together, or a drive that changes its letter, need no
//! help.

use std::fs;
use std::path::{Component, Path, PathBuf};

use rusqlite::{OptionalExtension as _, Row, params};

use super::error::ProjectError;
use super::files;
use super::store::{Project, from_json};
use crate::domain::samples::Sample;
pub(super) use crate::imaging::files::real;
use crate::imaging::hash::file_sha256;

/// Files whose content is hashed to know a folder again; the others are compared by path and size.
const HASHED: usize = 32;

/// The root as text, and the way from the project folder to it where both are on one drive.
pub(super) fn as_text(project: &Path, root: &Path) -> Result<(String, Option<String>), ProjectError> {
    let text = root.to_str().ok_or_else(|| ProjectError::PathText(root.to_path_buf()))?.to_owned();
    let (from, to): (Vec<Component<'_>>, Vec<Component<'_>>) =
        (project.components().collect(), root.components().collect());
    let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    if common == 0 {
        return Ok((text, None));
    }
    let mut way: Vec<&str> = vec![".."; from.len() - common];
    for part in &to[common..] {
        match part.as_os_str().to_str() {
            Some(part) => way.push(part),
            None => return Ok((text, None)),
        }
    }
    Ok((text, Some(way.join("/"))))
}

/// Path and content hash of up to 32 files, spread evenly over the data set.
pub(super) fn fingerprint(root: &Path, samples: &[Sample]) -> Result<Vec<(String, String)>, ProjectError> {
    let step = samples.len().div_ceil(HASHED).max(1);
    let hashed = samples.iter().step_by(step).map(|sample| {
        let path = root.join(&sample.path);
        let hash = file_sha256(&path).map_err(|e| ProjectError::io("read the image", &path, e))?;
        Ok((sample.path.clone(), hash))
    });
    hashed.collect()
}

impl Project {
    /// The source folder; `None` before there is a data set.
    ///
    /// # Errors
    /// The database fails.
    pub fn root(&self) -> Result<Option<PathBuf>, ProjectError> {
        if let Some(moved) = &self.moved_source {
            return Ok(Some(moved.clone()));
        }
        let root =
            self.db.query_row("SELECT root FROM dataset", [], |row| row.get::<_, String>(0)).optional();
        Ok(self.sql(root)?.map(PathBuf::from))
    }

    /// The source file of this relative path, checked to lie in the source folder.
    ///
    /// # Errors
    /// No data set; a path that leaves the folder; a file that is not there.
    pub fn source_file(&self, relative: &str) -> Result<PathBuf, ProjectError> {
        let root = self.root()?.ok_or_else(|| ProjectError::NoDataset(self.dir().to_path_buf()))?;
        files::resolve(&root, relative)
    }

    /// Takes `new_root` as the place of the images, where it holds the same files.
    ///
    /// Same means: every image has its path and size, and the hashed ones their content. A read-only project
    /// remembers the new place until it is closed.
    ///
    /// # Errors
    /// [`ProjectError::OtherSource`] where the content differs.
    pub fn relocate_source(&mut self, new_root: &Path) -> Result<(), ProjectError> {
        let new_root = real(new_root);
        let (same, images) = self.compare_source(&new_root)?;
        if same < images || images == 0 {
            return Err(ProjectError::OtherSource { same, images, path: new_root });
        }
        if self.is_read_only() {
            self.moved_source = Some(new_root);
            return Ok(());
        }
        super::store::check_place(self.dir(), &new_root)?;
        let (root, from_project) = as_text(self.dir(), &new_root)?;
        let update = "UPDATE dataset SET root = ?1, from_project = ?2";
        self.sql(self.db.execute(update, params![root, from_project]))?;
        Ok(())
    }

    /// Finds the images and says where they are: where they were, as seen from the project folder, beside the
    /// project, or in `given` or a folder of their name inside it. A new place is kept.
    ///
    /// # Errors
    /// [`ProjectError::SourceMissing`] where none of these holds them; [`ProjectError::OtherSource`] where
    /// `given` was named and holds something else.
    pub fn find_source(&mut self, given: Option<&Path>) -> Result<PathBuf, ProjectError> {
        let dir = self.dir().to_path_buf();
        let old = self.root()?.ok_or_else(|| ProjectError::NoDataset(dir.clone()))?;
        if old.is_dir() && given.is_none() {
            return Ok(old);
        }
        let name = old.file_name().unwrap_or_default().to_os_string();
        let mut places = Vec::new();
        if let Some(given) = given {
            places.extend([given.to_path_buf(), given.join(&name)]);
        } else {
            let way = self
                .db
                .query_row("SELECT from_project FROM dataset", [], |row| row.get::<_, Option<String>>(0))
                .optional();
            places.extend(self.sql(way)?.flatten().map(|way: String| dir.join(way)));
            places.extend(dir.ancestors().skip(1).take(2).map(|folder| folder.join(&name)));
        }
        for place in places.iter().filter(|place| place.is_dir()) {
            match self.relocate_source(place) {
                Ok(()) => return Ok(real(place)),
                Err(ProjectError::OtherSource { .. }) => {}
                Err(other) => return Err(other),
            }
        }
        match given {
            Some(given) => {
                let (same, images) = self.compare_source(given)?;
                Err(ProjectError::OtherSource { same, images, path: given.to_path_buf() })
            }
            None => Err(ProjectError::SourceMissing(old)),
        }
    }

    /// How many of the project's images this folder has, and how many there are.
    fn compare_source(&self, root: &Path) -> Result<(usize, usize), ProjectError> {
        let fingerprint =
            self.db.query_row("SELECT fingerprint FROM dataset", [], |row| from_json(row, 0)).optional();
        let fingerprint: Vec<(String, String)> =
            self.sql(fingerprint)?.ok_or_else(|| ProjectError::NoDataset(self.dir().to_path_buf()))?;
        let mut statement = self.sql(self.db.prepare("SELECT path, bytes FROM samples"))?;
        let mut rows = self.sql(statement.query([]))?;
        let (mut same, mut images) = (0_usize, 0_usize);
        while let Some(row) = self.sql(rows.next())? {
            let (path, bytes) = self.sql(path_and_bytes(row))?;
            let length = files::is_inside(&path).then(|| fs::metadata(root.join(&path)).ok()).flatten();
            let equal = length.is_some_and(|m| m.is_file() && i64::try_from(m.len()) == Ok(bytes));
            same += usize::from(equal);
            images += 1;
        }
        if same == images {
            let changed = fingerprint.iter().filter(|(path, hash)| {
                !files::is_inside(path) || file_sha256(&root.join(path)).ok().as_ref() != Some(hash)
            });
            same = same.saturating_sub(changed.count());
        }
        Ok((same, images))
    }
}

fn path_and_bytes(row: &Row<'_>) -> rusqlite::Result<(String, i64)> {
    Ok((row.get(0)?, row.get(1)?))
}
