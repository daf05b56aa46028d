//! Tables of files: a CSV that a person wrote (file, label, optional split, group) and the manifest of an
//! exported folder, which has the same columns and a kind.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::domain::provenance::Kind;
use crate::domain::splits::Split;

/// Bytes of a table above which it is refused: some five million rows.
const MAX_BYTES: u64 = 512 << 20;

/// Bytes in which the first line must end.
const MAX_HEADER: u64 = 64 << 10;
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    /// Line in the file, from 1; the header is line 1.
    pub line: u64,
    /// Relative to the table's folder, `/` between the parts, never leaving the folder.
    pub file: String,
    /// Not empty and usable as a folder name.
    pub label: String,
    /// Training where the table says nothing.
    pub split: Split,
    pub group: Option<String>,
    /// Original where the table says nothing.
    pub kind: Kind,
}

/// A table, read and checked.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Table {
    pub rows: Vec<Row>,
    pub has_split: bool,
}

/// What is wrong with a table.
#[derive(Debug, thiserror::Error)]
pub(super) enum TableError {
    #[error("it cannot be read ({0})")]
    Io(#[from] std::io::Error),
    #[error("it has more than {} bytes", MAX_BYTES)]
    TooLarge,
    #[error("its first line must name the columns file and label (and may name split and group)")]
    Columns,
    #[error("row {line}: {problem}")]
    Row { line: u64, problem: String },
}

fn row(line: u64, problem: impl Into<String>) -> TableError {
    TableError::Row { line, problem: problem.into() }
}

/// Positions of the columns; only file and label must be there.
struct Columns {
    file: usize,
    label: usize,
    split: Option<usize>,
    group: Option<usize>,
    kind: Option<usize>,
}

impl Columns {
    fn of<'a>(names: impl Iterator<Item = &'a str>) -> Option<Self> {
        let names: Vec<String> = names.map(|n| n.trim().trim_matches('"').trim().to_lowercase()).collect();
        let find = |name: &str| names.iter().position(|n| n == name);
        Some(Columns {
            file: find("file")?,
            label: find("label")?,
            split: find("split"),
            group: find("group"),
            kind: find("kind"),
        })
    }
}

/// True where the first line of a file names the columns of our manifest.
pub(super) fn is_manifest(path: &Path) -> std::io::Result<bool> {
    let mut first = Vec::new();
    File::open(path)?.take(MAX_HEADER).read_to_end(&mut first)?;
    Ok(delimiter(&first).is_some_and(|(_, columns)| columns.kind.is_some()))
}

/// The delimiter with which the first line names our columns, and where they are.
fn delimiter(content: &[u8]) -> Option<(u8, Columns)> {
    let content = content.strip_prefix(BYTE_ORDER_MARK).unwrap_or(content);
    let first = content.split(|&b| b == b'\n').next().unwrap_or_default();
    let first = String::from_utf8_lossy(first);
    DELIMITERS.into_iter().find_map(|d| Some((d, Columns::of(first.split(char::from(d)))?)))
}

/// Reads a table. Column names in any case; comma, semicolon or tab between the columns.
pub(super) fn read(path: &Path) -> Result<Table, TableError> {
    if std::fs::metadata(path)?.len() > MAX_BYTES {
        return Err(TableError::TooLarge);
    }
    let content = std::fs::read(path)?;
    let (delimiter, columns) = delimiter(&content).ok_or(TableError::Columns)?;
    let content = content.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&content);
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).trim(csv::Trim::All).from_reader(content);
    let mut rows = Vec::new();
    // Read now, so that the position below is that of the first row.
    reader.byte_headers().map_err(|e| of_csv(&e))?;
    let mut records = reader.records();
    loop {
        // An error inside a record names the record before it; the reader knows where it stands.
        let begins = records.reader().position().line();
        let Some(record) = records.next() else { break };
        let record = record.map_err(|e| match e.kind() {
            csv::ErrorKind::Utf8 { .. } => row(begins, "the text is not UTF-8; save the table as UTF-8"),
            _ => of_csv(&e),
        })?;
        let line = record.position().map_or(0, csv::Position::line);
        rows.push(read_row(line, &record, &columns)?);
    }
    Ok(Table { rows, has_split: columns.split.is_some() })
}

fn of_csv(error: &csv::Error) -> TableError {
    let line = error.position().map_or(0, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => row(line, "the text is not UTF-8; save the table as UTF-8"),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            row(line, format!("it has {len} columns where the first line has {expected_len}"))
        }
        _ => row(line, error.to_string()),
    }
}

fn read_row(line: u64, record: &csv::StringRecord, columns: &Columns) -> Result<Row, TableError> {
    let cell = |column: usize| record.get(column).unwrap_or_default();
    let optional = |column: Option<usize>| column.map(cell).filter(|text| !text.is_empty());
    let file = relative(cell(columns.file)).map_err(|problem| row(line, problem))?;
    let label = cell(columns.label);
    if !is_folder_name(label) {
        return Err(row(line, format!("the label \"{label}\" is empty or cannot be a folder's name")));
    }
    let split = match optional(columns.split) {
        None => Split::Train,
        Some(word) => Split::parse(word).ok_or_else(|| {
            row(line, format!("the split \"{word}\" is none of train, validation and test"))
        })?,
    };
    let kind = match optional(columns.kind) {
        None => Kind::Original,
        Some(word) => Kind::parse(word)
            .ok_or_else(|| row(line, format!("\"{word}\" is no kind of image that is known")))?,
    };
    let group = optional(columns.group).map(str::to_owned);
    Ok(Row { line, file, label: label.to_owned(), split, group, kind })
}

fn is_folder_name(label: &str) -> bool {
    !label.is_empty()
        && !matches!(label, "." | "..")
        && !label.chars().any(|c| c.is_control() || matches!(c, '/' | '\\'))
}

/// The path with `/` between its parts, without `.` and `..`; refused where it leaves the table's folder.
fn relative(text: &str) -> Result<String, &'static str> {
    // Tables written on Windows have `\` alone.
    let text = if text.contains('/') { text.to_owned() } else { text.replace('\\', "/") };
    let drive = text.as_bytes().get(1) == Some(&b':') && text.starts_with(|c: char| c.is_ascii_alphabetic());
    if text.starts_with('/') || drive {
        return Err("the file's path must be relative to the table's folder");
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().ok_or("the file's path leaves the table's folder")?;
            }
            name => parts.push(name),
        }
    }
    if parts.is_empty() { Err("it names no file") } else { Ok(parts.join("/")) }
}
